"""Semi-supervised learning with a GAN whose discriminator is a classifier, arXiv:1606.03498."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="sgan",
            load="ganzoo_zoo.sgan.variant:SGAN",
            summary="semi-supervised: a classifier that needs few labels",
            paper="arXiv:1606.03498",
            family="first",
            needs=("images", "labels"),
        )
    ]
