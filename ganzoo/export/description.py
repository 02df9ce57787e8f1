"""What an exported file says about itself: plain values that every program can read, and that no code is behind."""

import base64
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.data.base import DataInfo
from ganzoo.errors import CheckpointError, UsageError
from ganzoo.export.calls import FREE, Call
from ganzoo.export.source import Source
from ganzoo.export.text import public_name
from ganzoo.models.conditions import (
    AttributeCondition,
    ClassCondition,
    CodeCondition,
    Condition,
    EmbeddingCondition,
    ImageCondition,
    TextCondition,
    VectorCondition,
)
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scorer, Translator

FORM = 1
"""The version of this form. A reader refuses what it does not know."""
MOST_TEXT = 2**24
"""Bytes of a description."""
KINDS = {
    "generator": Generator, "translator": Translator, "encoder": Encoder, "classifier": Classifier, "scorer": Scorer,
}  # fmt: skip


def describe(source: Source, call: Call) -> dict[str, Any]:
    """The description of an exported network, as plain values."""
    network, data, header = source.network, source.data, source.header
    kind = next(name for name, cls in KINDS.items() if isinstance(network, cls))
    named = not isinstance(network, Classifier) or network.named
    types = [str(tensor.dtype).removeprefix("torch.") for tensor in call.inputs(1, 0)]
    found: dict[str, Any] = {
        "form": FORM, "ganzoo": header.get("versions", {}).get("ganzoo", ""), "kind": kind, "role": source.role,
        "weights": header.get("weights", ""), "variant": source.variant.config.variant, "run": source.run,
        "step": header.get("step", 0), "images": header.get("images", 0), "seed": source.variant.config.seed,
        "data": {"name": public_name(data.name), "kind": data.kind, "shape": list(data.shape)},
        "classes": list(data.classes) if named else [],
        "inputs": [
            {"name": name, "shape": list(shape), "type": type_}
            for name, shape, type_ in zip(call.names, call.shapes, types, strict=True)
        ],
        "sampling": dict(call.settings),
        "output": {"name": call.output, "range": [-1, 1] if in_unit(network, data) else None},
    }  # fmt: skip
    if isinstance(network, Generator):
        found["latents"] = {"length": network.latent_dim, "drawn": distribution(network)}
        found["condition"] = plain_condition(network.condition)
    elif isinstance(network, Encoder | Classifier):
        found["output"]["length"] = network.latent_dim if isinstance(network, Encoder) else network.classes
    elif isinstance(network, Translator):
        found["translator"] = {
            "scale": str(Fraction(network.scale)), "multiple": network.multiple, "classes": network.classes,
            "input": network.input, "output": network.output, "reach": network.reach, "free_sides": call.free_sides,
        }  # fmt: skip
    return found


def in_unit(network: nn.Module, data: DataInfo) -> bool:
    """Whether what it gives are images in [-1, 1]."""
    return data.kind == "images" and isinstance(network, Generator | Translator)


def distribution(network: Generator) -> str:
    """What latents are drawn from, found by trying: ``normal``, ``uniform``, or ``own`` where they are neither."""
    for name, draw in DRAWN.items():
        rngs = [torch.Generator().manual_seed(5) for _ in range(2)]
        if torch.equal(network.latents(7, rngs[0]).cpu(), draw(7, network.latent_dim, rngs[1])):
            return name
    return "own"


def normal(n: int, length: int, rng: torch.Generator) -> Tensor:
    """Standard normal numbers [n, length]."""
    return torch.randn(n, length, generator=rng)


def uniform(n: int, length: int, rng: torch.Generator) -> Tensor:
    """Uniform numbers in [0, 1), [n, length]."""
    return torch.rand(n, length, generator=rng)


DRAWN = {"normal": normal, "uniform": uniform}


def plain_condition(told: Condition) -> dict[str, Any]:
    """A condition as plain values."""
    if told.is_none:
        return {"kind": "none"}
    if isinstance(told, ClassCondition):
        return {"kind": "classes", "classes": told.classes}
    if isinstance(told, EmbeddingCondition):
        text = base64.b64encode(told.examples.cpu().float().numpy().tobytes()).decode()
        if isinstance(told, AttributeCondition):
            return {"kind": "attributes", "names": list(told.names), "examples": text}
        return {"kind": "embeddings", "length": told.length, "field": told.field, "examples": text}
    if isinstance(told, CodeCondition):
        return {"kind": "codes", "categorical": list(told.categorical), "continuous": told.continuous}
    if isinstance(told, ImageCondition):
        return {"kind": "images", "shape": list(told.shape), "field": told.field}
    if isinstance(told, TextCondition):
        rows = told.examples.cpu().to(torch.uint8).numpy().tobytes()
        about = {"length": told.length, "words": list(told.words), "field": told.field}
        return {"kind": "texts", **about, "examples": base64.b64encode(rows).decode()}
    if isinstance(told, VectorCondition):
        return {"kind": "vectors", "length": told.length}
    return {"kind": "own"}


