"""TensorFlow 1 variables into the cells of this library."""

from varlen.tf1._variables import load_variables, variable_names

__all__ = ["load_variables", "variable_names"]
