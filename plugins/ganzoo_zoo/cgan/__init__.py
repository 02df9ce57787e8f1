"""Conditional GAN, arXiv:1411.1784: labels to both networks."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="cgan",
            load="ganzoo_zoo.cgan.variant:CGAN",
            summary="draws the class you ask for: labels go to both networks",
            paper="arXiv:1411.1784",
            family="first",
            needs=("images", "labels"),
        )
    ]
