"""The generator and the discriminator of a run at each of its checkpoints."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.models.interfaces import Discriminator, Generator, Loss
from ganzoo.registry.registry import registry
from ganzoo.runs.trained import TrainedRun
from ganzoo.runtime.tensor_files import below, fill, read_tensors


@dataclass(frozen=True)
class Moment:
    """Two players at a step, in eval mode, on the CPU. The weights are the trained ones, not their averages.

    Attributes:
        output: points [N, D] to what D says of them, [N]; a probability of being real where ``is_probability``.
    """

    step: int
    generator: Generator
    output: Callable[[Tensor], Tensor]
    is_probability: bool

    def judges_alone(self, points: Tensor) -> bool:
        """Whether D's output for a point is the same whatever else is in its batch; minibatch tricks change that."""
        few = points[:: max(1, len(points) // 32)]  # such tricks compare each with each
        return torch.allclose(self.output(few)[:2], self.output(few[:2]), atol=1e-4)


def moments(run: TrainedRun) -> Iterator[Moment]:
    """The players at every kept checkpoint, from the first to the last.

    Raises:
        UsageError: a variant that is no generator against a discriminator of points.
        CheckpointError: a checkpoint that is damaged.
    """
    networks, games = run.variant.build(), run.variant.games()
    generator = networks.get(games[0].generator) if games else None
    discriminator = networks.get(games[0].discriminator) if games else None
    if not isinstance(generator, Generator) or not isinstance(discriminator, Discriminator):
        raise UsageError(f"{run.config.variant!r} has no generator and discriminator of points to draw.")
    loss = registry().losses.load(run.config.loss) if run.config.loss else Loss
    probability = loss.score is Loss.score

    @torch.no_grad()
    def output(points: Tensor) -> Tensor:
        logits = discriminator(points)
        if not isinstance(logits, Tensor) or logits.shape != (len(points),):
            raise UsageError(f"the discriminator of {run.config.variant!r} gives no single number for a point.")
        return torch.sigmoid(logits) if probability else logits

    for path in run.checkpoints():
        tensors, header = read_tensors(path)
        for name, network in ((games[0].generator, generator), (games[0].discriminator, discriminator)):
            fill(network, below(tensors, f"networks/{name}/"), path, name)
            network.eval()
        yield Moment(int(header["step"]), generator, output, probability)
