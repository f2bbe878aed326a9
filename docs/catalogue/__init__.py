"""The catalogue of cells: a page that is made of docstrings, classes and measured times."""
