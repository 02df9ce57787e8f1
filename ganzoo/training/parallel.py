"""What is different in an iteration when several processes, ranks, train together, each on its part of every batch.

Gradients are averaged by DistributedDataParallel (arXiv:2006.15704), the running statistics of batch normalisation
after every iteration: between two iterations all ranks hold the same networks, to the last bit.
"""

import math
import shlex
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from ganzoo.config.settings import RunConfig
from ganzoo.data.loader import Batch, BatchLoader
from ganzoo.errors import ConfigError, NotFiniteError
from ganzoo.models.interfaces import device_of
from ganzoo.models.state import Losses, State, Update
from ganzoo.models.variant import Variant
from ganzoo.runtime.processes import World
from ganzoo.training.trainer import Trainer

SECOND = 1.0
"""How often, about, ranks ask each other whether to stop: often enough for a scheduler that kills after 30 seconds."""


def check(config: RunConfig, device: torch.device, world: World) -> None:
    """Refuse settings that so many processes cannot train with.

    Raises:
        ConfigError: a batch that cannot be divided, or nothing to synchronise.
    """
    if config.sync_batch_norm and world.size == 1:
        raise ConfigError(
            "sync_batch_norm = True: one process has nothing to synchronise; start several with torchrun, or leave it."
        )
    if config.on_nonfinite == "rollback" and world.size > 1:
        raise ConfigError(
            f"on_nonfinite = 'rollback' works with one process, and here are {world.size}: leave it, and resume."
        )
    if config.metric_minutes and world.size > 1:
        raise ConfigError(
            f"metric_minutes = {config.metric_minutes!r} works with one process, and here are {world.size}, whose "
            "clocks differ: metric_every=N counts images."
        )
    if config.sync_batch_norm and device.type != "cuda":
        raise ConfigError(
            f"sync_batch_norm = True: torch's synchronised batch normalisation needs GPUs, and this trains on "
            f"{device.type}. Each process normalises its own part of a batch there: -o sync_batch_norm=false."
        )


def check_batch_size(size: int, accumulate: int, world: World, least: int) -> None:
    """Refuse a batch that cannot be divided equally over processes and parts of ``least`` samples or more.

    Raises:
        ConfigError: the nearest sizes that can.
    """
    parts, smallest = world.size * accumulate, least * world.size * accumulate
    if size % parts == 0 and size >= smallest:
        return
    below = size // parts * parts
    choices = " or ".join(map(str, sorted({max(n, smallest) for n in (below, below + parts)})))
    if world.size == 1 and accumulate == 1:
        raise ConfigError(f"batch_size = {size} is out of range: this variant needs at least {least}.")
    if world.size == 1:
        raise ConfigError(
            f"batch_size = {size} with accumulate = {accumulate}: it must be a multiple of {parts}, at least "
            f"{smallest}, such as {choices}."
        )
    also = f" and accumulate = {accumulate} divides it further" if accumulate > 1 else ""
    raise ConfigError(
        f"batch_size = {size} is that of all {world.size} processes together{also}: it must be a multiple of {parts}, "
        f"at least {smallest}, such as {choices}."
    )


def refuse_other_ranks(header: Mapping[str, Any], config: RunConfig, out: Path, world: World) -> None:
    """Each rank has random numbers of its own: with another number of ranks no continuation is exact.

    Raises:
        ConfigError: the checkpoint with this ``header`` is of another number of ranks than there are now.
    """
    before = header.get("ranks", 1)
    if before != world.size:
        command = resume_command(config, out, World(size=before, local_size=before))
        raise ConfigError(
            f"processes = {world.size}: the run to resume was trained by {before}, and only as many continue it "
            f"exactly; continue with: {command}"
        )


def resume_command(config: RunConfig, out: Path, world: World) -> str:
    """What to type to continue a run; where there are several machines, on each of them."""
    return shlex.join([*world.launcher(), "train", config.variant, "--out", str(out), "--resume"])


def synchronised(networks: dict[str, nn.Module]) -> dict[str, nn.Module]:
    """The networks with batch normalisation over the batches of all ranks.

    Raises:
        ConfigError: they have none.
    """
    if not any(isinstance(m, _BatchNorm) for network in networks.values() for m in network.modules()):
        raise ConfigError("sync_batch_norm = True does nothing: no network of this variant has batch normalisation.")
    return {name: nn.SyncBatchNorm.convert_sync_batchnorm(network) for name, network in networks.items()}


