"""The data that a training passes around: the state, updates, stages, and games."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.data.loader import Batch

Losses = dict[str, Tensor]
"""0-d tensors; ``"total"`` is differentiated, the others are only logged under their names."""


@dataclass(frozen=True)
class Best:
    """The best weights so far, and the metric that chose them; part of every checkpoint.

    Attributes:
        step, images: when that was.
        metric, value: the metric and its value; ``latents`` is the seed of the samples it was taken of.
        weights: of each exported network by name, on the CPU.
    """

    step: int
    images: int
    metric: str
    value: float
    latents: int
    weights: dict[str, dict[str, Tensor]]


@dataclass
class State:
    """Everything a resume needs, except the random number generators, which :mod:`ganzoo.runs.checkpoint` adds.

    Attributes:
        networks: by name, as the variant built them.
        ema: moving averages of the exported ones, in eval mode.
        optimizers: one a player.
        memory: named tensors of the variant's own, on the training device: a controlled variable, a pool of images, a
            running mean. Saved and restored for each rank; never averaged, neither over time nor over ranks.
        step: iterations done, over all stages.
        images: real samples seen.
        skipped: real samples passed over, because a value was not finite and the training went back.
        stage_step, stage_steps: iterations done in the current stage, and how many it has.
        window: sum and count of every logged value since the last line of the history.
        best: the best weights so far, where a metric tells.
    """

    networks: dict[str, nn.Module]
    ema: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    memory: dict[str, Tensor] = field(default_factory=dict)
    step: int = 0
    images: int = 0
    skipped: int = 0
    stage_step: int = 0
    stage_steps: int = 0
    window: dict[str, tuple[Tensor, int]] = field(default_factory=dict)
    best: Best | None = None

    @property
    def device(self) -> torch.device:
        """Where networks, optimizers and memory live."""
        tensors = (t for network in self.networks.values() for t in (*network.parameters(), *network.buffers()))
        first = next(tensors, None)
        return torch.device("cpu") if first is None else first.device

    @property
    def progress(self) -> float:
        """How much of the current stage is done, 0 to 1."""
        return self.stage_step / self.stage_steps if self.stage_steps else 0.0


@dataclass(frozen=True)
class Update:
    """One optimizer step of one player.

    Attributes:
        name: of this update, unique in its stage; its loss is logged as ``NAME_loss``.
        player: whose parameters move.
        loss: computes the losses; never calls backward.
        every: taken in every so-many-th iteration of its stage (n_critic for the generator of a Wasserstein GAN).
        after: called with the state and the (detached) losses after the step: weight clipping, a controlled variable.
        also: tensors beside the player's parameters that the gradients of this update are left in, asked for with the
            batch after its loss.
    """

    name: str
    player: str
    loss: Callable[[State, Batch], Losses]
    every: int = 1
    after: Callable[[State, Losses], None] | None = None
    also: Callable[[Batch], list[Tensor]] | None = None


@dataclass(frozen=True)
class Stage:
    """A phase of training: ``updates`` are taken in order in each of ``steps`` iterations.

    Attributes:
        name: for the history.
        steps: iterations.
        updates: what is done in each of them.
        batch_size: real samples in an iteration, of all processes together; None: that of the run.
        begin: called with the state before the first iteration of the stage, once.
    """

    name: str
    steps: int
    updates: tuple[Update, ...]
    batch_size: int | None = None
    begin: Callable[[State], None] | None = None


@dataclass(frozen=True)
class Game:
    """What plays against what: one in a plain GAN, two in a CycleGAN, one a level in a pyramid.

    Loss, augmentation, penalties and the other tricks act on each game by itself.

    Attributes:
        generator, discriminator: names of the two networks.
        real: name of the batch field that is real for this discriminator.
        condition: name of the batch field that the discriminator is shown beside the samples; empty: what the
            discriminator declares.
        weight: of this game in the generator's loss.
        name: added to what is logged where there are several games.
    """

    generator: str = "generator"
    discriminator: str = "discriminator"
    real: str = "images"
    condition: str = ""
    weight: float = 1.0
    name: str = ""


def combined(found: list[tuple[Game, Losses]], weighted: bool) -> Losses:
    """The losses of several games: totals added up, what is logged under the game's name as well."""
    if len(found) == 1:
        game, losses = found[0]
        weight = game.weight if weighted else 1.0
        return losses if weight == 1.0 else {**losses, "total": weight * losses["total"]}
    together: Losses = {}
    totals = []
    for game, losses in found:
        name = game.name or game.generator
        together |= {f"{key} {name}": value for key, value in losses.items() if key != "total"}
        totals.append((game.weight if weighted else 1.0) * losses["total"])
        together[f"loss {name}"] = losses["total"].detach()
    return {**together, "total": torch.stack(totals).sum()}
