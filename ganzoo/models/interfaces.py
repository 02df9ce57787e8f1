"""The words of the field, as types: Generator, Discriminator, Classifier, Translator, Encoder, Scorer, Loss.

A generator's output and a discriminator's input are images [N, C, H, W] in [-1, 1], points [N, D], or samples of
another kind whose shape the data set tells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.config.fields import Options, build
from ganzoo.errors import UsageError
from ganzoo.models.conditions import Condition, condition_of

Logits = Tensor | tuple[Tensor, ...]
"""[N], or a map [N, 1, h, w]; a tuple of them for a discriminator with several heads."""


def device_of(network: nn.Module) -> torch.device:
    """The device of a network's first parameter or buffer; the CPU for one that has neither."""
    first = next(chain(network.parameters(), network.buffers()), None)
    return torch.device("cpu") if first is None else first.device


class Generator(nn.Module):
    """Latents [N, latent_dim], and a condition where it takes one, to samples.

    Args:
        latent_dim: length of a latent vector.
        condition: what it is told beside the latent; a number stands for so many classes, 0 for none.

    Attributes:
        Sampling: its settings at sampling time, a frozen dataclass derived from :class:`ganzoo.config.fields.Options`
            (``ganzoo sample RUN -s KEY=VALUE``); they reach :meth:`generate` and :meth:`condition_from`.
        mixes_classes: it also takes shares of classes, float32 [N, classes], in the place of class numbers, so that
            ``ganzoo sample --morph`` can go from class to class. :func:`ganzoo.plugin.append_one_hot` takes both.
    """

    Sampling: ClassVar[type[Options]] = Options
    mixes_classes: bool = False

    def __init__(self, latent_dim: int, condition: Condition | int = 0) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.condition = condition_of(condition)

    @property
    def classes(self) -> int:
        """Number of classes that can be requested; 0 when it takes no class."""
        return self.condition.classes

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Samples [N, *shape], images in [-1, 1]."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(latents, condition)")

    def latents(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """``n`` latents [n, latent_dim] from the standard normal, on the generator's device.

        With ``rng`` (a CPU generator) they are drawn on the CPU, so that a seed means the same on every device.
        """
        device = device_of(self)
        if rng is None:
            return torch.randn(n, self.latent_dim, device=device)
        return torch.randn(n, self.latent_dim, generator=rng).to(device)

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Any) -> Tensor:
        """Samples as :meth:`forward` gives them, with the settings in ``sampling`` (a ``Sampling``) applied."""
        return self(latents, condition)

    def paths(self, latents: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Where the paths begin whose length is regularised, and the samples that they lead to.

        Returns:
            The latents [N, latent_dim] themselves, or what a generator turns them into first: [N, D], or [N, places, D]
            where it enters at several places; and samples made of them, which can be differentiated by them.
        """
        start = latents.detach().requires_grad_()
        return start, self(start, condition)

    def condition_from(self, sampling: Any, n: int, rng: torch.Generator) -> Tensor | None:
        """Conditions of ``n`` samples that the settings in ``sampling`` ask for; None when they ask for none."""
        return None

    def sample(self, n: int, condition: Any = None, seed: int = 0, batch_size: int = 500, **sampling: Any) -> Tensor:
        """``n`` samples [n, *shape] on the CPU, a function of the weights and of these arguments alone.

        Args:
            condition: of each sample, or one for all; None: what the condition takes by default (classes in turn).
            sampling: settings of ``Sampling``.

        Raises:
            UsageError: a condition for a generator that takes none, of the wrong number, or out of range; ``n`` below
                1; an unknown setting, or one out of range.
        """
        return torch.cat(list(self.stream(n, condition, seed, batch_size, **sampling)))

    @torch.no_grad()
    def stream(
        self,
        n: int,
        condition: Any = None,
        seed: int = 0,
        batch_size: int = 500,
        batches: slice = slice(None),
        **sampling: Any,
    ) -> Iterator[Tensor]:
        """The same samples as :meth:`sample`, batch by batch: they need not all be in memory at once.

        Args:
            batches: which of the batches are made; the others are left out.
        """
        if n < 1 or batch_size < 1:
            raise UsageError(f"n = {n}, batch_size = {batch_size}: both must be at least 1.")
        chosen = build(self.Sampling, sampling)
        device = device_of(self)
        # All at once: the numbers that torch draws depend on how many are requested together.
        rng = torch.Generator().manual_seed(seed)
        latents = self.latents(n, rng)
        conditions = self.conditions(n, condition, chosen, rng)
        for start in range(0, n, batch_size)[batches]:
            part = None if conditions is None else conditions[start : start + batch_size].to(device)
            training = self.training
            self.eval()
            try:
                batch = self.generate(latents[start : start + batch_size], part, chosen).float().cpu()
            finally:
                self.train(training)
            yield batch

    def conditions(self, n: int, given: Any, sampling: Any, rng: torch.Generator) -> Tensor | None:
        """The conditions of ``n`` samples, on the CPU: those given, those that settings ask for, or the default ones.

        Raises:
            UsageError: both are given, or what is given does not fit.
        """
        asked = self.condition_from(sampling, n, rng)
        if given is not None and asked is not None:
            raise UsageError("a condition and a setting that asks for another one: give one of them.")
        if given is not None:
            return self.condition.parse(given, n)
        return self.condition.default(n, rng) if asked is None else asked.cpu()


class Discriminator(nn.Module):
    """Samples [N, *shape], and a condition where it takes one, to logits (no sigmoid at the end).

    Logits are [N], or a map [N, 1, h, w] of one logit a patch, or a tuple of these, one a head. The critic of a
    Wasserstein GAN has the same form; its output is called a score rather than a logit.

    Args:
        classes: number of classes it is conditioned on; 0 when it takes no labels.
        condition: name of the batch field it is shown beside the samples; with classes ``"labels"``.

    Attributes:
        independent: no sample influences the logit of another one (as batch normalisation lets it), so that real and
            generated samples may be judged in one pass, which takes less time. :mod:`ganzoo.testing` checks it.
        patch: its logits are a map.
        heads: names of its last layers, for a network with several heads; empty: one, which is found.
    """

    independent: bool = False
    patch: bool = False
    heads: tuple[str, ...] = ()

    def __init__(self, classes: int = 0, condition: str = "") -> None:
        super().__init__()
        self.classes = classes
        self.condition = condition or ("labels" if classes else "")

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Logits:
        """Logits; larger is more real."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(samples, condition)")


