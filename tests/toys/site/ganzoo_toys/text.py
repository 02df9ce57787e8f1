"""GAN-INT-CLS, arXiv:1605.05396: both networks see an embedding of a text, and a wrong text counts as generated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import GAN, Batch, Dataset, EmbeddingCondition, Load, Losses, Options, State, UsageError, option
from ganzoo_toys.networks import Critic, Drawer


@dataclass(frozen=True, kw_only=True)
class Words(Options):
    """What is to be drawn."""

    text: str = option("", "words that describe the samples; empty: texts of the training data")


class Illustrator(Drawer):
    """It owns its vocabulary, and so can be asked in words wherever it is loaded."""

    Sampling = Words

    def __init__(self, shape: tuple[int, ...], vocabulary: Sequence[str]) -> None:
        super().__init__(shape, EmbeddingCondition(len(vocabulary)), len(vocabulary))
        self.vocabulary = list(vocabulary)

    def condition_from(self, sampling: Any, n: int, rng: torch.Generator) -> Tensor | None:
        words = sampling.text.lower().split()
        if unknown := [word for word in words if word not in self.vocabulary]:
            raise UsageError(
                f"text = {sampling.text!r}: unknown word {unknown[0]!r}; known: {', '.join(self.vocabulary)}."
            )
        return torch.tensor([float(word in words) for word in self.vocabulary]).expand(n, -1) if words else None


class TextGAN(GAN):
    """Bags of words stand in for a text encoder."""

    Sampling = Words
    defaults = {"loss": "non-saturating", "batch_size": 4, "steps": 100}
    supports = ("spectral_norm", "minibatch_std")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._first: Tensor | None = None

    def prepare(self, dataset: Dataset, load: Load) -> None:
        self._first = dataset.fetch("embeddings", torch.arange(8)).cpu()

    def networks(self) -> dict[str, nn.Module]:
        vocabulary = self.data.extra["vocabulary"]
        generator = Illustrator(self.data.shape, vocabulary)
        if self._first is not None:
            generator.condition.remember(self._first)  # type: ignore[operator]  # it is an EmbeddingCondition
        return {"generator": generator, "discriminator": Critic(self.data.shape, "embeddings", len(vocabulary))}

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        losses = super().discriminator_loss(state, batch, generated)
        wrong = self.discriminate(state, batch["images"], {**batch, "embeddings": batch["embeddings"].roll(1, 0)})
        right = self.discriminate(state, batch["images"], batch)
        mismatch = self.loss.discriminator(right, wrong)  # type: ignore[arg-type]  # it has one head
        return {**losses, "mismatch": mismatch, "total": 0.5 * (losses["total"] + mismatch)}
