"""Whether samples have the colour that was asked for."""

import pytest
import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, Dataset, to_uint8
from ganzoo.errors import UsageError
from ganzoo.metrics.base import take
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measures.colours import ColourAccuracy
from ganzoo.metrics.targets import NetworkTarget
from ganzoo.models.interfaces import Generator
from ganzoo.registry.specs import MetricSpec

METRIC = MetricSpec(name="small", load="a:b", summary="", count=1_000)


class Painter(Generator):
    """Paints each sample in the colour that it is asked for, or in the next one."""

    def __init__(self, wrong: bool = False) -> None:
        super().__init__(2, len(PAINTS))
        self.scale, self.wrong = torch.nn.Parameter(torch.ones(())), wrong

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        assert labels is not None
        canvas = torch.ones(len(labels), 3, 8, 8)
        inks = torch.tensor(list(PAINTS.values()))[(labels + self.wrong) % len(PAINTS)] / 127.5 - 1
        canvas[:, :, 2:6, 2:6] = inks[:, :, None, None]
        return canvas * self.scale


PAINTS = {"blue": (20, 40, 220), "green": (20, 160, 40), "red": (220, 20, 30)}


def painted(split: str = "") -> Dataset:
    labels = torch.arange(1_000) % len(PAINTS)
    images = to_uint8(Painter()(torch.zeros(1_000, 2), labels))
    info = DataInfo("paints", "images", (3, 8, 8), classes=tuple(PAINTS), count=1_000, digest="paints")
    return Dataset(info, {"images": images, "labels": labels})


@pytest.mark.parametrize("wrong", [False, True])
def test_samples_have_the_colour_that_was_asked_for_or_not(wrong: bool) -> None:
    target = NetworkTarget("painter", {"kind": "test"}, (3, 8, 8), generator=Painter(wrong))
    found = take(ColourAccuracy(METRIC), EvaluationContext(target, "paints", painted, torch.device("cpu"))).values
    assert found == {"accuracy": 1 - wrong, "of the worst class": 1 - wrong, "real": 1}


def test_classes_that_are_no_colours_are_refused() -> None:
    def numbered(split: str = "") -> Dataset:
        found = painted()
        info = DataInfo("digits", "images", (3, 8, 8), classes=("0", "1", "2"), count=1_000, digest="digits")
        return Dataset(info, found.fields)

    target = NetworkTarget("painter", {"kind": "test"}, (3, 8, 8), generator=Painter())
    with pytest.raises(UsageError, match="'0', a class of 'digits', is not a colour"):
        ColourAccuracy(METRIC).prepare(EvaluationContext(target, "digits", numbered, torch.device("cpu")))