class Classifier(nn.Module):
    """Images [N, C, H, W] in [-1, 1] to logits [N, classes]; a discriminator too, where a variant says how.

    Attributes:
        named: its classes are those of the data, in their order; False: it found them by itself, without labels.
    """

    named: bool = True

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees: [N, F]."""
        raise NotImplementedError(f"{type(self).__name__} must implement features(images)")

    def logits(self, features: Tensor) -> Tensor:
        """The last layer: features [N, F] to logits [N, classes]."""
        raise NotImplementedError(f"{type(self).__name__} must implement logits(features)")

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes]."""
        return self.logits(self.features(images))


class Encoder(nn.Module):
    """Samples [N, *shape] to latents [N, latent_dim]: the inverse of a generator."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def forward(self, samples: Tensor) -> Tensor:
        """Latents [N, latent_dim]."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(samples)")


class AttributeEncoder(Encoder):
    """Samples [N, *shape] to attributes [N, attributes]: how likely a sample has each, 0 to 1.

    Args:
        names: of the attributes, in the order of the columns.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(len(names))
        self.names = tuple(names)


@dataclass(frozen=True)
class Scored:
    """What a scorer says of images.

    Attributes:
        scores: [N]; a larger one is odder.
        restored: [N, C, H, W] in [-1, 1]: of what was trained on, that which is most like each image.
    """

    scores: Tensor
    restored: Tensor

    def maps(self, images: Tensor) -> Tensor:
        """Where the images differ from what was restored: mean over channels of the distance, [N, 1, H, W], 0 to 2."""
        return (images - self.restored).abs().mean(1, keepdim=True)


class Scorer(nn.Module):
    """Images [N, C, H, W] in [-1, 1] to how odd each is beside what was trained on: anomaly detection.

    Attributes:
        Scoring: its settings when it is used, a frozen dataclass derived from :class:`ganzoo.config.fields.Options`
            (``ganzoo score RUN -s KEY=VALUE``).
        searches: it optimises in every call, which takes long and which no exported program can hold.
    """

    Scoring: ClassVar[type[Options]] = Options
    searches: bool = False

    def compare(self, images: Tensor, scoring: Any) -> Scored:
        """Scores, and what the images were compared with, by the settings in ``scoring`` (a ``Scoring``).

        No image may influence the score of another one.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement compare(images, scoring)")

    def forward(self, images: Tensor) -> Tensor:
        """Scores [N] by the default settings."""
        return self.compare(images, build(self.Scoring, {})).scores


