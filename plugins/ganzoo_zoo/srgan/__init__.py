"""Super-resolution by a GAN, arXiv:1609.04802; its first phase alone is SRResNet."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="srgan",
            load="ganzoo_zoo.srgan.variant:SRGAN",
            summary="enlarges images: SRResNet, then a GAN that sharpens",
            paper="arXiv:1609.04802",
            family="first",
        )
    ]
