"""Two spirals: a data set, the share of samples on them as a metric, and a suite that trains on them."""

from collections.abc import Iterable
from pathlib import Path

from ganzoo.plugin import DatasetSpec, MetricSpec, SuiteSpec, hookimpl

SUITE = Path(__file__).with_name("spirals.toml")


@hookimpl
def ganzoo_datasets() -> Iterable[DatasetSpec]:
    return [
        DatasetSpec(
            name="spirals",
            load="ganzoo_spirals.data:load",
            summary="two spirals, 20,000 points",
            samples="points",
            shape=(2,),
            splits=("train", "test"),
            licence="drawn by the plugin itself",
        )
    ]


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return [
        MetricSpec(
            name="on-spirals-1k",
            load="ganzoo_spirals.metric:OnSpirals",
            summary="share of 1,000 samples that lie on one of the two spirals",
            of="points",
            count=1_000,
            better="higher",
            beside=("balance",),
        )
    ]


@hookimpl
def ganzoo_suites() -> Iterable[SuiteSpec]:
    return [SuiteSpec(name="spirals", load="ganzoo_spirals:SUITE", summary="two variants on two spirals")]
