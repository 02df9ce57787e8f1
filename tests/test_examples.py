"""The distributions in examples/, installed in one environment: listed, trained, evaluated, benched, checked."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Cli
from .environment import Environment, made_environment

EXAMPLES = Path(__file__).parents[1] / "examples"
OFFERED = {
    "ganzoo-total-variation": {"loss": ["f-total-variation"]},
    "ganzoo-twins": {"variant": ["twins"]},
    "ganzoo-spirals": {"dataset": ["spirals"], "metric": ["on-spirals-1k"], "suite": ["spirals"]},
    "ganzoo-csv-logger": {"logger": ["csv"]},
    "ganzoo-colour-histograms": {"extractor": ["colour-histograms"], "metric": ["fd-colour-histograms-2k"]},
}
"""ganzoo-relativistic has tests of its own: test_example_plugin.py."""
SMALL = ("--steps", 4, "--batch-size", 8, "-o", "width=4", "--device", "cpu", "--quiet")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment with all of them, installed from copies so that no build output litters the sources."""
    folder = tmp_path_factory.mktemp("examples")
    for name in OFFERED:
        shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    environment = made_environment(folder)
    environment.install(*(folder / name for name in OFFERED), cwd=folder)
    yield environment
    shutil.rmtree(folder)


@pytest.fixture
def ganzoo(installed: Environment, ganzoo_cli: Cli) -> Callable[..., str]:
    """``ganzoo("list")`` runs the command in the environment that has the examples, and returns its stdout."""
    return lambda *words: ganzoo_cli(*words, python=installed.python).stdout


def test_every_example_is_tested_here() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == {*OFFERED, "ganzoo-relativistic"}


def test_a_loss_takes_25_lines_in_all() -> None:
    files = [path for path in (EXAMPLES / "ganzoo-total-variation").rglob("*") if path.suffix in (".py", ".toml")]
    assert sum(bool(line.strip()) for path in files for line in path.read_text(encoding="utf-8").splitlines()) <= 25


def test_all_are_healthy_and_offer_what_they_say(ganzoo: Callable[..., str]) -> None:
    found = {p["distribution"]: p for p in json.loads(ganzoo("plugins", "--json"))["plugins"]}
    for name, offered in OFFERED.items():
        # A loaded machine may take long to import it; what must not be is the plugin's own doing.
        assert found[name]["status"] == "ok" or found[name]["reason"].startswith("takes "), found[name]["reason"]
        assert found[name]["provides"] == offered


def test_variant_loss_data_metric_and_logger_of_five_authors_work_together(
    ganzoo: Callable[..., str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    ganzoo(
        "train", "twins", "--dataset", "spirals", "--loss", "f-total-variation", "--logger", "csv", *SMALL,
        "-o", "log_every=2", "--out", out,
    )  # fmt: skip
    assert {path.name for path in out.glob("*.safetensors")} == {"first.safetensors", "second.safetensors"}
    rows = list(csv.DictReader((out / "numbers.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["step"] for row in rows} == {"2", "4"}
    assert "told_apart" in {row["name"] for row in rows}
    scores = json.loads(ganzoo("evaluate", out, "--metric", "on-spirals-1k@second", "--json"))
    assert 0 <= scores[0]["values"]["share"] <= 1


def test_an_extractor_serves_a_metric_of_ganzoo(ganzoo: Callable[..., str], tmp_path: Path) -> None:
    ganzoo(
        "train", "vanilla", *SMALL, "-o", "resolution=8", "-o", "channels=3", "--metric", "fd-colour-histograms-2k",
        "--out", tmp_path / "run",
    )  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "run" / "scalars.jsonl").read_text().splitlines()]
    assert any(value > 0 for line in lines for key, value in line.items() if "fd-colour-histograms-2k" in key)


def test_a_suite_makes_a_table(ganzoo: Callable[..., str], tmp_path: Path) -> None:
    assert "vanilla-spirals-s0" in ganzoo("bench", "spirals", "--dry-run")
    text = (EXAMPLES / "ganzoo-spirals/src/ganzoo_spirals/spirals.toml").read_text(encoding="utf-8")
    short = tmp_path / "short.toml"
    short.write_text(text.replace("images = 640_000", "images = 512"), encoding="utf-8")
    ganzoo("bench", short, "--variants", "vanilla", "--out", tmp_path / "bench")
    table = (tmp_path / "bench" / "table.md").read_text(encoding="utf-8")
    assert "on-spirals-1k" in table
    assert "| vanilla | spirals |" in table


def test_the_variant_keeps_the_contract(ganzoo: Callable[..., str]) -> None:
    assert "twins keeps the contract" in ganzoo("check", "twins")
