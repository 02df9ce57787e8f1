"""Several processes as one training: who this one is, how they are connected, and how they agree.

torchrun starts the processes, which it calls ranks, and tells each its place; torch.distributed connects them. Nothing
here is active in a process that torchrun has not started, and torch is imported only to connect.
"""

import atexit
import gc
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ganzoo import errors
from ganzoo.errors import TrainingError, UsageError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

TIMEOUT = timedelta(minutes=10)
"""How long a rank waits for the others' gradients: much longer than an iteration may differ between ranks."""
PATIENCE = timedelta(hours=2)
"""How long it waits for rank 0, which alone writes samples and checkpoints and takes the variant's own measures."""
GRACE = 5.0
"""Seconds that failing ranks wait for each other, so that rank 0 can say why before torchrun ends them all."""

LOST = re.compile(r"gloo|remote process|connection (closed|reset|refused)|broken pipe|timed out", re.IGNORECASE)
"""What torch's errors say when another rank is gone; gloo's have no type of their own."""

_control: Any = None  # the group for all but gradients, once the ranks are connected
_lost = False  # whether another rank is known to be gone


@dataclass(frozen=True)
class World:
    """A process among those that train together.

    Attributes:
        rank: its number; rank 0 alone writes and speaks.
        size: how many there are.
        local_rank: its number on this machine, which is also that of its GPU.
        local_size: how many there are on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    def gather(self, compute: Callable[[], T]) -> list[T]:
        """What each rank computes, by rank, on every rank. ``compute`` must not wait for other ranks itself.

        Raises:
            GanzooError: that of the lowest rank on which ``compute`` failed, on every rank.
        """
        if self.size == 1:
            return [compute()]
        from torch import distributed

        value, error = None, None
        try:
            value = compute()
        except Exception as raised:  # whatever it is, the others would wait for this rank for ever
            error = raised
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, (value, _told(error, self.rank)), group=_control)
        for rank, (_, told) in enumerate(found):
            if told and rank == self.rank:
                assert error is not None
                raise error
            if told:
                raise _retold(*told)
        return [part for part, _ in found]

    def on_all_ranks(self, compute: Callable[[], T]) -> T:
        """What this rank computes, once all have computed theirs. Raises as :meth:`gather`."""
        own: list[T] = []
        self.gather(lambda: own.append(compute()))
        return own[0]

    def on_rank0(self, compute: Callable[[], T]) -> T:
        """What rank 0 computes, on every rank; the others wait. Raises as :meth:`gather`."""
        found: list[Any] = self.gather(compute if self.rank == 0 else lambda: None)
        return found[0]

    def average_(self, tensor: "torch.Tensor") -> None:
        """Replace a tensor on the training device by its mean over the ranks: the same bits on each of them."""
        from torch import distributed

        distributed.all_reduce(tensor)
        tensor /= self.size

    def launcher(self) -> list[str]:
        """The words of the command line that start as many processes."""
        if self.size == 1:
            return ["ganzoo"]
        machines = self.size // self.local_size
        meeting = ["--nnodes", str(machines), "--rdzv-backend", "c10d", "--rdzv-endpoint", "HOST:PORT"]
        where = ["--standalone"] if machines == 1 else meeting
        # Not -m, which would import modules of the current folder.
        return ["torchrun", *where, "--nproc-per-node", str(self.local_size), "--no-python", "ganzoo"]


SINGLE_PROCESS = World()
"""A process by itself."""


def launched() -> World:
    """This process's place among those that torchrun has started; :data:`SINGLE_PROCESS` when it was not torchrun.

    Raises:
        UsageError: the environment variables are not torchrun's.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    if not all(name in os.environ for name in names):
        return SINGLE_PROCESS
    said = {name: os.environ[name] for name in names}
    try:
        world = World(*(int(said[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")))
    except ValueError:
        world = World(rank=-1)
    if not (0 <= world.rank < world.size and 0 <= world.local_rank < world.local_size <= world.size):
        raise UsageError(f"{said} is nothing that torchrun says: start the processes with torchrun, or unset these.")
    return world


def join(device: "torch.device") -> World:
    """Connect this process with the others of its training, once; they stay connected until it ends.

    Returns on no rank before all ranks have called it: rank 0 may then make what the others have seen not to be there.

    Raises:
        TrainingError: they do not find each other.
    """
    global _control
    world = launched()
    if world.size == 1:
        return world
    if _control is not None:
        world.gather(lambda: None)
        return world
    import torch
    from torch import distributed

    try:
        if not distributed.is_initialized():  # a script may have done it
            if device.type == "cuda":
                torch.cuda.set_device(device)
                distributed.init_process_group("nccl", timeout=TIMEOUT, device_id=device)
            else:
                distributed.init_process_group("gloo", timeout=TIMEOUT)
            atexit.register(_leave)
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminated)
        # Over the network's own sockets, also beside NCCL: it notices at once when a process has ended.
        _control = distributed.new_group(backend="gloo", timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"the {world.size} processes could not be connected: {_first_line(error)}. "
            "Look at torchrun's --nnodes, --nproc-per-node and --rdzv-endpoint."
        ) from error
    return world


def _terminated(number: int, _: Any) -> None:
    """torchrun ends all ranks as soon as one has ended; one that has noticed is about to say so, and ends by itself."""
    if not _lost:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _leave() -> None:
    """Disconnect. Threads of torch that work for a group end with the last reference to it, and those of the last
    messages must have ended before Python does: one that lets go of a tensor too late aborts the process."""
    from torch import distributed

    global _control
    if not distributed.is_initialized() or (_lost and distributed.get_backend() == "nccl"):
        return  # on GPUs it would wait for the rank that is gone
    group, _control = _control, None
    with suppress(RuntimeError):  # the process ends: nothing can be done about it any more
        if group is not None:
            distributed.destroy_process_group(group)
            del group
        gc.collect()  # DistributedDataParallel refers to itself, and to its group
        distributed.destroy_process_group()


@contextmanager
def peer_failures(advice: Callable[[], str]) -> Iterator[None]:
    """Whatever torch says of a rank that is gone, in words; ``advice`` says how to go on.

    Raises:
        TrainingError: another rank has ended, or has not answered in time.
    """
    global _lost
    try:
        yield
    except RuntimeError as error:
        if _control is None or not is_loss(error):
            raise
        _lost = True
        raise TrainingError(
            f"another process of this training has ended or does not answer ({_first_line(error)}); what torchrun or "
            f"that process says tells which and why. {advice()}"
        ) from error


def is_loss(error: RuntimeError) -> bool:
    """Whether an error of torch says that another rank is gone."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or bool(LOST.search(str(error)))


def meet(seconds: float = GRACE) -> bool:
    """Called by a rank that has failed, by rank 0 when it has said why: whether another one may keep silent.

    It waits for the others, but no longer than that. torchrun ends all ranks as soon as one has ended, so rank 0 has to
    speak before another one ends.
    """
    if _lost:
        return False
    if _control is None:  # not connected yet: that rank 0 has ended is known by torchrun's signal
        if launched().rank == 0:
            return False
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        return ended.wait(seconds)
    from torch import distributed

    try:
        distributed.monitored_barrier(_control, timedelta(seconds=seconds))
    except RuntimeError:
        return False
    return True


def _told(error: Exception | None, rank: int) -> tuple[str, str] | None:
    """An error as plain values: its class, if it is one for users, and its text."""
    if error is None:
        return None
    ours = isinstance(error, errors.GanzooError) and hasattr(errors, type(error).__name__)
    text = str(error) if ours else f"{type(error).__name__}: {error}"
    return type(error).__name__ if ours else "TrainingError", f"rank {rank}: {text}" if rank else text


def _retold(name: str, text: str) -> errors.GanzooError:
    """The error again, on another rank."""
    kind: type[errors.GanzooError] = getattr(errors, name)
    return kind.__new__(kind, text)  # __init__ of some wants what the text was made of


def _first_line(error: Exception) -> str:
    """What torch says, without the place in its sources and without its advice."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r"^\[\S+:\d+\] ", "", line).partition(". ")[0].rstrip(".")
