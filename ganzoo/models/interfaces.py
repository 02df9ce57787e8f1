"""The words of the field, as types: Generator, Discriminator, Loss.

A generator's output and a discriminator's input are images [N, C, H, W] in [-1, 1], or points [N, D].
"""

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError


class Generator(nn.Module):
    """Latents [N, latent_dim], and labels int64 [N] when ``classes > 0``, to samples.

    Args:
        latent_dim: length of a latent vector.
        classes: number of classes it is conditioned on; 0 when it takes no labels.
    """

    def __init__(self, latent_dim: int, classes: int = 0) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.classes = classes

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Samples [N, *shape], images in [-1, 1]."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(latents, labels)")

    def latents(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """``n`` latents [n, latent_dim] from the standard normal, on the generator's device.

        With ``rng`` (a CPU generator) they are drawn on the CPU, so that a seed means the same on every device.
        """
        device = next(self.parameters()).device
        if rng is None:
            return torch.randn(n, self.latent_dim, device=device)
        return torch.randn(n, self.latent_dim, generator=rng).to(device)

    @torch.no_grad()
    def sample(
        self, n: int, labels: Tensor | list[int] | int | None = None, seed: int = 0, batch_size: int = 500
    ) -> Tensor:
        """``n`` samples [n, *shape] on the CPU, a function of the weights, ``labels`` and ``seed`` alone.

        Args:
            labels: class of each sample, or one class for all; None: 0, 1, ... in turn where labels are needed.

        Raises:
            UsageError: labels for a generator that takes none, of the wrong number, or out of range; ``n`` below 1.
        """
        return torch.cat(list(self.stream(n, labels, seed, batch_size)))

    @torch.no_grad()
    def stream(
        self,
        n: int,
        labels: Tensor | list[int] | int | None = None,
        seed: int = 0,
        batch_size: int = 500,
        batches: slice = slice(None),
    ) -> Iterator[Tensor]:
        """The same samples as :meth:`sample`, batch by batch: they need not all be in memory at once.

        Args:
            batches: which of the batches are made; the others are left out.
        """
        if n < 1 or batch_size < 1:
            raise UsageError(f"n = {n}, batch_size = {batch_size}: both must be at least 1.")
        chosen = self._labels(n, labels)
        device = next(self.parameters()).device
        # All at once: the numbers that torch draws depend on how many are asked for together.
        latents = self.latents(n, torch.Generator().manual_seed(seed))
        for start in range(0, n, batch_size)[batches]:
            part = None if chosen is None else chosen[start : start + batch_size].to(device)
            training = self.training
            self.eval()
            try:
                batch = self(latents[start : start + batch_size], part).float().cpu()
            finally:
                self.train(training)
            yield batch

    def _labels(self, n: int, labels: Tensor | list[int] | int | None) -> Tensor | None:
        if not self.classes:
            if labels is not None:
                raise UsageError("this generator was trained without labels: no class can be asked for.")
            return None
        if labels is None:
            return torch.arange(n) % self.classes
        given = torch.as_tensor(labels)
        if given.is_floating_point() or given.dtype == torch.bool or given.dim() > 1:
            raise UsageError(f"labels {labels!r}: give class numbers, one for each sample or one for all.")
        chosen = given.to("cpu", torch.int64)
        chosen = chosen.expand(n) if chosen.dim() == 0 else chosen
        if len(chosen) != n:
            raise UsageError(f"{len(chosen)} labels for {n} samples: give one for each, or a single class.")
        if len(chosen) and (int(chosen.min()) < 0 or int(chosen.max()) >= self.classes):
            wrong = int(chosen.min()) if int(chosen.min()) < 0 else int(chosen.max())
            raise UsageError(f"class {wrong} is out of range: valid classes are 0 to {self.classes - 1}.")
        return chosen


class Discriminator(nn.Module):
    """Samples [N, *shape], and labels int64 [N] when ``classes > 0``, to logits [N] (no sigmoid at the end).

    The critic of a Wasserstein GAN has the same form; its output is called a score rather than a logit.

    Attributes:
        independent: no sample influences the logit of another one (as batch normalisation lets it), so that real and
            generated samples may be judged in one pass, which takes less time. :mod:`ganzoo.testing` checks it.
    """

    independent: bool = False

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits [N]; larger is more real."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(samples, labels)")


class Classifier(nn.Module):
    """Images [N, C, H, W] in [-1, 1] to logits [N, classes]; a discriminator too, where a variant says how."""

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


class Translator(nn.Module):
    """Images [N, C, H, W] in [-1, 1] to images [N, C, scale H, scale W], whatever their size.

    Attributes:
        scale: how much larger the result is.
        reach: how far, in pixels of the input, a pixel of the result sees: tiles must overlap by as much.
    """

    reach: int

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        """Images [N, C, scale H, scale W]; they may leave [-1, 1] a little."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(images)")


class Loss:
    """An adversarial loss on logits: what ``--loss`` swaps.

    Attributes:
        needs_real: the generator's loss also uses the logits of real samples (relativistic losses).
        lipschitz: it is only sound with a critic whose slope is bounded (clipping, a penalty, spectral norm).
        targets: it draws logits towards targets, 1 for real and 0 for generated: see :meth:`per_sample`.
    """

    needs_real: ClassVar[bool] = False
    lipschitz: ClassVar[bool] = False
    targets: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """To be minimised by the discriminator: logits [N] of real and [M] of fake samples -> 0-d."""
        raise NotImplementedError(f"{type(self).__name__} must implement discriminator(real, fake)")

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """To be minimised by the generator: logits of fake samples -> 0-d; ``real`` only if ``needs_real``."""
        raise NotImplementedError(f"{type(self).__name__} must implement generator(fake, real)")

    def per_sample(self, logits: Tensor, targets: Tensor) -> Tensor:
        """What :meth:`discriminator` sums over samples, [N], for targets [N] in [0, 1]: label smoothing needs it."""
        raise NotImplementedError(f"{type(self).__name__} says that it has targets and must implement towards()")

    def score(self, logits: Tensor) -> Tensor:
        """What is shown as D(x), 0-d: by default the mean probability of being real."""
        return torch.sigmoid(logits).mean()

    def log_values(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """What is logged of the logits of real and generated samples, each 0-d."""
        return {"D(x)": self.score(real), "D(G(z))": self.score(fake)}
