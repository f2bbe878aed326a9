"""The one door to the compiled core.

Every operation has a plain twin in `_reference`, which is its definition. VARLEN_NATIVE=0 in the
environment, at install or at run time, leaves the compiled one out.
"""

import os
from importlib.util import find_spec

from . import _reference

NATIVE: bool = os.environ.get("VARLEN_NATIVE") != "0" and find_spec(f"{__name__}._C") is not None
if NATIVE:
    from . import _C  # a module that is there and does not load raises here

crc32c = _C.crc32c if NATIVE else _reference.crc32c

__all__ = ["NATIVE", "crc32c"]
