"""The figure of a variant: what is watched is what is trained, and it can be read."""

import re
from pathlib import Path

import pytest

from ganzoo.anatomy.draw import LEAST, layout
from ganzoo.anatomy.flow import Anatomy, anatomy

from .commands.conftest import Invoke, invoke  # noqa: F401  # the command line in this process

JOINED = {
    "dcgan": {"generator": {"@latents"}, "discriminator": {"@images", "generator"}},
    "cgan": {"generator": {"@latents", "@labels"}, "discriminator": {"@images", "@labels", "generator"}},
    # Networks that are called by other methods than forward(), or are given what others have computed inside.
    "infogan": {
        "generator": {"@latents", "@condition"}, "discriminator": {"@images", "generator"},
        "encoder": {"discriminator"},
    },
    "bigan": {
        "encoder": {"@images"}, "generator": {"@latents"},
        "discriminator": {"@images", "encoder", "generator", "@latents"},
    },
    # Noise is drawn in the middle, and of each level only a part of the generator is called.
    "lapgan": {
        "generator": {"@latents", "@coarse1", "@coarse2"}, "judge0": {"generator", "@images0"},
        "judge1": {"generator", "@images1", "@coarse1"}, "judge2": {"generator", "@images2", "@coarse2"},
    },
    # Two stages; the encoder learns in the second one. The scorer holds the others and is called by no loss.
    "f-anogan": {
        "generator": {"@latents", "encoder"}, "discriminator": {"@images", "generator"}, "encoder": {"@images"},
        "scorer": {"generator", "encoder"},
    },
}  # fmt: skip
"""What goes into which network, as the papers say."""


@pytest.fixture(scope="module")
def seen() -> dict[str, Anatomy]:
    return {name: anatomy(name) for name in JOINED}


@pytest.mark.parametrize("name", JOINED)
def test_networks_are_joined_as_in_the_paper(name: str, seen: dict[str, Anatomy]) -> None:
    assert {network.name: set(network.inputs) for network in seen[name].networks} == JOINED[name]


def test_layers_shapes_and_parameters(seen: dict[str, Anatomy]) -> None:
    generator, judge = seen["dcgan"].networks
    assert [layer.shape for layer in generator.layers] == [(128, 4, 4), (64, 7, 7), (32, 14, 14), (1, 28, 28)]
    assert generator.layers[0].label == "ConvT 4×4 · BatchNorm · ReLU"
    assert judge.layers[-1].label == "Conv 4×4"
    for network in (generator, judge):
        assert sum(layer.parameters for layer in network.layers) == network.parameters
    assert generator.parameters == 312_257, "ganzoo train dcgan --dry-run"
    assert seen["dcgan"].sources == {"@latents": (100,), "@images": (1, 28, 28)}
    assert seen["f-anogan"].course[1] == "encoder: a step of encoder"


def test_points_and_settings() -> None:
    found = anatomy("vanilla", "ring", {"latent_dim": "3"})
    assert found.sources == {"@latents": (3,), "@images": (2,)}
    layers = {network.name: network.layers for network in found.networks}
    assert layers["generator"][-1].shape == (2,)


def test_networks_are_left_as_they_were() -> None:
    """What was watched is no longer: no hook, no replaced method."""
    from ganzoo.anatomy.flow import Watch, ready

    session = ready("dcgan", None, None)
    networks = session.variant.build()
    with Watch(networks).watching():
        assert "forward" in networks["generator"].__dict__
    assert all("forward" not in network.__dict__ for network in networks.values())
    assert not any(module._forward_hooks for network in networks.values() for module in network.modules())


@pytest.mark.parametrize("name", JOINED)
def test_boxes_lie_apart_and_no_line_crosses_one(name: str, seen: dict[str, Anatomy]) -> None:
    drawn = layout(seen[name])
    for i, a in enumerate(drawn.boxes):
        assert a.x >= 0
        assert a.x + a.width <= drawn.width
        for b in drawn.boxes[:i]:
            beside = a.x + a.width <= b.x or b.x + b.width <= a.x
            assert beside or a.y + a.height + LEAST <= b.y or b.y + b.height + LEAST <= a.y
    assert len(drawn.wires) == sum(len(inputs) for inputs in JOINED[name].values())
    for wire in drawn.wires:
        x, y = map(float, re.findall(r"[\d.]+", wire.path)[:2])
        for way, end in re.findall(r"([HV])([\d.]+)", wire.path):
            to = (float(end), y) if way == "H" else (x, float(end))
            (left, right), (top, bottom) = sorted((x, to[0])), sorted((y, to[1]))
            for box in drawn.boxes:
                past = right <= box.x or left >= box.x + box.width
                assert past or bottom <= box.y or top >= box.y + box.height, f"{wire.path} crosses {box.name}"
            x, y = to


def test_info_writes_the_figure(invoke: Invoke, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "figure.svg"
    assert invoke("info", "dcgan", "--figure", file).out.strip() == str(file)
    assert "ConvGenerator" in file.read_text(encoding="utf-8")
    assert "312 k parameters" in file.read_text(encoding="utf-8")
    assert "'mnist' is no variant" in invoke("info", "mnist", "--figure", file, code=2).err
    assert "end the name with .svg" in invoke("info", "dcgan", "--figure", tmp_path / "x.png", code=2).err
    assert "there is no folder" in invoke("info", "dcgan", "--figure", tmp_path / "a" / "x.svg", code=2).err
