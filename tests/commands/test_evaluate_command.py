"""``ganzoo evaluate`` as it is typed: numbers, JSON, pictures, and every refusal with its exit code."""

import json
from pathlib import Path

import pytest
from PIL import Image

from ..conftest import Cli
from ..training.helpers import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("evaluated") / "run", 10, "cgan").path


def test_numbers_as_a_table_and_as_json(ganzoo_cli: Cli, run: Path) -> None:
    table = ganzoo_cli("evaluate", run, "--metric", "duplicates-2k").stdout
    assert table.splitlines()[0].split() == ["METRIC", "VALUE", "BETTER", "ALSO"]
    (found,) = json.loads(ganzoo_cli("evaluate", run, "--metric", "duplicates-2k", "--json").stdout)
    assert found["metric"] == "duplicates-2k"
    assert found["target"]["variant"] == "cgan"
    assert found["target"]["weights"] == "EMA"
    assert {"torch", "torch-fidelity", "ganzoo"} <= set(found["versions"])
    assert f"{found['value']:.4g}" in table


def test_pictures_of_neighbours(ganzoo_cli: Cli, run: Path, tmp_path: Path) -> None:
    said = ganzoo_cli("evaluate", run, "--neighbours", "n.png", "--panel", "p.png").stdout
    assert said.split() == ["n.png", "p.png"]
    with Image.open(tmp_path / "n.png") as picture:
        # 10 rows; a sample, 5 neighbours by pixels and 5 by features, each 2 x 32 pixels and 2 between.
        assert picture.size == (11 * 66 + 2, 10 * 66 + 2)
        assert picture.getpixel((3, 3)) == (255, 210, 0)
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.size == (7 * 66 + 2, 5 * 66 + 2)
    assert "exists" in ganzoo_cli("evaluate", run, "--panel", "p.png", code=2).stderr


def test_without_a_metric_it_says_what_makes_sense(ganzoo_cli: Cli, run: Path) -> None:
    said = ganzoo_cli("evaluate", run, code=2).stderr
    assert "fd-glyphs-10k" in said
    assert "accuracy-glyphs-10k" in said
    assert "psnr" not in said
    assert "fd-mnist-10k" not in said


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--metric", "psnr"], 2, "does not turn images into images"),
        (["--metric", "fid"], 2, "unknown metric 'fid'"),
        (["--metric", "duplicates-2k", "--reference", "mnist"], 1, "data set 'mnist' is not complete"),
        (["--metric", "duplicates-2k", "--reference", "moon"], 2, "unknown dataset 'moon'"),
        (["--metric", "duplicates-2k", "--device", "tpu"], 2, "device"),
        (["--metric", "is-50k", "--weights", "none.pth"], 1, "none.pth is not there"),
        (["--panel", "p.jpg"], 2, "name a FILE.png"),
    ],
)
def test_refusals(ganzoo_cli: Cli, run: Path, words: list[str], code: int, message: str) -> None:
    said = ganzoo_cli("evaluate", run, *words, code=code).stderr
    assert message in said
    assert "Traceback" not in said


def test_metrics_in_train(ganzoo_cli: Cli, tmp_path: Path) -> None:
    words = ["train", "vanilla", "--steps", "4", "-o", "width=8", "-o", "batch_size=8", "--out", "r"]
    assert "psnr" in ganzoo_cli(*words, "--metric", "psnr", code=2).stderr
    assert not (tmp_path / "r").exists()
    ganzoo_cli(*words, "--metric", "duplicates-2k", "--metric", "copies-1k")
    found = json.loads((tmp_path / "r" / "run.json").read_text())["metrics"]
    assert [result["metric"] for result in found["final"]] == ["duplicates-2k", "copies-1k"]
    said = ganzoo_cli("data", "verify", "glyphs", "--json").stdout
    assert json.loads(said)["datasets"][0]["name"] == "glyphs"


def test_listing_metrics_imports_no_torch(ganzoo_cli: Cli) -> None:
    rows = json.loads(ganzoo_cli("list", "metrics", "--json").stdout)
    assert {"fid-10k", "fid-50k", "is-50k", "kid-50k", "prc-10k", "fd-mnist-10k", "psnr"} <= {r["name"] for r in rows}
    assert "fd-mnist-10k" in ganzoo_cli("info", "fd-mnist-10k").stdout
