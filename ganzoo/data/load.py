"""Data sets by the names that users type."""

import dataclasses
from typing import Any

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.progress import Progress, silent
from ganzoo.data.store import data_root
from ganzoo.errors import DataError
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import DatasetSpec


def dataset_spec(name: str) -> DatasetSpec:
    """The spec behind a data set as typed (``mnist``, ``folder:PATH``)."""
    return registry().datasets.spec(name.partition(":")[0])


def load_dataset(
    name: str, config: RunConfig, split: str | None = None, progress: Progress = silent, **wanted: Any
) -> Dataset:
    """A split of a data set (by default the one that is trained on), as the run's settings want it.

    ``wanted`` are more fields of the :class:`ganzoo.data.base.DataRequest`.

    Raises:
        DataError: missing, damaged or unfit files.
        UsageError: an unknown data set, or one that takes no argument.
    """
    base, _, argument = name.partition(":")
    spec = registry().datasets.spec(base)
    if split is not None and split not in spec.splits:
        # The spec is asked, not the loader: one that knows no splits would hand out the training data again.
        raise DataError(f"data set {base!r} has no split {split!r}: it has {', '.join(spec.splits)}.")
    request = DataRequest(
        name=base,
        root=data_root(),
        argument=argument,
        split=split or spec.splits[0],
        resolution=config.resolution,
        channels=config.channels,
        seed=0,  # drawn data is the same whatever the training's seed, so that seeds can be compared
        progress=progress,
    )
    loaded: Dataset = registry().datasets.load(base)(dataclasses.replace(request, **wanted))
    return loaded
