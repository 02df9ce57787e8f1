"""SNGAN, arXiv:1802.05957, and its conditional form, the projection discriminator, arXiv:1802.05637."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="sngan",
            load="ganzoo_zoo.sngan.variant:SNGAN",
            summary="spectral normalisation: a fast baseline that stays stable",
            paper="arXiv:1802.05957",
            family="residual",
            needs=("images",),
        ),
        VariantSpec(
            name="projection",
            load="ganzoo_zoo.sngan.variant:Projection",
            summary="draws the class you ask for: D projects on its embedding",
            paper="arXiv:1802.05637",
            family="residual",
            needs=("images", "labels"),
        ),
    ]
