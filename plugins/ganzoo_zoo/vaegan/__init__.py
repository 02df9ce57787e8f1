"""VAE/GAN, arXiv:1512.09300: an autoencoder whose measure of likeness is learned by a discriminator."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="vaegan",
            load="ganzoo_zoo.vaegan.variant:VAEGAN",
            summary="an autoencoder that is sharp: D's features say how alike images are",
            paper="arXiv:1512.09300",
            family="inference",
            needs=("images",),
            metrics=("reconstruction-l1", "neighbour-accuracy", "probe-accuracy"),
        )
    ]
