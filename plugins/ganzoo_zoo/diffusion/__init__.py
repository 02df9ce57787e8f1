"""Diffusion-GAN, arXiv:2206.02262."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="diffusion-gan",
            load="ganzoo_zoo.diffusion.variant:DiffusionGAN",
            summary="D sees samples with noise, as much as keeps it unsure",
            paper="arXiv:2206.02262",
            family="modern",
            needs=("images",),
        )
    ]
