"""Discriminators that are autoencoders: EBGAN, arXiv:1609.03126, and BEGAN, arXiv:1703.10717."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="ebgan",
            load="ganzoo_zoo.energy.variant:EBGAN",
            summary="D is an autoencoder; generated samples are hard to encode",
            paper="arXiv:1609.03126",
            family="energy",
            needs=("images",),
        ),
        VariantSpec(
            name="began",
            load="ganzoo_zoo.energy.variant:BEGAN",
            summary="an autoencoder held in balance, with a measure of convergence",
            paper="arXiv:1703.10717",
            family="energy",
            needs=("images",),
        ),
    ]
