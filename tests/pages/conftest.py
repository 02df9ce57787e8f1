"""Runs to look at, and a browser to look with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ganzoo
from ganzoo.training.session import TrainingSession

from ..commands.conftest import invoke  # noqa: F401  # the command line in this process
from .chromium import Chromium

TINY: dict[str, Any] = {
    "steps": 12, "batch_size": 8, "width": 4, "device": "cpu", "log_every": 1, "sample_every": 4,
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def reports(no_reports: Callable[..., Any]) -> Iterator[None]:
    """Here a training writes its page, as it does for users."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingSession, "_report", no_reports)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def digits(folder: Path, reports: None) -> Path:
    """A run with classes. Tests only read it."""
    return ganzoo.train("cgan", out=folder / "digits", **TINY).path


@pytest.fixture(scope="module")
def points(folder: Path, reports: None) -> Path:
    """A run on points, with a metric and a critic."""
    more = {"dataset": "ring", "metrics": "modes-2500", "metric_every": 32}
    return ganzoo.train("wgan-gp", out=folder / "points", **{**TINY, **more}).path


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    started = Chromium(tmp_path_factory.mktemp("chromium"))
    yield started
    started.close()
