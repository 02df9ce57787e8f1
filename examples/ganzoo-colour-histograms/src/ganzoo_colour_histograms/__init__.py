"""A feature extractor that needs no weights, and the Frechet distance on its features."""

from collections.abc import Iterable

from ganzoo.plugin import ExtractorSpec, MetricSpec, hookimpl


@hookimpl
def ganzoo_extractors() -> Iterable[ExtractorSpec]:
    return [
        ExtractorSpec(
            name="colour-histograms",
            load="ganzoo_colour_histograms.extractor:load",
            summary="how often each of 64 colours is in an image",
        )
    ]


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return [
        MetricSpec(
            name="fd-colour-histograms-2k",
            load="ganzoo.plugin:FrechetDistance",
            extractor="colour-histograms",
            count=2_000,
            summary="Frechet distance of the colours of 2,000 samples to the training split; not FID",
        )
    ]
