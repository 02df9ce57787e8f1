"""What this plugin offers ganzoo. Imported by every `ganzoo list`, so nothing heavy here: no torch, no networks."""

from collections.abc import Iterable

from ganzoo.plugin import LossSpec, VariantSpec, hookimpl


@hookimpl
def ganzoo_losses() -> Iterable[LossSpec]:
    return [
        LossSpec(
            name="relativistic",
            load="ganzoo_relativistic.loss:Relativistic",
            summary="each real sample is to look more real than the fake one beside it (RpGAN)",
            paper="arXiv:1807.00734",
        )
    ]


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="rpgan",
            load="ganzoo_relativistic.variant:RpGAN",
            summary="convolutional networks trained by the relativistic pairing loss",
            paper="arXiv:1807.00734",
        )
    ]
