"""Every registered metric, whoever provides it: it loads, and its name says how many samples it takes."""

import re

import pytest

from ganzoo.metrics.base import Metric
from ganzoo.metrics.feature_classifier import shipped
from ganzoo.metrics.measure import load_metrics
from ganzoo.metrics.specs import CLASSIFIED
from ganzoo.registry.registry import registry


@pytest.mark.parametrize("name", list(registry().metrics))
def test_a_metric_loads_and_its_name_is_its_protocol(name: str) -> None:
    (metric,) = load_metrics([name])
    assert isinstance(metric, Metric)
    assert type(metric).measure is not Metric.measure
    assert type(metric).__doc__
    spec = metric.spec
    number = re.search(r"-(\d+)(k?)$", name)
    said = int(number[1]) * (1000 if number[2] else 1) if number else 0
    assert spec.count == said
    if name.startswith(("fid", "is-", "kid")):
        assert spec.extractor == "inception", "these names are Inception's alone"
    if spec.extractor in CLASSIFIED:
        assert f"-{spec.extractor}-" in name, "features of a data set's own carry its name"


def test_every_recogniser_that_metrics_name_is_shipped() -> None:
    assert set(CLASSIFIED) == set(shipped())
