"""Networks of InfoGAN: DCGAN's, with codes beside the latent, and a reader of codes that shares D's layers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.plugin import CodeCondition, Encoder, Generator, Options, UsageError, init_normal, option, upsampling

NOISE = 3**-0.5
"""How strong the latent is beside the codes: the authors' is uniform in [-1, 1]. A stronger one drowns the codes, and G
hides them in details that no one sees."""
COLUMNS = 10
"""Samples in a row of a traversal, as in figure 2."""
RANGE = ".."


@dataclass(frozen=True, kw_only=True)
class Codes(Options):
    """Settings of sampling."""

    code: int | None = option(None, "choice of the first categorical code; none: at random", at_least=0)
    c1: str = option("", "the first continuous code: a number, or FIRST..LAST for rows of ten; empty: at random")
    c2: str = option("", "the second continuous code, likewise")


def ends(text: str, name: str) -> tuple[float, float]:
    """``"0.5"`` or ``"-2..2"`` as two numbers.

    Raises:
        UsageError: it is neither.
    """
    first, mark, last = text.partition(RANGE)
    try:
        found = float(first), float(last if mark else first)
    except ValueError:
        found = torch.nan, torch.nan
    if not all(-100 <= value <= 100 for value in found):
        raise UsageError(f"{name} = {text!r}: write a number, or two as in -2..2, within 100.")
    return found


class CodedGenerator(Generator):
    """Latents [N, latent_dim] and codes [N, length] to images [N, *shape] in [-1, 1]."""

    Sampling = Codes

    def __init__(
        self, latent_dim: int, width: int, shape: Sequence[int], categorical: Sequence[int], continuous: int
    ) -> None:
        condition = CodeCondition(categorical, continuous)
        super().__init__(latent_dim, condition)
        self.body = upsampling(latent_dim + condition.length, tuple(shape), width)
        init_normal(self)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        if condition is None:
            raise UsageError("this generator needs codes: give one row for each sample.")
        return self.body(torch.cat([NOISE * latents, condition], 1)[:, :, None, None])

    def condition_from(self, sampling: Codes, n: int, rng: torch.Generator) -> Tensor | None:
        """Codes as they are asked for; in a traversal the others stay the same along a row."""
        asked = {number: text for number, text in enumerate((sampling.c1, sampling.c2)) if text}
        if sampling.code is None and not asked:
            return None
        codes = self.condition
        assert isinstance(codes, CodeCondition), "made by __init__"
        drawn = codes.draw(n, rng)
        rows = torch.arange(n) // COLUMNS * COLUMNS
        chosen, numbers = codes.decode(drawn[rows] if traverses(sampling) else drawn)
        if sampling.code is not None:
            if not codes.categorical or sampling.code >= codes.categorical[0]:
                valid = f"0 to {codes.categorical[0] - 1}" if codes.categorical else "none"
                raise UsageError(f"code = {sampling.code}: valid choices of this generator are {valid}.")
            chosen[0] = torch.full((n,), sampling.code)
        numbers = numbers.clone()
        for number, text in asked.items():
            name = f"c{number + 1}"
            if number >= codes.continuous:
                raise UsageError(f"{name} = {text!r}: this generator has {codes.continuous} continuous codes.")
            first, last = ends(text, name)
            numbers[:, number] = torch.linspace(first, last, COLUMNS)[torch.arange(n) % COLUMNS]
        return codes.encode(chosen, numbers)

    def stream(
        self,
        n: int,
        condition: Any = None,
        seed: int = 0,
        batch_size: int = 500,
        batches: slice = slice(None),
        **sampling: Any,
    ) -> Iterator[Tensor]:
        """As every generator's, in batches of whole rows."""
        whole = max(COLUMNS, batch_size // COLUMNS * COLUMNS)
        return super().stream(n, condition, seed, whole, batches, **sampling)

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Codes) -> Tensor:
        if traverses(sampling):
            latents = latents[torch.arange(latents.shape[0], device=latents.device) // COLUMNS * COLUMNS]
        return self(latents, condition)


def traverses(sampling: Codes) -> bool:
    """Whether a continuous code goes from one value to another."""
    return RANGE in sampling.c1 or RANGE in sampling.c2


class CodeReader(Encoder):
    """Images [N, *shape] to codes [N, length]: shares of the choices, and means of the numbers.

    Args:
        trunk: D's layers but the last: figure 1 of appendix C shares them.
        features: how many numbers the trunk gives.
    """

    def __init__(
        self, trunk: nn.Module, features: int, categorical: Sequence[int], continuous: int, hidden: int
    ) -> None:
        super().__init__(sum(categorical) + continuous)
        self.trunk, self.categorical, self.continuous = trunk, tuple(categorical), continuous
        self.head = nn.Sequential(
            nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.LeakyReLU(0.1),
            nn.Linear(hidden, self.latent_dim),
        )  # fmt: skip

    def read(self, features: Tensor) -> tuple[list[Tensor], Tensor]:
        """What the trunk gives to logits of each categorical code, and means of the numbers."""
        *logits, means = self.head(features.flatten(1)).float().split([*self.categorical, self.continuous], 1)
        return logits, means

    def forward(self, samples: Tensor) -> Tensor:
        logits, means = self.read(self.trunk(samples))
        return torch.cat([*(each.softmax(1) for each in logits), means], 1)
