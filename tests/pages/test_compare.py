"""Several runs side by side, in the terminal and as a page."""

import json
import re
import shutil
from pathlib import Path

import pytest

import ganzoo
from ganzoo.report.compare import compare
from ganzoo.report.curves import curves
from ganzoo.report.facts import read_runs
from ganzoo.report.page import write_report

from ..commands.conftest import Invoke
from .conftest import TINY


@pytest.fixture(scope="module")
def second(folder: Path, reports: None) -> Path:
    """As the points, with another loss, seed and length."""
    more = {"dataset": "ring", "metrics": "modes-2500", "metric_every": 32, "steps": 8, "seed": 5}
    return ganzoo.train("vanilla", out=folder / "second", **{**TINY, **more}).path


def scored(run: Path, to: Path, value: float) -> Path:
    """A copy of a run with another score."""
    shutil.copytree(run, to)
    details = json.loads((to / "run.json").read_text())
    (result,) = details["metrics"]["final"]
    result["values"] = {**result["values"], next(iter(result["values"])): value}
    (to / "run.json").write_text(json.dumps(details))
    return to


def test_the_terminal_says_what_differs(points: Path, second: Path, invoke: Invoke) -> None:
    done = invoke("compare", points, second)
    lines = [re.split(r"\s{2,}", line) for line in done.out.splitlines()]
    assert ["SETTING", "points", "second"] in lines
    assert ["variant", "wgan-gp", "vanilla"] in lines
    assert ["seed", "0", "5"] in lines
    assert ["steps", "12", "8"] in lines
    assert ["gradient_penalty", "10", "0"] in lines
    assert not any(line[0] == "batch_size" for line in lines), "it is the same"
    assert any(line[0] == "modes-2500 ↑" for line in lines)
    assert ["status", "finished", "finished"] in lines
    assert "have seen different numbers of images" in done.err
    assert "the spread over training seeds is not known" in done.err


def test_json_has_all_digits_and_all_settings(points: Path, second: Path, invoke: Invoke) -> None:
    found = json.loads(invoke("compare", points, second, "--json").out)
    first = found["runs"][0]
    assert first["settings"]["gradient_penalty"] == 10.0
    assert (
        first["scores"]["modes-2500"] == json.loads((points / "run.json").read_text())["metrics"]["final"][0]["value"]
    )
    assert found["settings"]["seed"] == {"points": "0", "second": "5"}


def test_the_best_is_marked_only_where_the_data_is_the_same(
    points: Path, digits: Path, tmp_path: Path, invoke: Invoke
) -> None:
    worse, better = scored(points, tmp_path / "worse", 2.0), scored(points, tmp_path / "better", 6.0)
    (row,) = [row for row in compare(read_runs([worse, better])).scores if row.name == "modes-2500 ↑"]
    assert (row.cells, row.best) == (("2", "6"), (1,))
    assert "6 *" in invoke("compare", worse, better).out
    other = compare(read_runs([worse, better, digits]))
    assert all(row.best == () for row in other.scores)
    assert "trained on different data" in other.notes[0]


def test_runs_of_one_name_are_told_apart(points: Path, tmp_path: Path) -> None:
    for place in ("a", "b"):
        shutil.copytree(points, tmp_path / place / "run")
    found = read_runs([tmp_path / "a" / "run", tmp_path / "b" / "run", points])
    assert [run.name for run in found] == ["a/run", "b/run", "points"]


def test_probabilities_and_scores_share_no_axis(points: Path, second: Path) -> None:
    found = {made.title: made for made in curves(read_runs([points, second])).first}
    assert found["D(x)"].key == ((1, "second"),)
    assert found["D(x)"].level is not None
    assert found["D(x): mean scores, not probabilities"].key == ((0, "points"),)
    assert found["D(x): mean scores, not probabilities"].level is None
    assert found["generator_loss"].key == ((0, "points"), (1, "second")), "a colour is a run"


def test_metrics_are_drawn_over_images_and_over_time(points: Path, second: Path) -> None:
    axes = [made.axis for made in curves(read_runs([points, second])).first if made.title == "modes-2500 ↑"]
    assert axes == ["images seen", "seconds of training"]


def test_the_page_shows_each_run(points: Path, second: Path, digits: Path, tmp_path: Path, invoke: Invoke) -> None:
    assert invoke("report", points, second, digits).out.strip() == "comparison.html"
    text = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    for title in ("Scores", "Samples", "Through the training", "Curves", "Settings that differ", "How far, how fast"):
        assert f"<h2>{title}</h2>" in text
    for name in ("points", "second", "digits"):
        assert re.search(rf"<summary>{name}</summary>", text)
    assert text.count('data-together="1"') == 3
    assert "comparison.html exists" in invoke("report", points, second, code=2).err
    invoke("report", points, second, "--overwrite")


def test_a_run_that_lacks_something_is_compared_all_the_same(points: Path, second: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(second, bare)
    for path in [*bare.glob("*.safetensors"), bare / "scalars.jsonl", *bare.glob("samples/*")]:
        path.unlink()
    text = write_report([points, bare], tmp_path / "a.html").read_text(encoding="utf-8")
    assert "None: see below." in text
    assert "bare has no weights" in text
