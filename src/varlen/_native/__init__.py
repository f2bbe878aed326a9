"""The one door to the compiled core.

Every operation has a plain twin in a `_reference` file, which is its definition. VARLEN_NATIVE=0 in
the environment, at install or at run time, leaves the compiled one out.
"""

import os
from importlib.util import find_spec
from typing import Any

from . import _reference, _reference_frames, _reference_steps

NATIVE: bool = os.environ.get("VARLEN_NATIVE") != "0" and find_spec(f"{__name__}._C") is not None
if NATIVE:
    from . import _C  # a module that is there and does not load raises here

crc32c = _C.crc32c if NATIVE else _reference.crc32c
masked_crc32c = _C.masked_crc32c if NATIVE else _reference_frames.masked_crc32c
scan_frames = _C.scan_frames if NATIVE else _reference_frames.scan_frames
find_header = _C.find_header if NATIVE else _reference_frames.find_header
frame_lengths = _C.frame_lengths if NATIVE else _reference_frames.frame_lengths
slice_bytes = _C.slice_bytes if NATIVE else _reference_frames.slice_bytes
frame_records = _C.frame_records if NATIVE else _reference_frames.frame_records
count_steps = _C.count_steps if NATIVE else _reference_steps.count_steps
# Their twins need protobuf's messages and so stand with them (varlen.features).
decode_features = _C.decode_features if NATIVE else None
read_numbers = _C.read_numbers if NATIVE else None
encode_features = _C.encode_features if NATIVE else None
profile_features = _C.profile_features if NATIVE else None
# Time loops. Their twin needs torch and so stands with the engines (varlen.rnn.engine._reference).
rnn: Any = _C.rnn if NATIVE else None

__all__ = [
    "NATIVE",
    "count_steps",
    "crc32c",
    "decode_features",
    "encode_features",
    "find_header",
    "frame_lengths",
    "frame_records",
    "masked_crc32c",
    "profile_features",
    "read_numbers",
    "rnn",
    "scan_frames",
    "slice_bytes",
]
