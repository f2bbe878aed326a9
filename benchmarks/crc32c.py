"""The checksum of record files: the compiled one, its plain twin, and the bound.

The bound is the time to read the same bytes once (`numpy` summing them as 64-bit words). Run:

    python benchmarks/crc32c.py
"""

import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
from machine import processor

from varlen._native import _C, NATIVE, _reference  # noqa: TID251 - the versions side by side

REPEATS = 15
SIZES = {"a record of 600 B": 600, "a block of 64 KiB": 2**16, "a file of 64 MiB": 2**26}


def seconds(function: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def main() -> None:
    if not NATIVE:
        raise SystemExit("the compiled core is left out (VARLEN_NATIVE=0): nothing to compare")
    print(f"{processor()}, Python {platform.python_version()}, one thread, GB/s")
    print(f"{'':20}{'instruction':>12}{'tables':>10}{'plain twin':>12}{'reading once':>14}")
    for name, size in SIZES.items():
        words = np.frombuffer(np.random.default_rng(0).bytes(size), np.uint64)
        data = words.tobytes()
        contestants: list[tuple[Callable[[], object], int]] = [
            (lambda data=data: _C.crc32c(data), 1),
            (lambda data=data: _C.crc32c_portable(data), 1),
            (lambda data=data: _reference.crc32c(data[: 2**16]), min(size, 2**16)),
            (lambda words=words: words.sum(), 1),
        ]
        calls = max(1, 2**22 // size)
        rounds = [
            [seconds(function, calls if part == 1 else 1) for function, part in contestants]
            for _ in range(REPEATS)
        ]
        medians = [statistics.median(times) for times in zip(*rounds, strict=True)]
        bytes_each = [size, size, min(size, 2**16), size]
        rates = [n / s / 1e9 for n, s in zip(bytes_each, medians, strict=True)]
        print(f"{name:20}{rates[0]:12.2f}{rates[1]:10.2f}{rates[2]:12.4f}{rates[3]:14.2f}")


if __name__ == "__main__":
    main()
