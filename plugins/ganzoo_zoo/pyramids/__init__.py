"""From coarse to fine: ProGAN, arXiv:1710.10196, and LAPGAN, arXiv:1506.05751."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="progan",
            load="ganzoo_zoo.pyramids.progan:ProGAN",
            summary="networks that grow: small pictures first, then larger ones",
            paper="arXiv:1710.10196",
            family="pyramids",
            needs=("images",),
        ),
        VariantSpec(
            name="lapgan",
            load="ganzoo_zoo.pyramids.lapgan:LAPGAN",
            summary="a small picture, and at each size a GAN for the details",
            paper="arXiv:1506.05751",
            family="pyramids",
            needs=("images",),
        ),
    ]
