"""Presets: every one is whole, can be changed, and is refused where it makes no sense."""

from pathlib import Path

import pytest

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.errors import UnknownNameError, UsageError
from ganzoo.models.load import load_variant
from ganzoo.registry.registry import registry
from ganzoo.training.checks import check_tricks
from ganzoo.training.setup import prepare

PRESETS = [(name, preset) for name in registry().variants.names() for preset in load_variant(name).presets]


def test_the_papers_settings_are_there() -> None:
    assert {("pix2pix", "paper"), ("cyclegan", "paper"), ("sngan", "paper"), ("projection", "paper")} <= set(PRESETS)


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_can_be_trained(name: str, preset: str, tmp_path: Path) -> None:
    """Its settings are known and within their ranges, and contradict neither each other nor the variant."""
    kind = load_variant(name)
    resolve(name, kind.Options, {"dataset": "x"}, kind.defaults, kind.presets[preset])
    dataset = "shapes" if registry().variants.spec(name).family == "translation" else "glyphs"
    small = {"width": 4, "batch_size": 2, "resolution": 16}
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
