"""What is read back from a finished run: every exported network does what its kind says."""

import torch
from torch import Tensor, nn

from ganzoo.config.fields import build
from ganzoo.models.conditions import ImageCondition
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scorer, Translator
from ganzoo.models.translate import scaled, translate
from ganzoo.runs.trained import TrainedRun, input_channels
from ganzoo.testing.common import require
from ganzoo.testing.structure import depends, wrong_range

SIDE = 16
"""Pixels of the images that a translator is tried on."""
CONDITIONS = 4
"""How many conditions are compared."""
MOST_CLASSES = 32
FAR = 2.0
"""Images of a translator may leave [-1, 1] a little, not by this much."""
MOST_REACH = 64
"""A translator that sees further is not tried in tiles: its images would be large."""
NOTHING = 1e-4
"""A share of the largest slope that is rounding."""


def check_export(run: TrainedRun, role: str) -> None:
    """One exported network, by its kind."""
    network = run.network(role)
    if isinstance(network, Generator):
        check_generator(run, network, role)
    elif isinstance(network, Translator):
        check_translator(run, network, role)
    elif isinstance(network, Encoder | Classifier):
        check_rows(run, network, role)
    elif isinstance(network, Scorer):
        check_scorer(run, network, role)


def check_generator(run: TrainedRun, generator: Generator, role: str) -> None:
    """Its samples fit the data and its condition, and do not depend on the batch they are drawn in."""
    same = type(generator).Sampling is run.variant.Sampling
    require(same, "Variant.Sampling is the Sampling of its generator, so that 'ganzoo info' lists the settings")
    if isinstance(generator.condition, ImageCondition):
        given = torch.rand(5, *generator.condition.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    else:
        given = None
    samples = generator.sample(5, given, seed=3)
    require(tuple(samples.shape[1:]) == run.data.shape, f"samples have the shape of the data: {run.data.shape}")
    require(bool(samples.isfinite().all()), "samples are finite")
    if run.data.kind == "images":
        reached = float(samples.abs().max())
        require(reached <= 1, f"images of role {role!r} are within [-1, 1]: its values reach {reached:.3g}")
        wrong = wrong_range(generator, lambda copied: copied.sample(32, None if given is None else given[0], seed=3))
        require(not wrong, f"images of role {role!r} are within [-1, 1]: {wrong}")
    one_by_one = generator.sample(5, given, seed=3, batch_size=1)
    require(
        torch.allclose(samples, one_by_one, atol=1e-4),
        "a sample does not depend on the others in its batch (eval mode)",
    )
    if generator.classes:
        every = torch.arange(min(generator.classes, MOST_CLASSES))
        require(len(generator.sample(len(every), every)) == len(every), f"role {role!r} draws samples of every class")
    check_told(generator, given, role)


def check_told(generator: Generator, images: Tensor | None, role: str) -> None:
    """The same latents with other conditions are other samples."""
    chosen, rng = build(generator.Sampling, {}), torch.Generator().manual_seed(0)
    conditions = images if images is not None else generator.conditions(CONDITIONS, None, chosen, rng)
    if conditions is None:
        return
    first = conditions[:1]
    others = [each for each in conditions.split(1) if not torch.equal(each, first)]
    if not others:
        return
    other = others[0]
    latents = generator.latents(1, rng)
    used = depends(
        generator,
        lambda copied: copied.generate(latents, first, chosen),
        lambda copied: copied.generate(latents, other, chosen),
    )
    kind = "labels" if generator.classes else type(generator.condition).__name__
    said = "the same latents give the same samples, whatever it is"
    require(used, f"samples of role {role!r} depend on their condition ({kind}): {said}")


def check_translator(run: TrainedRun, network: Translator, role: str) -> None:
    """It takes images of any size, and gives images of the range, the scale and the reach that it declares."""
    channels, (height, width) = input_channels(network, run.data), run.data.shape[1:]
    condition = torch.zeros(1, dtype=torch.int64) if network.classes else None
    for sides in ((height, width), (height + network.multiple, width + 1)):
        if any((side * network.scale) % 1 for side in sides):
            continue
        result = translate(network, torch.zeros(1, channels, *sides, dtype=torch.uint8), 0, condition)
        expected = tuple(scaled(network, side) for side in sides)
        require(tuple(result.shape[2:]) == expected, f"{role!r} turns images of {sides} into {expected}, by its scale")
    side = whole_side(network, SIDE)
    images = torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    conditions = None if condition is None else condition.expand(2)
    check_range(network, images, conditions, role)
    check_reach(network, channels, condition, role)
    if network.classes > 1:
        other = torch.ones_like(condition.expand(2)) if condition is not None else None
        used = depends(network, lambda copied: copied(images, conditions), lambda copied: copied(images, other))
        require(used, f"what {role!r} gives depends on the class that it is told")


def check_range(network: Translator, images: Tensor, condition: Tensor | None, role: str) -> None:
    """The network gives the range of images."""

    def use(copied: Translator) -> Tensor:
        return copied(images) if condition is None else copied(images, condition)

    with torch.no_grad():
        largest = float(use(network).abs().max())
    require(largest <= FAR, f"what {role!r} gives stays near [-1, 1]: it reaches {largest:.3g}")
    wrong = wrong_range(network, use)
    require(not wrong, f"what {role!r} gives is within [-1, 1]: {wrong}")


def check_reach(network: Translator, channels: int, condition: Tensor | None, role: str) -> None:
    """A pixel of the result sees no further than ``reach``: else tiles would show."""
    reach = network.reach
    if reach is None or reach > MOST_REACH:
        return
    require(reach >= 0, f"the reach of {role!r} is no negative number: {reach}")
    # As wide as to see beyond the reach on both sides of the middle.
    side = whole_side(network, 2 * reach + 16)
    images = (torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1).requires_grad_()
    with torch.enable_grad():
        result = network(images) if condition is None else network(images, condition)
        middle = result.shape[2] // 2
        (slope,) = torch.autograd.grad(result[:, :, middle, middle].sum(), images)
    seen = slope.abs().amax((0, 1))
    rows, columns = (seen > NOTHING * seen.max()).nonzero(as_tuple=True)
    if not len(rows):
        return
    # The pixels of the input that the middle pixel of the result lies in.
    place = int(middle / network.scale)
    farthest = max(int((where - place).abs().max()) for where in (rows, columns))
    require(farthest <= reach, f"a pixel of {role!r} sees {reach} pixels far, its reach: it sees {farthest}")


def whole_side(network: Translator, least: int) -> int:
    """The smallest side that suits the network's ``multiple`` and ``scale``."""
    side = -(-least // network.multiple) * network.multiple
    while (side * network.scale) % 1:
        side += network.multiple
    return side


def check_rows(run: TrainedRun, network: nn.Module, role: str) -> None:
    """One row for each sample: latents, or logits of classes."""
    length = network.latent_dim if isinstance(network, Encoder) else network.classes
    with torch.no_grad():
        found = network(torch.zeros(2, *run.data.shape))
    require(tuple(found.shape) == (2, length), f"{role!r} gives [N, {length}], one row for each sample")


def check_scorer(run: TrainedRun, network: Scorer, role: str) -> None:
    """A score and a restored image for each image, the same each time, whatever else is in the batch."""
    same = type(network).Scoring is run.variant.Scoring
    require(same, "Variant.Scoring is the Scoring of its scorer, so that 'ganzoo info' lists the settings")
    images = torch.rand(3, *run.data.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        found = network.compare(images, build(network.Scoring, {}))
        again, alone = network(images), torch.cat([network(image) for image in images.split(1)])
    require(tuple(found.scores.shape) == (3,), f"{role!r} gives scores [N], one for each image")
    require(bool(found.scores.isfinite().all()), f"scores of {role!r} are finite")
    require(found.restored.shape == images.shape, f"what {role!r} restores has the shape of the images")
    require(torch.equal(found.scores, again), f"{role!r} gives the same image the same score each time")
    near = torch.allclose(found.scores, alone, rtol=1e-3, atol=1e-4)
    require(near, f"no image influences the score that {role!r} gives another one")
