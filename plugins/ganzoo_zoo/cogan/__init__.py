"""Coupled GANs, arXiv:1606.07536."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="cogan",
            load="ganzoo_zoo.cogan.variant:CoGAN",
            summary="draws pairs of pictures that belong together, without pairs",
            paper="arXiv:1606.07536",
            family="translation",
            needs=("images", "second.images"),
        )
    ]
