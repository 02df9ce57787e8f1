"""What notebooks use: specs that are registered for this process, and samples as pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import ganzoo
from ganzoo.errors import PluginError, UsageError
from ganzoo.plugin import GAN, Loss, LossSpec, VariantSpec, register
from ganzoo.registry.registry import registry

TINY = {"steps": 2, "batch_size": 4, "width": 4, "device": "cpu"}


class Zero(Loss):
    """A loss that teaches nothing."""

    def discriminator(self, real, fake):
        return 0 * (real.mean() + fake.mean())

    def generator(self, fake, real=None):
        return 0 * fake.mean()


def loss(name: str, **changed: str) -> LossSpec:
    return LossSpec(**{"name": name, "load": f"{__name__}:Zero", "summary": "nothing", **changed})


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What is registered here ends with the test."""
    yield
    registry.cache_clear()


def test_a_registered_loss_is_trained_with_and_can_be_replaced(tmp_path: Path) -> None:
    register(loss("zero", load="nowhere:Zero"))
    with pytest.raises(PluginError, match="nowhere"):
        ganzoo.train("dcgan", loss="zero", out=tmp_path / "run", **TINY)
    register(loss("zero"))  # the cell is mended and run again
    assert ganzoo.train("dcgan", loss="zero", out=tmp_path / "run", **TINY).status == "finished"


def test_a_registered_variant_is_trained(tmp_path: Path) -> None:
    networks = registry().variants.load("dcgan")
    assert issubclass(networks, GAN)
    register(VariantSpec(name="mine", load=f"{networks.__module__}:{networks.__name__}", summary="a copy"))
    run = ganzoo.train("mine", out=tmp_path / "run", **TINY)
    assert "this session" not in run.details["versions"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (loss("hinge"), "loss 'hinge' is offered by ganzoo already"),
        (loss("Not A Name"), "use lower case"),
        (Zero, "is no spec: give a VariantSpec"),
    ],
)
def test_what_cannot_be_registered_is_refused_whole(spec: LossSpec, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        register(loss("sound"), spec)
    assert "sound" not in registry().losses


def test_samples_are_one_picture(tmp_path: Path) -> None:
    run = ganzoo.train("cgan", "glyphs", out=tmp_path / "digits", **TINY)
    assert ganzoo.picture(run, run.sample(20, 7), columns=5).size == (5 * 30 + 2, 4 * 30 + 2)
    assert ganzoo.picture(run).size == (8 * 30 + 2, 8 * 30 + 2)
    with pytest.raises(UsageError, match="columns = 0"):
        ganzoo.picture(run, columns=0)
    points = ganzoo.train("vanilla", "ring", out=tmp_path / "points", **TINY)
    assert ganzoo.picture(points, points.sample(9)).mode == "L"
