"""list, info, plugins, doctor, check, help: what is said, and to whom."""

import json

import pytest

from ganzoo.cli import COMMANDS
from ganzoo.registry.registry import registry

from .conftest import Invoke


def test_list_shows_every_variant_with_paper_and_provider(invoke: Invoke) -> None:
    lines = invoke("list").out.splitlines()
    listed = [line.split()[0] for line in lines if len(line.split()) > 1 and not line.startswith((" ", "NAME"))]
    assert sorted(listed) == registry().variants.names()
    assert any("arXiv:1411.1784" in line and "ganzoo" in line for line in lines)


@pytest.mark.parametrize("kind", ["variants", "datasets", "losses", "metrics"])
def test_list_json_of_every_kind_is_what_is_registered(kind: str, invoke: Invoke) -> None:
    rows = json.loads(invoke("list", kind, "--json").out)
    assert [row["name"] for row in rows] == registry().catalogues()[kind].names()


def test_list_takes_a_pattern_with_and_without_a_kind(invoke: Invoke) -> None:
    expected = [name for name in registry().variants.names() if name.endswith("gan")]
    assert {"cgan", "dcgan"} < set(expected) < set(registry().variants.names())
    assert [r["name"] for r in json.loads(invoke("list", "*gan", "--json").out)] == expected
    assert [r["name"] for r in json.loads(invoke("list", "datasets", "*mnist", "--json").out)] == [
        "fashion-mnist", "mnist", "stacked-mnist",
    ]  # fmt: skip
    assert "'dcgan'" in invoke("list", "dcgna", code=2).err
    assert "'losses'" in invoke("list", "loses", "*", code=2).err
    invoke("list", "variants", "a", "b", code=2)


def test_info_explains_every_setting(invoke: Invoke) -> None:
    for name in registry().variants:
        card = json.loads(invoke("info", name, "--json").out)
        keys = {s["key"] for s in card["settings"]}
        assert {"steps", "batch_size", "loss", "lr"} <= keys
        assert card["card"], f"{name} has no card.md"
        text = invoke("info", name, "--all").out
        assert all(key in text for key in keys)
        own = [s["key"] for s in card["settings"] if s["of"] == name]
        short = invoke("info", name).out
        assert short.startswith(card["card"][:40]), "the card comes first"
        assert "**Formula.**" in short
        assert "**Samples.**" in short
        assert "**How " in short
        assert not any(mark in short for mark in ("```", "\\mathbb", "![")), "neither LaTeX nor pictures"
        assert all(key in short for key in own)
        assert "checkpoint_every" not in short
        assert card["paper"] in text


def test_info_of_data_sets_and_losses(invoke: Invoke) -> None:
    for name in (*registry().datasets.names(), *registry().losses.names()):
        assert name in invoke("info", name).out
    assert "train-images-idx3-ubyte" in invoke("info", "mnist").out
    assert "did you mean 'hinge'" in invoke("info", "hinje", code=2).err


def test_plugins_and_doctor_find_nothing_wrong_here(invoke: Invoke) -> None:
    found = json.loads(invoke("plugins", "--json").out)
    assert {"core", "vanilla", "dcgan", "cgan"} <= {p["name"] for p in found["plugins"] if p["status"] == "ok"}
    checks = {row["check"]: row["status"] for row in json.loads(invoke("doctor", "--json").out)}
    assert checks["torch"] == checks["cpu"] == checks["data folder"] == "ok"
    assert "torchvision" in invoke("doctor").out


def test_doctor_says_what_is_damaged(invoke: Invoke, tmp_path, monkeypatch) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"short")
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    done = invoke("doctor", code=1)
    assert any(line.startswith("data mnist") and "wrong" in line for line in done.out.splitlines())


def test_a_data_folder_that_is_a_file_is_told(invoke: Invoke, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "file"))
    assert "it must name a folder" in invoke("data", "list", code=1).err


def test_check_reports_each_part_of_the_contract(invoke: Invoke) -> None:
    done = invoke("check", "vanilla", "-o", "width=8", "--dataset", "ring")
    assert "ok: resumes exactly" in done.out
    assert done.out.splitlines()[-1] == "vanilla keeps the contract."
    invoke("check", "vanila", code=2)


def test_help_names_every_command_and_wrong_ones_get_a_suggestion(invoke: Invoke) -> None:
    text = invoke("--help").out
    for name in COMMANDS:
        assert name in text
        assert "Usage: ganzoo " + name in invoke(name, "--help").out
    done = invoke("trian", code=2)
    assert "did you mean 'train'" in done.err
    assert done.out == ""
    invoke("--version")
    invoke("train", "--no-such-option", code=2)
