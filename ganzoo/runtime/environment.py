"""Versions and hardware, for the provenance of runs and results."""

import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from ganzoo.registry.registry import SESSION


def environment(device: torch.device, distribution: str) -> dict[str, Any]:
    """Versions and hardware, for ``run.json``. ``distribution`` is the one that provides the variant."""
    names = sorted({"ganzoo", "torch", "numpy", "safetensors", distribution} - {"unknown", SESSION})
    hardware = torch.cuda.get_device_name() if device.type == "cuda" else processor()
    return {
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in names}},
        "device": device.type,
        "hardware": hardware,
        "threads": torch.get_num_threads(),
        "command": [Path(sys.argv[0]).name.replace("__main__.py", "ganzoo"), *sys.argv[1:]],
    }


def processor() -> str:
    """The processor's name where the system tells, else its architecture; and the vector instructions that torch uses.

    Virtual machines hide the model: of two processors called AMD EPYC, one trained four times as fast as the other,
    which has AVX2 only.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    vectors = torch.backends.cpu.get_cpu_capability()
    return name if vectors == "DEFAULT" else f"{name} ({vectors})"


def now() -> str:
    """UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
