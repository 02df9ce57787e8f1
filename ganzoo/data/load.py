"""Data sets by the names that users type, with all their classes or some of them."""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import KEPT, DataRequest, Dataset, MemorySource, Source
from ganzoo.data.derived.chosen import Chosen
from ganzoo.data.derived.colours import by_colours
from ganzoo.data.derived.degrade import degraded
from ganzoo.data.progress import Progress, silent
from ganzoo.data.sampler import derived_seed
from ganzoo.data.specs.packages import COLOUR_CLASSES
from ganzoo.data.store import data_root
from ganzoo.errors import ConfigError, DataError, SplitMissingError, UnknownNameError
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import DatasetSpec


def dataset_spec(name: str, degrade: str = "none", classes: str = "given") -> DatasetSpec:
    """The spec behind a data set as typed (``mnist``, ``folder:PATH``), as two settings make it: degraded images are
    pairs, and colours are classes."""
    spec = registry().datasets.spec(name.partition(":")[0])
    if classes == "colours" and spec.samples == "images":
        others = tuple(field for field in spec.may_provide if field != "labels")
        spec = dataclasses.replace(spec, classes=COLOUR_CLASSES, may_provide=others)
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
    # They are of the first set.
    config = dataclasses.replace(
        config, labels_from="", degrade="none", classes="given", only="", without="", limit=None, limit_seed=0
    )
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
        length=config.length,
        sample_rate=config.sample_rate,
        seed=0,  # drawn data is the same whatever the training's seed, so that seeds can be compared
        progress=progress,
    )
    refuse_wave_settings(spec, config)
    if spec.argument == "path":  # of a set that is read from the user's files
        wanted = dataclasses.replace(wanted, background=config.background, levels=config.levels)
    if "attributes" in spec.may_provide:
        wanted = dataclasses.replace(wanted, labels_from=config.labels_from)
    loaded: Dataset = registry().datasets.load(base)(dataclasses.replace(wanted, **request))
    if config.classes == "colours":
        loaded = by_colours(loaded, progress)
    refuse_other_waves(loaded, config)
    if config.only or config.without:
        loaded = kept_classes(loaded, config)
    if config.limit is not None and wanted.split == spec.splits[0]:
        loaded = limited(loaded, config.limit, config.limit_seed)
    return loaded if config.degrade == "none" else degraded(loaded, config.degrade)


def refuse_wave_settings(spec: DatasetSpec, config: RunConfig) -> None:
    """Raise ConfigError for a length or sample rate of samples that are no waves."""
    for key in ("length", "sample_rate"):
        if spec.samples != "waves" and (value := getattr(config, key)) is not None:
            raise ConfigError(f"{key} = {value} is for waves, not for the {spec.samples} of data set {spec.name!r}.")


def refuse_other_waves(dataset: Dataset, config: RunConfig) -> None:
    """Raise ConfigError for waves that have another length or sample rate than is asked for: not every set can."""
    info = dataset.info
    for key, asked, there in (
        ("length", config.length, info.shape[-1]),
        ("sample_rate", config.sample_rate, info.extra.get("sample_rate")),
    ):
        if asked not in (None, there):
            raise ConfigError(f"{key} = {asked}: data set {info.name!r} comes with {there} only; leave it out.")


# Classes that are kept or left out


def chosen_classes(name: str, classes: Sequence[str] | None, config: RunConfig) -> list[int]:
    """Numbers of the classes that ``only`` or ``without`` leave, in the order of the data set.

    Args:
        name: of the data set, for messages.
        classes: names of all its classes.

    Raises:
        UnknownNameError: a class that it does not have.
        ConfigError: it has no classes, or none is left.
    """
    key, text = ("only", config.only) if config.only else ("without", config.without)
    if not classes:
        raise ConfigError(f"{key} = {text!r}: data set {name!r} has no classes.")
    # A single name may hold a comma.
    named = [text] if text in classes else [part.strip() for part in text.split(",") if part.strip()]
    if unknown := [part for part in named if part not in classes]:
        raise UnknownNameError(f"class of {name}", unknown[0], classes)
    found = [k for k, each in enumerate(classes) if (each in named) == (key == "only")]
    if not found or not named:
        raise ConfigError(f"{key} = {text!r} {'leaves no class' if named else 'names no class'} of {name!r}.")
    return found


def kept_classes(dataset: Dataset, config: RunConfig) -> Dataset:
    """The samples of the classes that ``only`` or ``without`` leave, which are numbered from 0 on.

    ``info.extra["kept"]`` has the numbers that they had before; :attr:`Dataset.whole` is the set with all classes.

    Raises:
        UnknownNameError, ConfigError: as :func:`chosen_classes`.
        DataError: the split has no such sample.
    """
    info, labels = dataset.info, dataset.labels
    kept = chosen_classes(info.name, info.classes if labels is not None else (), config)
    assert labels is not None, "chosen_classes() refuses a set without classes"
    numbers = torch.full((len(info.classes),), -1)
    numbers[kept] = torch.arange(len(kept))
    renumbered = numbers[labels.cpu()]
    indices = (renumbered >= 0).nonzero().flatten()
    names = tuple(info.classes[k] for k in kept)
    if not len(indices):
        raise DataError(f"data set {info.name!r} has no {info.split} sample of class {', '.join(names)}.")
    # What was loaded is known by its digest, and the numbers say what is kept of it.
    checksum = hashlib.sha256(f"{info.digest} kept {kept}".encode()).hexdigest()
    info = dataclasses.replace(
        info, classes=names, count=len(indices), digest=checksum, extra={**info.extra, KEPT: kept}
    )
    fields = {name: picked(values, indices) for name, values in dataset.fields.items()}
    return Dataset(info, {**fields, "labels": renumbered[indices]}, whole=dataset)


def limited(dataset: Dataset, limit: int, seed: int) -> Dataset:
    """``limit`` samples of a data set, one of each class in turn as long as it has some; ``seed`` picks them.

    Raises:
        ConfigError: it has fewer.
    """
    info, count = dataset.info, len(dataset.source)
    if limit > count:
        raise ConfigError(f"limit = {limit:,}: data set {info.name!r} has {count:,} {info.split} samples.")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(derived_seed("limit", seed)))
    if dataset.labels is not None:
        labels, turn = dataset.labels.cpu()[order], torch.empty(count, dtype=torch.int64)
        for k in labels.unique():
            turn[labels == k] = torch.arange(int((labels == k).sum()))
        order = order[turn.argsort(stable=True)]
    indices = order[:limit].sort().values
    checksum = hashlib.sha256(f"{info.digest} limit {indices.tolist()}".encode()).hexdigest()
    info = dataclasses.replace(info, count=limit, digest=checksum)
    return Dataset(info, {name: picked(values, indices) for name, values in dataset.fields.items()})


def picked(values: Source | Tensor, indices: Tensor) -> Source | Tensor:
    """Some values of a field; of those in memory a copy, so that a GPU need not hold the others."""
    if isinstance(values, Tensor):
        return values[indices]
    return MemorySource(values.fetch(indices)) if isinstance(values, MemorySource) else Chosen(values, indices)
