"""What can be measured: a trained network, a folder of images, or a data set itself (for floors and for damage)."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.data.base import Dataset, to_uint8
from ganzoo.data.decode import as_stored
from ganzoo.errors import DataError, UsageError
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scorer, Translator

BATCH, VALUES = 500, 2**24
"""Samples at once, and values of them."""
SAMPLE_SEED = 0
"""Picks the files of a folder that has more than the protocol takes."""


@dataclass
class EvaluationTarget:
    """Something that has samples, or classifies, or translates.

    Attributes:
        name: for messages.
        about: what a result says of it: plain values.
        shape: of its samples: (C, H, W) of images, (D,) of points.
        kind: of its samples, as :class:`ganzoo.data.base.DataInfo` has it.
        roles: its trained networks by role.
        classifier, translator, generator, encoder, scorer: the network of that kind that is measured, or None.
    """

    name: str
    about: dict[str, Any]
    shape: tuple[int, ...]
    kind: str = "images"
    roles: Mapping[str, nn.Module] = field(default_factory=dict)
    classifier: Classifier | None = None
    translator: Translator | None = None
    generator: Generator | None = None
    encoder: Encoder | None = None
    scorer: Scorer | None = None

    @property
    def classes(self) -> int:
        """Number of classes that can be asked of it; 0: none."""
        return self.generator.classes if self.generator else 0

    def at(self, role: str) -> "EvaluationTarget":
        """The same target, seen through one of its roles.

        Raises:
            UsageError: it has no such role.
        """
        if role not in self.roles:
            there = ", ".join(self.roles) or "none"
            raise UsageError(f"{self.name} has no network in the role {role!r}; it has: {there}.")
        network = self.roles[role]
        return dataclasses.replace(
            self,
            about={**self.about, "role": role},
            generator=network if isinstance(network, Generator) else None,
            classifier=network if isinstance(network, Classifier) else None,
            translator=network if isinstance(network, Translator) else None,
            encoder=network if isinstance(network, Encoder) else None,
            scorer=network if isinstance(network, Scorer) else None,
        )

    def samples(
        self, count: int, conditions: Tensor | None, seed: int, batches: slice = slice(None)
    ) -> Iterator[Tensor]:
        """``count`` samples in batches on the CPU: uint8 images [n, C, H, W], or points float32 [n, D].

        Args:
            batches: which of the batches, each of :attr:`batch` samples, are made; the others are left out.
        """
        raise DataError(f"{self.name} draws no samples.")

    def sampling(self, seed: int) -> dict[str, Any]:
        """How they arise, for the result."""
        return {}

    @property
    def draws(self) -> bool:
        """Whether it has samples."""
        return False

    @property
    def available(self) -> int | None:
        """How many samples there are; None: as many as are requested."""
        return None

    def refuse_few(self, count: int) -> None:
        """Raise DataError when there are fewer than ``count`` samples."""
        if self.available is not None and self.available < count:
            raise DataError(
                f"{self.name} holds {self.available:,} samples, and the protocol takes {count:,}: take a metric for "
                "fewer, or more samples. Nothing is repeated to fill up."
            )

    @property
    def batch(self) -> int:
        """Samples at once: fewer of large images. A function of their size alone: the last bits depend on it."""
        return max(1, min(BATCH, VALUES // prod(self.shape)))

    def missing_for(self, wanted: str) -> str:
        """Why a measure of ``wanted`` (see ``MetricSpec.of``) cannot be taken; empty if it can."""
        if wanted == "classifier":
            return "" if self.classifier else f"{self.name} has no classifier"
        if wanted == "translator":
            return "" if self.translator else f"{self.name} does not turn images into images"
        if wanted == "encoder":
            return "" if self.encoder else f"{self.name} has no encoder"
        if wanted == "scorer":
            return "" if self.scorer else f"{self.name} has no scorer of anomalies"
        if not self.draws:
            return f"{self.name} draws no samples"
        if wanted in ("samples", self.kind):
            return ""
        return f"it measures {wanted}, and {self.name} has {self.kind}"


@dataclass
class NetworkTarget(EvaluationTarget):
    """The trained networks of a run."""

    @property
    def draws(self) -> bool:
        return self.generator is not None

    def samples(
        self, count: int, conditions: Tensor | None, seed: int, batches: slice = slice(None)
    ) -> Iterator[Tensor]:
        assert self.generator is not None, "missing_for() says so"
        for batch in self.generator.stream(count, conditions, seed, self.batch, batches):
            yield to_uint8(batch) if self.kind == "images" else batch

    def sampling(self, seed: int) -> dict[str, Any]:
        said: dict[str, Any] = {"latents": seed}
        return said | {"quantisation": "round((x + 1) * 127.5), clamped to 0..255"} if self.kind == "images" else said


@dataclass
class FolderTarget(EvaluationTarget):
    """Image files, all of one size; nothing is rescaled."""

    files: list[Path] = field(default_factory=list)

    @property
    def draws(self) -> bool:
        return True

    @property
    def available(self) -> int | None:
        return len(self.files)

    def samples(
        self, count: int, conditions: Tensor | None, seed: int, batches: slice = slice(None)
    ) -> Iterator[Tensor]:
        self.refuse_few(count)
        order = torch.randperm(len(self.files), generator=torch.Generator().manual_seed(SAMPLE_SEED))[:count]
        # In the order of names, so that a whole folder is read in one sweep.
        chosen = [self.files[i] for i in order.sort().values.tolist()]
        for start in range(0, count, self.batch)[batches]:
            images = []
            for file in chosen[start : start + self.batch]:
                image = as_stored(file)
                if tuple(image.shape) != self.shape:
                    raise DataError(
                        f"{file} is of {tuple(image.shape)}, the first image of {self.name} of {self.shape}: "
                        "sizes differ, and nothing is rescaled for a metric."
                    )
                images.append(image)
            yield torch.stack(images)

    def sampling(self, seed: int) -> dict[str, Any]:
        return {"files": len(self.files), "chosen with seed": SAMPLE_SEED}


@dataclass
class DatasetTarget(EvaluationTarget):
    """Samples of a data set, in place of generated ones: all of them, or those at ``indices``."""

    dataset: Dataset | None = None
    indices: Tensor | None = None

    @property
    def draws(self) -> bool:
        return True

    @property
    def available(self) -> int | None:
        assert self.dataset is not None
        return len(self.dataset.source) if self.indices is None else len(self.indices)

    def samples(
        self, count: int, conditions: Tensor | None, seed: int, batches: slice = slice(None)
    ) -> Iterator[Tensor]:
        assert self.dataset is not None
        indices = torch.arange(len(self.dataset.source)) if self.indices is None else self.indices
        self.refuse_few(count)
        chosen = indices[torch.randperm(len(indices), generator=torch.Generator().manual_seed(SAMPLE_SEED))[:count]]
        for part in chosen.split(self.batch)[batches]:
            yield self.dataset.source.fetch(part).cpu()

    def sampling(self, seed: int) -> dict[str, Any]:
        return {"chosen with seed": SAMPLE_SEED}


def sized(shape: tuple[int, ...]) -> str:
    """``1x28x28``."""
    return "x".join(map(str, shape))
