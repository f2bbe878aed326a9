"""TensorFlow 1 variables into the cells of this library, and out of them."""

from varlen.tf1._scopes import variable_names
from varlen.tf1._variables import load_variables, variables_of

__all__ = ["load_variables", "variable_names", "variables_of"]
