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
            name=name, load="ganzoo_zoo.weights:FOLDER", file=f"{name}.safetensors", summary=about["summary"],
            sha256=about["sha256"], variant=about["variant"], dataset=about["dataset"], scores=tuple(about["scores"]),
            command=about["command"], licence=about["licence"],
        )
        for name, about in index.items()
    ]  # fmt: skip
