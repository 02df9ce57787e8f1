"""Presets: every one is whole, can be changed, and is refused where it makes no sense."""

from pathlib import Path

import pytest

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.data.needs import embedded_set
from ganzoo.errors import UnknownNameError, UsageError
from ganzoo.models.load import load_variant
from ganzoo.registry.registry import registry
from ganzoo.report.facts import read_facts, settings_of
from ganzoo.training.checks import check_tricks
from ganzoo.training.setup import prepare

from .conftest import Cli

PRESETS = [(name, preset) for name in registry().variants.names() for preset in load_variant(name).presets]


def test_the_papers_settings_are_there() -> None:
    with_papers = (
        "vanilla", "dcgan", "cgan", "wgan", "wgan-gp", "sngan", "projection", "pix2pix", "cyclegan", "progan",
        "wavegan",
    )  # fmt: skip
    assert {(name, "paper") for name in with_papers} <= set(PRESETS)


def test_some_defaults_are_of_a_kind_of_samples(tmp_path: Path, ganzoo_cli: Cli) -> None:
    images, points = (prepare("vanilla", name, out=tmp_path / name).config for name in ("glyphs", "ring"))
    kind = load_variant("vanilla").defaults_by_kind["points"]
    assert (images.tricks.r1, points.tricks.r1) == (0, kind["r1"])
    assert points.options.width == kind["width"] != images.options.width
    changed = prepare("vanilla", "ring", out=tmp_path / "changed", settings={"r1": 0.5}, preset="paper").config
    assert changed.tricks.r1 == 0.5, "what is said counts most"
    assert changed.options.width == 256, "then the preset"
    shown = ganzoo_cli("info", "vanilla").stdout
    assert f"on points:  {' '.join(f'-o {key}={value}' for key, value in kind.items())}" in shown


def test_a_page_and_a_description_tell_what_differs_from_the_defaults_of_the_kind(tmp_path: Path) -> None:
    run = ganzoo.train("vanilla", "ring", out=tmp_path / "run", steps=5, width=8, device="cpu", batch_size=8)
    told = {setting.key for setting in settings_of(read_facts(run.path)) if setting.changed}
    assert "width" in told
    assert "r1" not in told


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_can_be_trained(name: str, preset: str, tmp_path: Path) -> None:
    """Its settings are known and within their ranges, and contradict neither each other nor the variant."""
    kind = load_variant(name)
    resolve(name, kind.Options, {"dataset": "x"}, kind.defaults, kind.presets[preset])
    spec = registry().variants.spec(name)
    dataset = "shapes" if spec.family == "translation" else embedded_set(spec)
    small = {"width": 4, "batch_size": 2, **({"resolution": 16} if {"images", "voxels"} & {*spec.models} else {})}
    if spec.models == ("waves",):
        small |= {"length": 64}
    job = prepare(name, dataset, out=tmp_path / "x", preset=preset, settings=small)
    check_tricks(job.variant)


def test_a_setting_changes_a_preset_and_a_preset_the_defaults(tmp_path: Path) -> None:
    job = prepare("sngan", "glyphs", out=tmp_path / "x", preset="paper", settings={"d_steps": 3})
    assert job.config.tricks.d_steps == 3
    assert job.config.steps == 500_000
    assert prepare("sngan", "glyphs", out=tmp_path / "x").config.steps == 20_000


def test_an_unknown_preset_and_one_of_a_resumed_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown preset of sngan 'papr': did you mean 'paper'"):
        prepare("sngan", "glyphs", out=tmp_path / "x", preset="papr")
    with pytest.raises(UsageError, match="a run that goes on keeps its settings"):
        ganzoo.train(out=tmp_path / "x", resume=True, preset="paper")
