"""AC-GAN, arXiv:1610.09585: the discriminator also guesses the class. LoGAN, arXiv:1810.10395: by their colours."""

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
        ),
        VariantSpec(
            name="logan",
            load="ganzoo_zoo.acgan.logan:LoGAN",
            summary="draws logos of the colour you ask for",
            paper="arXiv:1810.10395",
            family="logos",
            needs=("images", "labels"),
            metrics=("colour-accuracy-2k",),
        ),
    ]
