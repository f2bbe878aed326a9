"""What tests of readers have in common."""

import numpy as np


def plain(value):
    """Arrays as lists, their scalars as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def features(row):
    """All features of a row, as plain values."""
    return {name: plain(value) for name, value in {**row.context, **row.sequences}.items()}


def ignore(num_bytes):
    """No progress is shown."""
