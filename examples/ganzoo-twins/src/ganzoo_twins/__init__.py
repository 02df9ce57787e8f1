"""A variant with two generators: a mixture, after MGAN (arXiv:1708.02556)."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="twins",
            load="ganzoo_twins.variant:Twins",
            summary="two generators that share the modes among them",
            paper="arXiv:1708.02556",
            models=("images", "points"),
        )
    ]
