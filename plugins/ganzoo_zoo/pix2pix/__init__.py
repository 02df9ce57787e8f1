"""Image-to-image translation with pairs, arXiv:1611.07004."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="pix2pix",
            load="ganzoo_zoo.pix2pix.variant:Pix2Pix",
            summary="turns pictures into pictures, learned from pairs",
            paper="arXiv:1611.07004",
            family="translation",
            needs=("images", "target"),
            metrics=("l1-pairs", "psnr-pairs", "ssim-pairs"),
        )
    ]
