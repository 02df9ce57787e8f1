"""C-RNN-GAN, arXiv:1611.09904: tunes, note by note."""

from collections.abc import Iterable

from ganzoo.plugin import MetricSpec, VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="crnngan",
            load="ganzoo_zoo.crnngan.variant:CRNNGAN",
            summary="writes tunes note by note; an LSTM reads them both ways",
            paper="arXiv:1611.09904",
            family="sequences",
            models=("sequences",),
            metrics=("tunes-1k",),
        )
    ]


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return [
        MetricSpec(
            name="tunes-1k",
            load="ganzoo_zoo.crnngan.metric:TuneStatistics",
            of="sequences",
            count=1_000,
            beside=("scale", "repetitions"),
            summary="how far polyphony, scale, repetitions and span of 1,000 tunes are from those of real ones; 0 to 1",
            paper="arXiv:1611.09904, sec. 4.2",
        )
    ]
