"""Tiny trainings of every registered variant, and of some toys; each is made once, when a test first asks for it."""

import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ganzoo
from ganzoo import export_network
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.data.needs import embedded_set
from ganzoo.export.write import ENDINGS, Exported
from ganzoo.models.load import load_variant
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import SECOND
from ganzoo.runs.trained import TrainedRun

from ..commands.conftest import invoke  # noqa: F401  # the command line in this process

TOYS = Path(__file__).parents[1] / "toys" / "site"
NOT_EXPORTED = (("anogan", "scorer"),)
"""Networks that no program can hold; a test says so."""
Train = Callable[[str], TrainedRun]
Make = Callable[..., Exported]


def roles() -> list[tuple[str, str]]:
    """Every registered variant with each role that it exports: a new plugin is tested without a line here."""
    data = DataInfo(name="glyphs", kind="images", shape=(1, 28, 28), classes=tuple("0123456789"))
    found = []
    for name in registry().variants.names():
        variant = load_variant(name)
        config = resolve(name, variant.Options, {"dataset": "glyphs", **variant.defaults})
        roles = variant(config, data, None).exports()
        found += [(name, role) for role in roles if (name, role) not in NOT_EXPORTED]
    return found


def train_tiny(name: str, out: Path) -> TrainedRun:
    spec, variant = registry().variants.spec(name), load_variant(name)
    dataset = embedded_set(spec)
    settings = {**variant.tiny, "steps": 4, "batch_size": 4, "device": "cpu", "metrics": ""}
    if any(field.startswith(SECOND) for field in spec.needs):
        settings["second"] = dataset
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of networks so small; other tests are about that
        return ganzoo.train(name, dataset, out=out, **settings)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Train:
    folder = tmp_path_factory.mktemp("trained")
    return functools.cache(lambda name: train_tiny(name, folder / name))


@pytest.fixture(scope="session")
def made(trained: Train, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """``made("cgan", "generator", "onnx")``: that export, in a folder of its own."""

    def make(name: str, role: str, to: str) -> Exported:
        return exported(trained(name), to, role, tmp_path_factory.mktemp("exported"))

    return functools.cache(make)


def exported(run: TrainedRun, to: Any, role: str, folder: Path, **more: Any) -> Exported:
    return export_network(run.path, to, role=role, output=folder / f"{role}{ENDINGS[to]}", **more)


@pytest.fixture
def toys() -> Iterator[None]:
    """The plugin of the toys, only while a test asks for it."""
    sys.path.insert(0, str(TOYS))
    registry.cache_clear()
    yield
    sys.path.remove(str(TOYS))
    registry.cache_clear()
