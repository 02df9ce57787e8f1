"""IcGAN, arXiv:1611.06355: a generator of attributes, and encoders that invert it, to edit images."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="icgan",
            load="ganzoo_zoo.icgan.variant:IcGAN",
            summary="edits images: gives a face glasses, and keeps the rest",
            paper="arXiv:1611.06355",
            family="inference",
            needs=("images", "attributes"),
            metrics=("edit-success",),
        )
    ]
