"""R3GAN, arXiv:2501.05441: a relativistic loss with two penalties, and a residual D without normalisation."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="r3gan",
            load="ganzoo_zoo.r3gan.variant:R3GAN",
            summary="a modern baseline: relativistic pairs, R1 and R2",
            paper="arXiv:2501.05441",
            family="modern",
            needs=("images",),
        )
    ]
