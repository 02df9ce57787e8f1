"""BiGAN, arXiv:1605.09782 (and ALI, arXiv:1606.00704): a generator and an encoder that learn to undo each other."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="bigan",
            load="ganzoo_zoo.bigan.variant:BiGAN",
            summary="learns to encode images: D sees pictures beside their latents",
            paper="arXiv:1605.09782",
            family="inference",
            needs=("images",),
            metrics=("reconstruction-l1", "neighbour-accuracy", "probe-accuracy"),
        )
    ]