class OwnCondition(Condition):
    """A condition of a plugin's own, in a file that knows nothing of the plugin: it is given as a tensor."""

    def default(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        raise UsageError(
            "this generator was exported with a condition of a plugin's own: give it as a tensor [N, ...]."
        )

    def parse(self, given: Any, n: int) -> Tensor:
        if not isinstance(given, Tensor) or len(given) != n:
            raise UsageError(f"this generator takes its condition as a tensor of {n} rows.")
        return given.cpu()


def condition_from_plain(plain: Mapping[str, Any]) -> Condition:
    """The inverse of :func:`plain_condition`."""
    kind = plain["kind"]
    if kind == "none":
        return Condition()
    if kind == "classes":
        return ClassCondition(whole(plain["classes"]))
    if kind in ("embeddings", "attributes"):
        names = [str(name) for name in plain["names"]] if kind == "attributes" else []
        length = len(names) or whole(plain["length"])
        rows = torch.frombuffer(bytearray(base64.b64decode(plain["examples"])), dtype=torch.float32).view(-1, length)
        embeddings = (
            AttributeCondition(names, len(rows))
            if names
            else EmbeddingCondition(length, len(rows), str(plain["field"]))
        )
        embeddings.examples.copy_(rows)
        return embeddings
    if kind == "codes":
        return CodeCondition([whole(choices) for choices in plain["categorical"]], whole(plain["continuous"]))
    if kind == "images":
        return ImageCondition([whole(side) for side in plain["shape"]], str(plain["field"]))
    if kind == "texts":
        length, words = whole(plain["length"]), [str(word) for word in plain["words"]]
        texts = torch.frombuffer(bytearray(base64.b64decode(plain["examples"])), dtype=torch.uint8).view(-1, length)
        found = TextCondition(None, length, words, len(texts), str(plain["field"]))
        found.examples.copy_(texts)
        return found
    if kind == "vectors":
        return VectorCondition(whole(plain["length"]))
    return OwnCondition()


def whole(value: Any, most: int = 2**31) -> int:
    """A number of a description.

    Raises:
        ValueError: not a whole number, negative, or larger than any that is written.
    """
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{value!r} is not the number that was written")
    return value


def read_description(text: str, path: Path) -> dict[str, Any]:
    """The description in a file, as far as every reader relies on it.

    Raises:
        CheckpointError: it is none of ganzoo's, or damaged, or of a newer form.
    """
    try:
        if len(text) > MOST_TEXT:
            raise ValueError(f"{len(text):,} characters")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("no table")
        if found["form"] != FORM:
            raise CheckpointError(f"{path} is of form {found['form']!r}, this ganzoo reads {FORM}: use a newer one.")
        if found["kind"] not in KINDS or not found["inputs"]:
            raise ValueError("no kind of network")
        for given in found["inputs"]:
            if not isinstance(given["name"], str) or given["type"] not in ("float32", "int64"):
                raise ValueError("an input of another kind")
            if not given["shape"] or not all(side in FREE or type(side) is int for side in given["shape"]):
                raise ValueError("an input of another shape")
        return found
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is damaged, or ganzoo did not write it: its description lacks {error}."
        ) from error


def refuse_other_inputs(
    description: Mapping[str, Any], shapes: Sequence[tuple[Sequence[int | None], str]], path: Path
) -> None:
    """Raise CheckpointError where a program does not take the inputs that its description names.

    Args:
        shapes: shape (None: a free side) and type of each input of the program.
    """
    said = [(free_sides(given["shape"]), given["type"]) for given in description["inputs"]]
    if said != [(list(sides), kind) for sides, kind in shapes]:
        raise CheckpointError(f"{path} is damaged, or ganzoo did not write it: its program takes {list(shapes)}, its "
                              f"description says {said}.")  # fmt: skip


def free_sides(shape: Iterable[Any]) -> list[int | None]:
    """The sides of a shape that are numbers, and None for those that are free, by whatever name."""
    return [side if type(side) is int else None for side in shape]


def to_text(value: Any) -> str:
    """Plain values as JSON; equal values give equal texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=dataclasses.asdict)
