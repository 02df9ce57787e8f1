"""Small trained networks that come with ganzoo, for ``zoo:NAME``: a file of this folder each."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from ganzoo.plugin import WeightsSpec, hookimpl

FOLDER = Path(__file__).parent
INDEX = FOLDER / "index.toml"
"""What there is, by name; benchmarks/ship_weights.py writes it."""


@hookimpl
def ganzoo_weights() -> Iterable[WeightsSpec]:
    with INDEX.open("rb") as file:
        index = tomllib.load(file)
    return [
        WeightsSpec(
            name=name, load="ganzoo_zoo.weights:FOLDER", file=f"{name}.safetensors",
            **{key: tuple(value) if isinstance(value, list) else value for key, value in about.items()},
        )
        for name, about in index.items()
    ]  # fmt: skip
