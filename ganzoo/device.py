"""Where to compute, and torch's global state around a training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ganzoo.checkpoint import capture_rng, restore_rng
from ganzoo.distributed import launched
from ganzoo.errors import UsageError


def choose_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``mps``; of several processes each has a GPU of its own.

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
def exact_arithmetic(device: torch.device) -> Iterator[None]:
    """On a GPU: no TF32, and no kernels whose sums come in any order."""
    if device.type != "cuda":
        yield
        return
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32
    cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = True, False, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = before
