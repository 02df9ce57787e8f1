"""anomaly-auc: the rank statistic by hand, what counts as odd, what is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import Dataset
from ganzoo.data.load import load_dataset
from ganzoo.errors import DataError
from ganzoo.metrics.base import take
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import load_metrics, network_target
from ganzoo.metrics.measures.anomalies import auc
from ganzoo.models.interfaces import Scored, Scorer


@pytest.mark.parametrize(
    ("normal", "odd", "expected"),
    [
        ([1, 2, 3], [4, 5], 1.0),
        ([4, 5], [1, 2, 3], 0.0),
        ([1, 1], [1, 1, 1], 0.5),
        ([1, 2], [2, 3], 3.5 / 4),  # (1 + 0.5) + (1 + 1)
        ([0, 1, 1, 2], [1, 2, 0], (2 + 3.5 + 0.5) / 12),
    ],
)
def test_auc_by_hand(normal: list[int], odd: list[int], expected: float) -> None:
    assert auc(torch.tensor(normal).double(), torch.tensor(odd).double()) == expected


def test_auc_counts_pairs() -> None:
    rng = torch.Generator().manual_seed(0)
    normal, odd = (torch.randint(0, 9, (n,), generator=rng).double() for n in (40, 70))
    pairs = (odd[:, None] > normal).double() + 0.5 * (odd[:, None] == normal)
    assert auc(normal, odd) == pytest.approx(float(pairs.mean()), abs=1e-15)


class Ink(Scorer):
    """Scores by brightness: a stand-in."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def compare(self, images: Tensor, scoring: Any) -> Scored:
        return Scored(self.gain * images.mean((1, 2, 3)), images)


def context(**settings: Any) -> EvaluationContext:
    config = RunConfig(variant="x", dataset="glyphs", resolution=8, **settings)

    def load(split: str) -> Dataset:
        return load_dataset("glyphs", config, split or None)

    target = network_target("ink", {}, load("").info, {"scorer": Ink()})
    return EvaluationContext(target, "glyphs", load, torch.device("cpu"))


def test_all_test_images_are_scored_and_those_of_other_classes_are_odd() -> None:
    (metric,), given = load_metrics(["anomaly-auc"]), context(only="1, 7")
    metric.prepare(given)
    found = take(metric, given)
    whole = load_dataset("glyphs", RunConfig(variant="x", dataset="glyphs", resolution=8), "test")
    assert whole.labels is not None
    normal = (whole.labels == 1) | (whole.labels == 7)
    assert found.values["normal"] == int(normal.sum())
    assert found.values["odd"] == len(normal) - int(normal.sum())
    ink = whole.source.fetch(torch.arange(len(normal))).double().mean((1, 2, 3))
    assert found.value == pytest.approx(auc(ink[normal], ink[~normal]), abs=1e-3)
    assert found.about["reference"]["splits"] == {"test": len(normal)}
    assert found.about["reference"]["digest"] == whole.info.digest


def test_scores_that_are_no_numbers_are_no_success() -> None:
    (metric,), given = load_metrics(["anomaly-auc"]), context(only="1")
    assert given.target.scorer is not None
    with torch.no_grad():
        given.target.scorer.gain.fill_(torch.nan)  # type: ignore[operator]  # Ink has it
    with pytest.raises(DataError, match=r"([\d,]+) of \1 scores are not finite"):
        metric.measure(given)


def test_training_on_all_classes_leaves_nothing_odd() -> None:
    (metric,) = load_metrics(["anomaly-auc"])
    with pytest.raises(DataError, match=r"no test image is odd. Train on some of them: -o only=CLASS"):
        metric.prepare(context())


def test_it_chooses_no_checkpoint(tmp_path: Path) -> None:
    (metric,) = load_metrics(["anomaly-auc"])
    assert not metric.spec.selects
    assert metric.spec.better == "higher"
