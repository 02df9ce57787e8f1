"""Where to compute, and torch's global state around a training."""

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ganzoo.errors import UsageError
from ganzoo.runtime.processes import launched
from ganzoo.runtime.random_state import capture_rng, restore_rng

MOST_THREADS = 8
"""A limit for machines of many cores: a layer of a small network has little to divide. Not measured beyond two."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""
KEPT = 256 * 2**20
"""Bytes of freed memory that a process may keep."""


def choose_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``mps``; of several processes each has its own GPU.

    Raises:
        UsageError: this machine or this build of torch has no such device, or fewer GPUs than processes.
    """
    world = launched()
    have = ["cpu"]
    if torch.cuda.is_available():
        have.insert(0, "cuda")
    elif torch.backends.mps.is_available() and world.size == 1:  # torch.distributed has nothing for Apple's GPUs
        have.insert(0, "mps")
    chosen = have[0] if name == "auto" else name
    if chosen not in have:
        raise UsageError(f"device {name!r} is not available here; available: {', '.join(have)}.")
    if chosen != "cuda" or world.size == 1:
        return torch.device(chosen)
    if world.local_size > torch.cuda.device_count():
        raise UsageError(
            f"{world.local_size} processes on this machine, which has {torch.cuda.device_count()} GPUs: "
            "give torchrun --nproc-per-node as many as there are GPUs, or take -o device=cpu."
        )
    return torch.device("cuda", world.local_rank)


def clock_of(name: str, device: torch.device) -> Callable[[], float]:
    """A clock in seconds: ``"wall"``, or ``"processor"``, the time of all processors that this process had.

    A program beside it makes the former run longer, not the latter. A GPU works while the processor waits, so that
    only the wall clock tells its time.
    """
    return time.process_time if name == "processor" and device.type == "cpu" else time.perf_counter


@contextmanager
def clean_slate() -> Iterator[None]:
    """Torch's global state as training needs it, whatever the caller has set; the caller's is given back afterwards.

    Random number generators are seeded by a training; gradients are on, and new tensors are float32.
    """
    tensors, plain = capture_rng()
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        restore_rng(tensors, plain)


def layout(network: nn.Module) -> nn.Module:
    """Convolutions run faster with channels last; a network without any is not touched."""
    convolutional = any(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in network.modules())
    return network.to(memory_format=torch.channels_last) if convolutional else network


@contextmanager
def threads(number: int) -> Iterator[None]:
    """That many threads of the processor, 0: as many as torch would take, but no more than ``MOST_THREADS``."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or min(before, MOST_THREADS))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Have glibc keep freed memory for the next step: gradients come and go, and each fresh page is a fault.

    It holds for the process from then on; other C libraries have no such switch.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
        mallopt(M_TRIM_THRESHOLD, KEPT)


@contextmanager
def uncompiled(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Networks as they were before ``network.compile()``: hooks that are added later are not seen by compiled code."""
    compiled = [(network, network._compiled_call_impl) for network in networks]
    for network, _ in compiled:
        network._compiled_call_impl = None
    try:
        yield
    finally:
        for network, call in compiled:
            network._compiled_call_impl = call


@contextmanager
def arithmetic(device: torch.device, precision: str, deterministic: bool) -> Iterator[None]:
    """Torch's switches between speed and exactness, as a training's settings want them; the caller's come back.

    On a GPU fp32 is fp32 (no TF32); ``"tf32"`` and ``"bf16"`` allow TF32 where fp32 is left. Unless ``deterministic``,
    cuDNN tries its convolutions and takes the fastest, which need not be the same one, nor exact, in the next process.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic, matmul.allow_tf32
    strict = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    if device.type == "cuda":
        cudnn.allow_tf32 = matmul.allow_tf32 = precision in ("tf32", "bf16")
        cudnn.benchmark, cudnn.deterministic = not deterministic, deterministic
    if deterministic:
        # cuBLAS reads this when it first works on a stream; without it torch refuses its matrix products.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic, matmul.allow_tf32 = before
        torch.use_deterministic_algorithms(strict, warn_only=only_warns)


@contextmanager
def exact_arithmetic(device: torch.device) -> Iterator[None]:
    """On a GPU: no TF32, and no kernels whose sums come in any order."""
    if device.type != "cuda":
        yield
        return
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32
    cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = False, True, False, False
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = before
