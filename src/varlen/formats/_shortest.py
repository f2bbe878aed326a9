"""Numbers of float32 with no more digits than tell them apart."""

from typing import Any

import numpy as np
import numpy.typing as npt

# Numbers of six digits are all different in float32, and nine digits tell any two of it apart.
_DIGITS = (9, 8, 7, 6)
# Between these, the powers of ten that are used below are exact in float64.
_SMALL, _LARGE = 1e-14, 1e28


def shortest(values: Any) -> npt.NDArray[np.float64]:
    """The float64 of fewest decimal digits that is `values` when rounded to float32.

    `np.float32(0.1)` is 0.10000000149011612; this is 0.1. NaN and infinity stay.
    """
    with np.errstate(all="ignore"):
        exact = np.asarray(values, np.float64)
        size = np.abs(exact)
        found = exact.copy()
        magnitude = np.floor(np.log10(size))
        for digits in _DIGITS:
            places = digits - 1 - magnitude
            scale = 10.0 ** np.abs(places)
            rounded = np.where(
                places >= 0, np.rint(exact * scale) / scale, np.rint(exact / scale) * scale
            )
            found = np.where(rounded.astype(np.float32) == exact, rounded, found)
    is_extreme = (size > 0) & (size < _SMALL) | (size > _LARGE)
    if is_extreme.any():
        # NumPy writes them as short, but takes several times longer.
        found[is_extreme] = exact[is_extreme].astype(np.float32).astype(str).astype(np.float64)
    return found
