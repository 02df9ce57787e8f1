"""Exported files as networks of ganzoo again: a generator that samples, a translator that translates ..."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import CheckpointError, UsageError
from ganzoo.export.description import DRAWN, condition_from_plain, whole
from ganzoo.export.program import Run, first_line
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scored, Scorer, Translator, Usable


class ExportedGenerator(Generator):
    """Samples as the generator that was exported. Its weights lie in the file, it has no parameters.

    Args:
        drawn: what latents are drawn from: see :func:`ganzoo.export.description.distribution`.
    """

    def __init__(self, latent_dim: int, condition: Any, drawn: str, run: Run) -> None:
        super().__init__(latent_dim, condition)
        self.drawn, self.run = drawn, run

    def latents(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        if self.drawn not in DRAWN:
            raise UsageError("this generator draws its latents in a way of its own: call it with latents [N, D].")
        return DRAWN[self.drawn](n, self.latent_dim, rng or torch.default_generator)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        if self.condition.is_none:
            return self.run(latents)
        if condition is None:
            raise UsageError("this generator takes a condition: give one for each sample.")
        return self.run(latents, condition)


class ExportedTranslator(Translator):
    """Turns images into images as the translator that was exported."""

    def __init__(self, plain: Mapping[str, Any], run: Run) -> None:
        scale = Fraction(plain["scale"])
        sizes = whole(plain["multiple"]), whole(plain["classes"])
        super().__init__(
            int(scale) if scale.denominator == 1 else scale, *sizes, str(plain["input"]), str(plain["output"])
        )
        self.reach = None if plain["reach"] is None else whole(plain["reach"])
        self.run = run

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.run(images) if condition is None else self.run(images, condition)


class ExportedEncoder(Encoder):
    """Encodes as the encoder that was exported."""

    def __init__(self, latent_dim: int, run: Run) -> None:
        super().__init__(latent_dim)
        self.run = run

    def forward(self, samples: Tensor) -> Tensor:
        return self.run(samples)


class ExportedClassifier(Classifier):
    """Classifies as the classifier that was exported; what its last layer sees is not in the file."""

    def __init__(self, classes: int, run: Run) -> None:
        super().__init__(classes)
        self.run = run

    def forward(self, images: Tensor) -> Tensor:
        return self.run(images)


class ExportedScorer(Scorer):
    """Scores as the scorer that was exported; what it restores is not in the file."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def compare(self, images: Tensor, scoring: Any) -> Scored:
        raise UsageError("an exported scorer gives scores alone: maps need the run directory, or its weights file.")

    def forward(self, images: Tensor) -> Tensor:
        return self.run(images)


def checked(run: Run, description: Mapping[str, Any], path: Path) -> Run:
    """``run``, for inputs of the shapes and types that the description names.

    It raises UsageError for others, and for sizes that the network cannot compute with.
    """
    given = description["inputs"]

    def call(*inputs: Tensor) -> Tensor:
        n = len(inputs[0]) if inputs and inputs[0].dim() else 0
        fits = len(inputs) == len(given) and n > 0
        for value, said in zip(inputs, given, strict=False):
            sides = [n if side == "N" else side for side in said["shape"]]
            fits = fits and len(sides) == value.dim() and str(value.dtype) == f"torch.{said['type']}"
            fits = fits and all(side in ("H", "W", found) for side, found in zip(sides, value.shape, strict=False))
        if not fits:
            takes = "; ".join(f"{said['name']} {said['type']} [{', '.join(map(str, said['shape']))}]" for said in given)
            found = "; ".join(f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}" for value in inputs)
            raise UsageError(f"{path} takes {takes}; given: {found}.")
        try:
            return run(*inputs)
        except Exception as error:  # a library's own kinds of errors
            raise UsageError(f"{path} cannot compute with these inputs: {first_line(error)}") from error

    return call


def rebuilt(description: Mapping[str, Any], run: Run, path: Path) -> Usable:
    """The network that a description tells of, in eval mode; ``run`` computes.

    Raises:
        CheckpointError: a description that is damaged.
    """
    network: nn.Module
    run = checked(run, description, path)
    try:
        kind = description["kind"]
        if kind == "generator":
            latents = description["latents"]
            told = condition_from_plain(description["condition"])
            network = ExportedGenerator(whole(latents["length"], 2**20), told, str(latents["drawn"]), run)
        elif kind == "translator":
            network = ExportedTranslator(description["translator"], run)
        elif kind == "encoder":
            network = ExportedEncoder(whole(description["output"].get("length", 0), 2**20), run)
        elif kind == "scorer":
            network = ExportedScorer(run)
        else:
            network = ExportedClassifier(whole(description["output"].get("length", 0), 2**20), run)
            network.named = bool(description["classes"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError) as error:
        raise CheckpointError(f"{path} is damaged: its description lacks or misplaces {error}.") from error
    found: Usable = network.eval()
    return found