class Translator(nn.Module):
    """Images [N, C, H, W] in [-1, 1] to images [N, C', scale H, scale W], whatever their size.

    Args:
        scale: how much larger the sides of the result are; 1: as large; a fraction: smaller.
        multiple: both sides of the input must be multiples of this; other images are padded and cut back.
        classes: number of classes it can be told to translate into; 0: none.
        input, output: names of the batch fields it learns to turn one into the other.
        masked: its input has a mask as one more channel: 1 where something is to be painted, -1 elsewhere.

    Attributes:
        reach: how far, in pixels of the input, a pixel of the result sees: tiles must overlap by as much. None: the
            whole image; the results of tiles are then blended, and differ from that of the whole.
    """

    reach: int | None = None

    def __init__(
        self,
        scale: int | Fraction = 1,
        multiple: int = 1,
        classes: int = 0,
        input: str = "images",
        output: str = "target",
        masked: bool = False,
    ) -> None:
        super().__init__()
        self.masked = masked
        self.scale, self.multiple, self.classes = scale, multiple, classes
        self.input, self.output = input, output

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images [N, C', scale H, scale W]; they may leave [-1, 1] a little."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(images)")


Usable = Generator | Translator | Encoder | Classifier | Scorer
"""The kinds of trained networks that are loaded, exported and used."""


class Loss:
    """An adversarial loss on logits: what ``--loss`` swaps.

    Attributes:
        needs_real: the generator's loss also uses the logits of real samples (relativistic losses).
        lipschitz: it is only sound with a critic whose slope is bounded (clipping, a penalty, spectral norm).
        seeks_doubt: G is best where D cannot tell, not where D takes generated samples for real.
        one_stage: the discriminator's loss has a slope above 0 at every logit of a generated sample, whatever the
            logit, so that G's slope can be had from it.
        targets: its discriminator loss has targets, 1 for real and 0 for generated: see :meth:`per_sample`.
    """

    needs_real: ClassVar[bool] = False
    lipschitz: ClassVar[bool] = False
    targets: ClassVar[bool] = False
    seeks_doubt: ClassVar[bool] = False
    one_stage: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """To be minimised by the discriminator: logits of real and of fake samples, of any shape -> 0-d."""
        raise NotImplementedError(f"{type(self).__name__} must implement discriminator(real, fake)")

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """To be minimised by the generator: logits of fake samples -> 0-d; ``real`` only if ``needs_real``."""
        raise NotImplementedError(f"{type(self).__name__} must implement generator(fake, real)")

    def per_sample(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The terms whose mean :meth:`discriminator` takes, for targets in [0, 1] of the shape of the logits."""
        raise NotImplementedError(f"{type(self).__name__} says that it has targets and must implement per_sample()")

    def score(self, logits: Tensor) -> Tensor:
        """What is shown as D(x), 0-d: by default the mean probability of being real."""
        return torch.sigmoid(logits).mean()

    def log_values(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """What is logged of the logits of real and generated samples, each 0-d."""
        return {"D(x)": self.score(real), "D(G(z))": self.score(fake)}
