"""AC-GAN, arXiv:1610.09585: the discriminator also guesses the class."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="acgan",
            load="ganzoo_zoo.acgan.variant:ACGAN",
            summary="draws the class you ask for: D also guesses the class",
            paper="arXiv:1610.09585",
            family="residual",
            needs=("images", "labels"),
        )
    ]
