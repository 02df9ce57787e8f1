"""StyleGAN2, arXiv:1912.04958, in plain PyTorch."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="stylegan2",
            load="ganzoo_zoo.stylegan2.variant:StyleGAN2",
            summary="styles at every resolution: mixing, truncation, smooth walks",
            paper="arXiv:1912.04958",
            family="modern",
            needs=("images",),
        )
    ]
