"""Semi-supervised learning with a GAN whose discriminator is a classifier, arXiv:1606.03498."""

from collections.abc import Iterable

from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.specs import VariantSpec


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
