"""Image-to-image translation without pairs, arXiv:1703.10593."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="cyclegan",
            load="ganzoo_zoo.cyclegan.variant:CycleGAN",
            summary="pictures of one set into another's and back, without pairs",
            paper="arXiv:1703.10593",
            family="translation",
            needs=("images", "second.images"),
        )
    ]
