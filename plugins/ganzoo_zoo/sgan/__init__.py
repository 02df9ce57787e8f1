"""GANs whose discriminator is a classifier: the semi-supervised GAN, arXiv:1606.03498, and CatGAN, arXiv:1511.06390."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="sgan",
            load="ganzoo_zoo.sgan.variant:SGAN",
            summary="semi-supervised: a classifier that needs few labels",
            paper="arXiv:1606.03498",
            family="first",
            needs=("images", "labels"),
            metrics=("test-accuracy",),
        ),
        VariantSpec(
            name="catgan",
            load="ganzoo_zoo.sgan.catgan:CatGAN",
            summary="a classifier with few labels or none: D is sure of real images only",
            paper="arXiv:1511.06390",
            family="first",
            needs=("images",),
            metrics=("test-accuracy", "cluster-error"),
        ),
    ]
