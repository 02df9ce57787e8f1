"""Filling holes in pictures, arXiv:1604.07379."""

from collections.abc import Iterable

from ganzoo.plugin import MetricSpec, VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="inpainting",
            load="ganzoo_zoo.inpainting.variant:Inpainting",
            summary="fills holes in pictures with what could have been there",
            paper="arXiv:1604.07379",
            family="translation",
            metrics=("psnr-hole",),
        )
    ]


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return [
        MetricSpec(
            name="psnr-hole",
            load="ganzoo_zoo.inpainting.metric:HolePSNR",
            of="translator",
            unit="dB",
            better="higher",
            selects=False,
            beside=("grey",),
            summary="of what is painted into a hole in the middle; test images, or those trained on; beside plain grey",
        )
    ]
