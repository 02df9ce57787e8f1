"""Data sets by the names that users type."""

import dataclasses
from typing import Any

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.degrade import degraded
from ganzoo.data.progress import Progress, silent
from ganzoo.data.store import data_root
from ganzoo.errors import SplitMissingError
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import DatasetSpec


def dataset_spec(name: str, degrade: str = "none") -> DatasetSpec:
    """The spec behind a data set as typed (``mnist``, ``folder:PATH``); degraded images are pairs."""
    spec = registry().datasets.spec(name.partition(":")[0])
    if degrade == "none" or "target" in spec.provides or spec.samples != "images":
        return spec
    return dataclasses.replace(spec, provides=(*spec.provides, "target"))


def second_spec(config: RunConfig) -> DatasetSpec | None:
    """The spec of the second set of a run, if it names one."""
    return dataset_spec(config.second) if config.second else None


def load_dataset(
    name: str, config: RunConfig, split: str | None = None, progress: Progress = silent, **request: Any
) -> Dataset:
    """A split of a data set (by default the one that is trained on), as the run's settings want it.

    With ``second`` in the settings, that set comes with it: its split of the same name, or the one it is trained on.

    Args:
        request: more fields of the :class:`ganzoo.data.base.DataRequest`.

    Raises:
        SplitMissingError: no such split.
        DataError: missing, damaged or unsuitable files.
        UsageError: an unknown data set, or one that takes no argument.
    """
    if not config.second:
        return load_one(name, config, split, progress, **request)
    request = {"memory": DataRequest.memory // 2, **request}  # the two sets share what there is
    found = load_one(name, config, split, progress, **request)
    there = split in dataset_spec(config.second).splits
    config = dataclasses.replace(config, labels_from="", degrade="none")  # they are of the first set
    try:
        second = load_one(config.second, config, split if there else None, progress, **request)
    except SplitMissingError:  # of a folder only its files can tell
        second = load_one(config.second, config, None, progress, **request)
    return Dataset(found.info, found.fields, second)


def load_one(name: str, config: RunConfig, split: str | None, progress: Progress, **request: Any) -> Dataset:
    """As :func:`load_dataset`, without a second set."""
    base, _, argument = name.partition(":")
    spec = registry().datasets.spec(base)
    if split is not None and split not in spec.splits:
        # The spec is asked, not the loader: one that knows no splits would hand out the training data again.
        raise SplitMissingError(f"data set {base!r} has no split {split!r}: it has {', '.join(spec.splits)}.")
    wanted = DataRequest(
        name=base,
        root=data_root(),
        argument=argument,
        split=split or spec.splits[0],
        resolution=config.resolution,
        channels=config.channels,
        seed=0,  # drawn data is the same whatever the training's seed, so that seeds can be compared
        progress=progress,
    )
    if spec.argument == "path":  # of a set that is read from the user's files
        wanted = dataclasses.replace(wanted, background=config.background, levels=config.levels)
    if "attributes" in spec.may_provide:
        wanted = dataclasses.replace(wanted, labels_from=config.labels_from)
    loaded: Dataset = registry().datasets.load(base)(dataclasses.replace(wanted, **request))
    return loaded if config.degrade == "none" else degraded(loaded, config.degrade)
