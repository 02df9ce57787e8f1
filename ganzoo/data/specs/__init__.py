"""The data sets that come with ganzoo, as specs. Standard library only: ``ganzoo list datasets`` reads this."""

from ganzoo.data.specs import drawn, folders, packages, published
from ganzoo.registry.specs import DatasetSpec

DATASETS: tuple[DatasetSpec, ...] = (*drawn.DATASETS, *packages.DATASETS, *published.DATASETS, *folders.DATASETS)

_BY_NAME = {spec.name: spec for spec in DATASETS}


def own_spec(name: str) -> DatasetSpec:
    """The spec of a data set that comes with ganzoo; for its own loaders, which cannot look into the registry."""
    return _BY_NAME[name]
