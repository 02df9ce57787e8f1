"""A training made ready and run: settings resolved, names looked up, data loaded, all checked before it is begun."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.config.fields import TABLES, full_path, with_full_paths
from ganzoo.config.files import read_toml, to_plain
from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import Dataset
from ganzoo.data.load import dataset_spec, load_dataset
from ganzoo.data.progress import Progress, silent
from ganzoo.errors import (
    ConfigError,
    DataError,
    RunError,
    UsageError,
)
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import listed
from ganzoo.models.load import load_variant, make_loss
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import DatasetSpec, VariantSpec
from ganzoo.runs.run import latest_checkpoint, refuse_existing
from ganzoo.runtime.device import choose_device
from ganzoo.runtime.processes import launched
from ganzoo.runtime.tensor_files import read_header
from ganzoo.training.checks import check as check_tricks
from ganzoo.training.checks import check_arithmetic
from ganzoo.training.evaluation import PeriodicEvaluation, training_context
from ganzoo.training.parallel import check as check_ranks
from ganzoo.training.parallel import refuse_other_ranks
from ganzoo.training.session import TrainingSession

EMBEDDED = "glyphs"
"""The data set trained on when none is named: it needs no download."""
CHANGEABLE = (
    "steps", "device", "log_every", "sample_every", "evaluate_every", "metrics", "metric_every", "checkpoint_every",
    "keep", "diagnostics",
)  # fmt: skip
"""Settings that may differ when a run is resumed: how long it trains and what it writes, not what it computes."""
LABELLED = ("labelled", "semi")
"""Kinds of data that a set without class labels cannot be."""


def prepare(
    variant: str | None = None,
    dataset: str | None = None,
    *,
    out: str | Path | None = None,
    config: str | Path | None = None,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> TrainingSession:
    """Check everything that a training needs, load its data, and write nothing.

    Args:
        variant: name of the variant; may be left out with ``config`` or ``resume``.
        dataset: name of the data set, or ``folder:PATH``.
        out: run directory; default ``runs/VARIANT-DATASET-sSEED``.
        config: a TOML file of settings, for example another run's ``config.toml``.
        resume: continue the run in ``out``.
        settings: settings as values, by key: a run's or the variant's own.
        texts: settings as text, as ``-o key=value`` gives them.
        progress: told about long preparations of the data.

    Raises:
        UsageError: an unknown name, key or value; settings that contradict each other.
        DataError: the data is missing, damaged, or unfit for the variant.
        RunError: ``out`` exists already, or cannot be written.
    """
    given = {key: value for key, value in {"dataset": dataset, **(settings or {})}.items() if value is not None}
    if "variant" in given:
        raise UsageError(f"variant = {given['variant']!r} is no setting: name the variant as the first argument.")
    target = Path(out) if out is not None else None
    saved: dict[str, Any] = {}
    if resume:
        target = target or _default_target(variant, given, texts)
        saved = _saved_settings(target)
    elif config is not None:
        saved = read_toml(Path(config))
    variant = _one_variant(variant, saved)
    variant_class = load_variant(variant)
    layers = [{"dataset": EMBEDDED, **variant_class.defaults}, saved, given]
    resolved = _absolute(resolve(variant, variant_class.Options, *layers, texts=texts))
    target = target or default_out(resolved)
    if resume:
        header = read_header(latest_checkpoint(target))
        _refuse_changes(header, resolved)
        refuse_other_ranks(header, resolved, target, launched())
    device = choose_device(resolved.device)
    check_arithmetic(resolved, device)
    check_ranks(resolved, device, launched())
    spec = registry().variants.spec(variant)
    _check_fit(spec, dataset_spec(resolved.dataset), resolved)
    loss = make_loss(variant_class, resolved)
    if not resume:
        refuse_existing(target)
    wanted = variant_class.data_request(resolved)
    loaded = load_dataset(resolved.dataset, resolved, progress=progress, **wanted)
    if spec.data in LABELLED and loaded.labels is None:
        raise DataError(
            f"variant {variant!r} needs class labels and {resolved.dataset!r} has none: "
            "put the images of each class in a subfolder of its own."
        )
    made = variant_class(resolved, loaded.info, loss)
    check_tricks(made, dict(variant_class.unsupported))

    def load(name: str, split: str) -> Dataset | None:
        name = name or resolved.dataset
        there = split in dataset_spec(name).splits
        return load_dataset(name, resolved, split, progress, **wanted) if there else None

    made.prepare(loaded, load)

    def split_of(split: str) -> Dataset:
        trained = split in ("", loaded.info.split)
        return loaded if trained else load_dataset(resolved.dataset, resolved, split, progress, **wanted)

    def context() -> EvaluationContext:  # it builds networks only to look at them: for those who ask for metrics
        return training_context(made, split_of, device, progress)

    evaluation = PeriodicEvaluation(made, context()) if wanted_metrics(resolved) else None
    return TrainingSession(resolved, target, loaded, made, device, context, resume, evaluation)


def wanted_metrics(config: RunConfig) -> list[str]:
    """The metrics that a run asks for.

    Raises:
        ConfigError: text without a name in it.
    """
    found = listed(config.metrics)
    if config.metrics and not found:
        raise ConfigError(f"metrics = {config.metrics!r} names no metric: 'ganzoo list metrics' shows all.")
    return found


def default_out(config: RunConfig) -> Path:
    """``runs/VARIANT-DATASET-sSEED``; of a folder only its last name."""
    base, _, argument = config.dataset.partition(":")
    return Path("runs") / f"{config.variant}-{Path(argument).name if argument else base}-s{config.seed}"


def _one_variant(variant: str | None, saved: Mapping[str, Any]) -> str:
    """The variant that was named, or that of a file of settings; both must agree."""
    found = saved.get("variant", variant)
    if found is None:
        raise UsageError("no variant named; 'ganzoo list' shows all.")
    if not isinstance(found, str):
        raise ConfigError(f"variant = {found!r} is not a text.")
    if variant not in (None, found):
        raise UsageError(f"the settings are of variant {found!r}, not {variant!r}.")
    return found


def _default_target(variant: str | None, given: Mapping[str, Any], texts: Mapping[str, str] | None) -> Path:
    """Where a run with these settings lies when ``--out`` is not given."""
    if variant is None:
        raise UsageError("--resume needs the run directory: add --out DIR.")
    variant_class = load_variant(variant)
    layers = [{"dataset": EMBEDDED, **variant_class.defaults}, given]
    return default_out(_absolute(resolve(variant, variant_class.Options, *layers, texts=texts)))


def _saved_settings(folder: Path) -> dict[str, Any]:
    if not (folder / "config.toml").is_file():
        raise RunError(f"{folder} is no run directory: there is nothing to resume.")
    return read_toml(folder / "config.toml")


def _refuse_changes(header: Mapping[str, Any], new: RunConfig) -> None:
    """Compare settings with those that a checkpoint was trained with, wherever the difference was written.

    The path of a folder may change: whether it holds the same images is checked by their content.
    """

    def flat(plain: Mapping[str, Any]) -> dict[str, Any]:
        table = {**plain, "dataset": str(plain.get("dataset", "")).partition(":")[0]}
        tables = {key: value for name in TABLES for key, value in plain.get(name, {}).items()}
        return {**{k: v for k, v in table.items() if k not in TABLES}, **tables}

    saved = header.get("config", {})
    if saved.get("variant") != new.variant:
        return  # the checkpoint is of another variant, and loading it says so
    # Resolved, because a checkpoint from before a setting existed was trained with its default.
    before, after = flat(to_plain(_absolute(resolve(new.variant, type(new.options), saved)))), flat(to_plain(new))
    for key in sorted(before.keys() | after.keys()):
        if key not in CHANGEABLE and before.get(key) != after.get(key):
            raise ConfigError(
                f"{key} = {after.get(key)!r} contradicts the run to resume, which has {before.get(key)!r}. "
                f"Only {', '.join(CHANGEABLE)} may change."
            )


def _absolute(config: RunConfig) -> RunConfig:
    """A relative path means another folder elsewhere; ``config.toml`` must not."""
    config = dataclasses.replace(config, options=with_full_paths(config.options))
    base, colon, argument = config.dataset.partition(":")
    if not argument or dataset_spec(base).classes is not None:  # classes None: data that is known when it is seen
        return config
    return dataclasses.replace(config, dataset=f"{base}{colon}{full_path(argument)}")


def _check_fit(variant: VariantSpec, dataset: DatasetSpec, config: RunConfig) -> None:
    """What can be told from the specs alone, before any data is read."""
    if dataset.sample not in variant.accepts:
        raise UsageError(
            f"variant {variant.name!r} models {' and '.join(variant.accepts)}; data set {dataset.name!r} has "
            f"{dataset.sample}."
        )
    if variant.data in LABELLED and dataset.classes == ():
        sets = registry().datasets
        labelled = [n for n in sets if not sets.conflict(n) and sets.spec(n).classes != ()]
        raise UsageError(
            f"variant {variant.name!r} needs class labels and data set {dataset.name!r} has none; "
            f"labelled: {', '.join(labelled)}."
        )
    if dataset.sample == "points" and (config.resolution or config.channels):
        raise ConfigError(f"resolution and channels say nothing about the points of data set {dataset.name!r}.")
