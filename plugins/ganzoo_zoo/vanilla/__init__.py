"""The GAN of arXiv:1406.2661: two fully connected networks, for small images and for points."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="vanilla",
            load="ganzoo_zoo.vanilla.variant:Vanilla",
            summary="the first GAN: fully connected networks",
            paper="arXiv:1406.2661",
            family="first",
            models=("images", "points"),
        )
    ]
