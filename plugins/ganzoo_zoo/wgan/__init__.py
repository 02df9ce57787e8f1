"""Wasserstein GANs: with clipped weights (arXiv:1701.07875), and with a gradient penalty (arXiv:1704.00028)."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="wgan",
            load="ganzoo_zoo.wgan.variant:WGAN",
            summary="a critic of clipped weights instead of a discriminator",
            paper="arXiv:1701.07875",
            family="first",
            models=("images", "points"),
        ),
        VariantSpec(
            name="wgan-gp",
            load="ganzoo_zoo.wgan.variant:WGANGP",
            summary="a critic whose slope is held near one by a gradient penalty",
            paper="arXiv:1704.00028",
            family="first",
            models=("images", "points"),
        ),
    ]
