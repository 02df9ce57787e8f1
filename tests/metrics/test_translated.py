"""Measures of translators: distance to the target, to real images, and the way back."""

from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.data.base import DataInfo, Dataset
from ganzoo.data.derived.degrade import degraded, taken_apart
from ganzoo.errors import UsageError
from ganzoo.metrics.base import take
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import load_metrics
from ganzoo.metrics.measures.translated import lab_of
from ganzoo.metrics.targets import NetworkTarget
from ganzoo.models.interfaces import Translator

GREY_ERROR = 0.25


class Negative(Translator):
    """Dark and bright swapped."""

    def forward(self, images: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return -images


class Same(Translator):
    """Nothing is changed."""

    def forward(self, images: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return images


def dataset() -> Dataset:
    rng = torch.Generator().manual_seed(0)
    pixels = (torch.rand(20, 3, 16, 16, generator=rng) ** 3 * 255).to(torch.uint8)
    found = Dataset(DataInfo("noise", "images", (3, 16, 16), count=20, digest="0"), {"images": pixels})
    return taken_apart(degraded(found, "negative"))


def context(**roles: Translator) -> EvaluationContext:
    first = next(iter(roles.values()))
    target = NetworkTarget("x", {}, (3, 16, 16), roles=roles, translator=first)
    return EvaluationContext(target, "noise", lambda split: dataset(), torch.device("cpu"))


def values(name: str, of: EvaluationContext) -> dict[str, float]:
    (metric,) = load_metrics([name])
    return take(metric, of).values


def test_a_perfect_translator_has_no_distance_to_its_targets() -> None:
    found = values("l1-pairs", context(a2b=Negative(output="second.images")))
    assert found["mean"] == 0
    assert found["input"] > 0.3
    same = values("l1-pairs", context(a2b=Same(output="second.images")))
    assert same["mean"] == pytest.approx(same["input"])


@pytest.mark.parametrize("kind", ["fd", "kd"])
def test_a_perfect_translator_is_among_the_real_images(kind: str) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    perfect = values(f"{kind}-translated-effnet-lite0", context(a2b=Negative(output="second.images")))
    assert abs(perfect["distance"]) < 0.05 * perfect["input"]
    same = values(f"{kind}-translated-effnet-lite0", context(a2b=Same(output="second.images")))
    assert same["distance"] == pytest.approx(same["input"], rel=1e-4)


def test_the_way_back_is_measured_with_the_other_translator() -> None:
    there = Negative(input="images", output="second.images")
    back = Negative(input="second.images", output="images")
    assert values("cycle-error", context(a2b=there, b2a=back))["mean"] == pytest.approx(0, abs=1e-6)
    lossy = Same(input="second.images", output="images")
    assert values("cycle-error", context(a2b=there, b2a=lossy))["mean"] > GREY_ERROR
    with pytest.raises(UsageError, match="no translator of the other direction"):
        values("cycle-error", context(a2b=there))


def test_both_directions_of_a_run_are_measured(tmp_path: Path) -> None:
    settings = {"width": 2, "blocks": 1, "batch_size": 2, "device": "cpu", "metrics": "", "pool": 2}
    ganzoo.train("cyclegan", "shapes", out=tmp_path / "run", steps=2, **settings)
    found = ganzoo.evaluate(tmp_path / "run", ["l1-pairs@a2b", "l1-pairs@b2a", "cycle-error@b2a"])
    assert [result.about["target"]["role"] for result in found] == ["a2b", "b2a", "b2a"]
    assert all(0 < result.value < 1 for result in found)


class Blurred(Translator):
    """The negative, as a mean of neighbours."""

    def forward(self, images: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(-images, 3, 1, 1, count_include_pad=False)


def test_a_blurred_translator_is_less_sharp_and_has_fewer_colours() -> None:
    perfect, blurred, same = (
        {
            name: values(f"{name}-translated", context(a2b=kind(output="second.images")))
            for name in ("sharpness", "colours")
        }
        for kind in (Negative, Blurred, Same)
    )
    assert perfect["sharpness"]["ratio"] == pytest.approx(1)
    assert perfect["sharpness"]["difference"] == pytest.approx(0, abs=1e-6)
    assert 0.1 < blurred["sharpness"]["ratio"] < 0.6
    assert blurred["sharpness"]["difference"] == pytest.approx(1 - blurred["sharpness"]["ratio"])
    assert perfect["colours"]["overlap"] == pytest.approx(1)
    assert blurred["colours"]["overlap"] < 0.7
    assert same["colours"]["overlap"] == pytest.approx(same["colours"]["input"])
    assert same["colours"]["input"] < 0.95


def test_hues_leave_grey_out() -> None:
    perfect, same = (values("hues-translated", context(a2b=k(output="second.images"))) for k in (Negative, Same))
    assert perfect["overlap"] == pytest.approx(1)
    assert same["overlap"] == pytest.approx(same["input"])
    assert same["overlap"] < 0.9

    class Grey(Translator):
        def forward(self, images: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
            return images.mean(1, keepdim=True).expand(-1, 3, -1, -1)

    assert values("hues-translated", context(a2b=Grey(output="second.images")))["overlap"] == 0


def test_colours_are_those_of_cielab() -> None:
    colours = {(255, 0, 0): (53.24, 80.09, 67.20), (0, 0, 255): (32.30, 79.19, -107.86), (128, 128, 128): (53.59, 0, 0)}
    images = torch.tensor(list(colours), dtype=torch.uint8)[:, :, None, None]
    assert torch.allclose(lab_of(images)[:, :, 0, 0], torch.tensor(list(colours.values())), atol=0.05)


def test_a_perfect_translator_keeps_the_class_and_a_useless_one_loses_it() -> None:
    """Dark and bright pictures, of which the classes are told apart as well after a negative that was expected."""
    pytest.importorskip("efficientnet_lite_pytorch")
    rng = torch.Generator().manual_seed(1)
    labels = torch.arange(60) % 2
    pixels = (torch.rand(60, 3, 16, 16, generator=rng) * 40 + 180 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    info = DataInfo(
        "shades", "images", (3, 16, 16), ("dark", "bright"), count=60, digest="0", fields=("images", "labels")
    )
    found = degraded(Dataset(info, {"images": pixels, "labels": labels}), "negative")

    def of(network: Translator) -> dict[str, float]:
        target = NetworkTarget("x", {}, (3, 16, 16), roles={"generator": network}, translator=network)
        of_shades = EvaluationContext(target, "shades", lambda split: found, torch.device("cpu"))
        return values("labels-translated-effnet-lite0", of_shades)

    perfect, same = of(Negative()), of(Same())
    assert perfect["accuracy"] == perfect["real"] == 1
    assert same["accuracy"] == same["input"] == 0