class Player(nn.Module):
    """A player's loss as a module with the networks that it moves: the form that DistributedDataParallel takes.

    The loss and not each network is wrapped, because a loss may call a network several times, or differentiate through
    it for a penalty.
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        # Where all parameters get a gradient, torch's C++ complains on stderr that it has looked for others in vain.
        self.unused = nn.Parameter(torch.zeros((), device=device_of(self.networks)))

    def forward(self, update: Update, state: State, batch: Batch) -> Losses:
        losses = update.loss(state, batch)
        # What does not lead to "total" gets no gradient, and must not be waited for.
        return {name: value if name == "total" else value.detach() for name, value in losses.items()}


def averaging(player: Player) -> DistributedDataParallel:
    """The player, its gradients averaged over the ranks.

    Parameters without a gradient are looked for, because not every update uses all of them; and then parameters stay in
    the buckets that they begin in, so that a resumed training sums in the same order.
    """
    with warnings.catch_warnings():
        # New versions have another name for this argument, which the oldest that we support do not know.
        warnings.filterwarnings("ignore", message=".*broadcast_buffers.* is deprecated")
        return DistributedDataParallel(player, broadcast_buffers=False, find_unused_parameters=True)


class DistributedTrainer(Trainer):
    """Takes iterations together with the other ranks; each of them calls the same at the same time."""

    def __init__(
        self,
        variant: Variant,
        state: State,
        loader: BatchLoader,
        device: torch.device,
        advice: Callable[[], str],
        world: World,
    ) -> None:
        super().__init__(variant, state, loader, device, advice)
        self.world = world
        self._players = {
            player: averaging(Player(state.networks[name] for name in names))
            for player, names in variant.players().items()
        }
        buffers = [b for network in state.networks.values() for b in network.buffers() if b.is_floating_point()]
        self._buffers = list(dict.fromkeys(buffers))

    def accumulating(self, update: Update, is_last: bool) -> AbstractContextManager[Any]:
        return nullcontext() if is_last else self._players[update.player].no_sync()

    def losses(self, update: Update, batch: Batch) -> Losses:
        with self._precision():
            return self._players[update.player](update, self.state, batch)

    def agreed(self, loss: Tensor) -> float:
        """The mean over the ranks: where one is not finite it is not either, and all stop together."""
        mean = loss.detach().clone()
        self.world.average_(mean)
        return float(mean)

    @torch.no_grad()
    def average(self, weight: float | None = None) -> None:
        if self._buffers:
            flat = torch.cat([buffer.flatten() for buffer in self._buffers])
            self.world.average_(flat)
            parts = flat.split([buffer.numel() for buffer in self._buffers])
            for buffer, part in zip(self._buffers, parts, strict=True):
                buffer.copy_(part.view_as(buffer))
        super().average(weight)

    def recorded(self) -> dict[str, float]:
        """The means over the ranks that have recorded a value of that name."""
        own = super().recorded()
        found = self.world.gather(lambda: own)
        values: dict[str, list[float]] = {}
        for part in found:
            for name, value in part.items():
                values.setdefault(name, []).append(value)
        return {name: sum(numbers) / len(numbers) for name, numbers in values.items()}

    def _broken(self, update: Update, batch: Batch, losses: Losses) -> NotFiniteError:
        own = super()._broken(update, batch, losses)
        finite = math.isfinite(float(losses["total"].detach()))
        found = self.world.gather(lambda: "" if finite else str(own))
        said = [f"rank {rank}: {text}" if rank else text for rank, text in enumerate(found) if text]
        return NotFiniteError(said[0]) if said else own


def make_distributed(
    variant: Variant,
    state: State,
    loader: BatchLoader,
    device: torch.device,
    advice: Callable[[], str],
    world: World,
) -> Trainer:
    """A :class:`DistributedTrainer`, joined with the variant's own trainer where it names one."""
    kind: type[Any] = DistributedTrainer
    if variant.trainer:
        kind = type(f"Distributed{variant.trainer.__name__}", (DistributedTrainer, variant.trainer), {})
    made: Trainer = kind(variant, state, loader, device, advice, world)
    return made


class StopTogether:
    """Asked after every iteration whether to stop: all ranks are told the same, after the same iteration.

    They ask each other about once a second, by a number of iterations that they agree on.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._done, self._wait, self._began = 0, 1, time.monotonic()

    def __call__(self, reason: str) -> str:
        """Why to stop, or nothing; ``reason`` is this rank's own."""
        if self.world.size == 1:
            return reason
        self._done += 1
        if self._done < self._wait:
            return ""
        taken = (time.monotonic() - self._began) / self._done
        found: list[Any] = self.world.gather(lambda: (reason, taken))
        self._done, self._wait = 0, max(1, min(1_000, int(SECOND / max(seconds for _, seconds in found))))
        self._began = time.monotonic()
        return next((said for said, _ in found if said), "")
