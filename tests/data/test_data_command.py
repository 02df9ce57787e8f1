"""``ganzoo data``: results on stdout, progress on stderr, exit codes; no torch for listing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ganzoo.cli import data as data_command
from ganzoo.data import store
from ganzoo.data.specs import DATASETS
from ganzoo.errors import DataError, GanzooError, UnknownNameError
from ganzoo.registry.registry import Catalogue, Plugin
from ganzoo.registry.specs import DataFile, DatasetSpec

from .conftest import md5, set_of


@pytest.fixture
def run(tmp_path, monkeypatch, server):
    """Runs ``ganzoo data`` with one more set, ``tiny``, whose file is on the loopback server."""
    server.files["tiny.bin"] = b"tiny"
    tiny = set_of(DataFile(path="tiny.bin", urls=(server.url("tiny.bin"),), checksum=md5(b"tiny"), size=4))
    catalogue: Catalogue[DatasetSpec] = Catalogue("dataset", DatasetSpec)
    for spec in (*DATASETS, tiny):
        catalogue.add(spec, Plugin("core", "ganzoo.builtin", "ganzoo", "0"))

    class Fake:
        datasets = catalogue

    monkeypatch.setattr(data_command, "registry", Fake)
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))

    def call(*words: str) -> Result:
        return CliRunner().invoke(data_command.command, words)

    return call


def test_list_shows_every_set_with_its_state(run, tmp_path):
    (tmp_path / "tiny.bin").write_bytes(b"tiny")
    result = run("list", "--json")
    listed = json.loads(result.stdout)
    states = {row["name"]: row["state"] for row in listed["datasets"]}
    assert states.keys() == {spec.name for spec in DATASETS} | {"tiny"}
    assert (states["glyphs"], states["folder"], states["mnist"], states["tiny"]) == (
        "embedded", "yours", "missing", "present",
    )  # fmt: skip
    assert listed["root"] == str(tmp_path)
    lines = run("list", "*mnist").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:] if not line.startswith(" ")] == [
        ["fashion-mnist", "missing"], ["mnist", "missing"], ["stacked-mnist", "missing"],
    ]  # fmt: skip


def test_a_pattern_that_nothing_matches_is_wrong_usage(run):
    result = run("list", "mnits")
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean 'mnist'" in str(result.exception)


def test_fetch_then_verify(run, tmp_path):
    fetched = run("fetch", "tiny")
    assert fetched.exit_code == 0
    assert (tmp_path / "tiny.bin").read_bytes() == b"tiny"
    assert fetched.stdout.split() == ["NAME", "STATE", "FILE", "DETAIL", "tiny", "present", "tiny.bin"]
    assert "tiny.bin: 4 of 4 (100 %)" in fetched.stderr
    verified = run("verify", "tiny", "--json")
    assert json.loads(verified.stdout)["datasets"][0]["state"] == "verified"


def test_verify_fails_when_a_file_is_damaged_and_still_prints_the_table(run, tmp_path):
    (tmp_path / "tiny.bin").write_bytes(b"tinY")
    result = run("verify", "tiny", "glyphs")
    assert isinstance(result.exception, DataError)
    assert "tiny is damaged" in str(result.exception)
    assert "fetch tiny" in str(result.exception)
    rows = [line.split()[:2] for line in result.stdout.splitlines()[1:]]
    assert rows == [["tiny", "damaged"], ["glyphs", "embedded"]]


def test_fetching_a_failing_set_is_an_error_and_an_embedded_one_is_not(run, server):
    server.files.clear()
    assert isinstance(run("fetch", "tiny").exception, GanzooError)
    result = run("fetch", "ring")
    assert (result.exit_code, result.exception) == (0, None)
    assert "nothing to fetch" in result.stderr


def test_an_unknown_set_is_found_out_before_anything_is_fetched(run, tmp_path):
    assert isinstance(run("fetch", "tiny", "mnits").exception, UnknownNameError)
    assert list(tmp_path.iterdir()) == []


def test_celeba_is_left_to_torchvision(run, monkeypatch, tmp_path):
    from ganzoo.data.published import vision

    asked: list[tuple[str, Path]] = []
    monkeypatch.setattr(vision, "fetch", lambda spec, root: asked.append((spec.name, root)))
    assert run("fetch", "celeba").exit_code == 0
    assert asked == [("celeba", store.data_root())] == [("celeba", tmp_path)]


def test_what_torchvision_cannot_do_is_told_with_the_way_out(monkeypatch, tmp_path):
    import torchvision

    from ganzoo.data.published import vision

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("quota")

    monkeypatch.setattr(torchvision.datasets, "CelebA", refuse)
    [spec] = [spec for spec in DATASETS if spec.name == "celeba"]
    with pytest.raises(DataError, match=r"quota(.|\n)*img_align_celeba\.zip(.|\n)*md5:00d2c5"):
        vision.fetch(spec, tmp_path)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (45_000_000, "45.0 MB"), (2_640_397_119, "2.6 GB")],
)
def test_sizes_as_people_read_them(count, text):
    assert data_command.in_units(count) == text


def test_plain_progress_prints_little(capsys, monkeypatch):
    now = 100.0
    monkeypatch.setattr(data_command.time, "monotonic", lambda: now)
    progress = data_command.PlainProgress()
    for done in range(0, 1001):
        now += 0.01
        progress("x", done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "x: 0 of 1,000 (0 %)"
    assert lines[-1] == "x: 1,000 of 1,000 (100 %)"
    assert len(lines) == 3  # the two ends, and one after 5 of the 10 seconds


def test_listing_data_imports_no_torch():
    code = (
        "import sys, ganzoo.cli.data as d\n"
        "d.command.main(['list'], standalone_mode=False)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "False"
