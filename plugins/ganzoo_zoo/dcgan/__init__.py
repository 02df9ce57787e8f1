"""Deep convolutional GAN, arXiv:1511.06434."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="dcgan",
            load="ganzoo_zoo.dcgan.variant:DCGAN",
            summary="convolutional networks for square images of any size",
            paper="arXiv:1511.06434",
            family="first",
        )
    ]
