"""Where a training ran: versions and processor, which figures of speed depend on."""

import os
import platform
from typing import Any

import numpy as np
import torch

from varlen import _native


def environment(device: str, num_processes: int) -> dict[str, Any]:
    """This process and its machine, as JSON data for people."""
    found = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "processes": num_processes,
        "threads of each": torch.get_num_threads(),
        "native core": _native.NATIVE,
    }
    if torch.device(device).type == "cuda" and torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name(device)
    return found


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = [
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            ]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
