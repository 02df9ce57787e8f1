"""A training made ready, in four steps: resolve the settings, check them, load the data, build the session."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.config.fields import TABLES, full_path, with_full_paths
from ganzoo.config.files import read_toml, to_plain
from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import Dataset
from ganzoo.data.load import chosen_classes, dataset_spec, refuse_wave_settings, second_spec
from ganzoo.data.needs import check_fields, check_needs, usual_dataset
from ganzoo.data.progress import Progress, silent
from ganzoo.data.resize import refuse_sizes
from ganzoo.errors import (
    ConfigError,
    RunError,
    SplitMissingError,
    UsageError,
)
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import divided
from ganzoo.metrics.requests import VERSUS, MetricRequest, requests_in
from ganzoo.models.load import (
    load_as_trained,
    load_variant,
    make_loss,
    preset_of,
    usual_settings,
    without_limit,
)
from ganzoo.models.variant import Variant
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import DatasetSpec
from ganzoo.runs.checkpoint import newest_sound
from ganzoo.runs.run import kept_checkpoints, refuse_existing
from ganzoo.runs.shipped import is_shipped
from ganzoo.runs.transfer import check_origin
from ganzoo.runtime.device import choose_device
from ganzoo.runtime.processes import launched
from ganzoo.training.checks import check_arithmetic, check_tricks, warn_of_lengths
from ganzoo.training.evaluation import PeriodicEvaluation, training_context
from ganzoo.training.listeners import check_loggers
from ganzoo.training.parallel import check as check_ranks
from ganzoo.training.parallel import check_batch_size, refuse_other_ranks
from ganzoo.training.session import TrainingSession
from ganzoo.training.stages import stages_of

EXAMPLES = 8
"""Samples that a variant is given for its pictures."""
CHANGEABLE = (
    "steps", "device", "log_every", "sample_every", "metrics", "metric_every", "metric_minutes", "clock",
    "checkpoint_every", "keep", "diagnostics", "on_nonfinite", "report", "timelapse", "loggers",
)  # fmt: skip
"""Settings that may differ when a run is resumed: how long it trains and what it writes, not what it computes."""


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
    preset: str = "",
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
        preset: a set of the variant's settings by name, such as ``"paper"``; other settings change it.

    Raises:
        UsageError: an unknown name, key or value; settings that contradict each other.
        DataError: the data is missing, damaged, or unsuitable for the variant.
        RunError: ``out`` exists already, or cannot be written.
    """
    given = {key: value for key, value in {"dataset": dataset, **(settings or {})}.items() if value is not None}
    if "variant" in given:
        raise UsageError(f"variant = {given['variant']!r} is not a setting: name the variant as the first argument.")
    target = Path(out) if out is not None else None
    resolved = resolve_run(variant, given, target, config, resume, texts, preset)
    device = check_run(resolved)
    dataset_loaded, load = load_data(resolved, progress)
    return build_session(resolved, device, dataset_loaded, load, progress)


@dataclass(frozen=True)
class ResolvedRun:
    """What is to be trained, before any data is read.

    Attributes:
        variant_class: the class of the variant.
        config: the settings in full.
        target: the run directory.
        checkpoint, header: the checkpoint to resume from, and its header; None for a new run.
        asks_metrics: the user named the metrics; otherwise the variant's own that cannot be taken are left out.
    """

    variant_class: type[Variant]
    config: RunConfig
    target: Path
    checkpoint: Path | None
    header: Mapping[str, Any] | None
    asks_metrics: bool


def resolve_run(
    variant: str | None,
    given: Mapping[str, Any],
    target: Path | None,
    config: str | Path | None,
    resume: bool,
    texts: Mapping[str, str] | None,
    preset: str = "",
) -> ResolvedRun:
    """Settings and run directory. Arguments and errors as in :func:`prepare`."""
    saved: dict[str, Any] = {}
    if resume and preset:
        raise UsageError(f"preset = {preset}: a run that goes on keeps its settings; leave the preset out.")
    if resume:
        target = target or _default_target(variant, given, texts)
        saved = _saved_settings(target)
    elif config is not None:
        saved = read_toml(Path(config))
    variant = _one_variant(variant, saved)
    variant_class = load_variant(variant)
    named = [str(layer["dataset"]) for layer in (texts or {}, given, saved) if "dataset" in layer]
    usual = usual_settings(variant_class, named[0] if named else usual_dataset(variant))
    layers = [usual, preset_of(variant, preset), saved, given]
    resolved = _absolute(resolve(variant, variant_class.Options, *layers, texts=texts))
    target = target or default_out(resolved)
    checkpoint, header = newest_sound(kept_checkpoints(target)) if resume else (None, None)
    if header is not None and resolved.precision == "auto":
        resolved = replace(resolved, **precision_of(header))
    asks = "metrics" in {**given, **(texts or {})} or resolved.metrics != usual.get("metrics", "")
    return ResolvedRun(variant_class, resolved, target, checkpoint, header, asks)


def check_run(run: ResolvedRun) -> torch.device:
    """Everything that can be told before any data is read; returns the device."""
    config = run.config
    if run.header is not None:
        _refuse_changes(run.header, config)
        refuse_other_ranks(run.header, config, run.target, launched())
    device = choose_device(config.device)
    check_arithmetic(config, device)
    check_ranks(config, device, launched())
    check_batch_size(config.batch_size, config.accumulate, launched(), run.variant_class.least_batch)
    spec, second = dataset_spec(config.dataset, config.degrade, config.classes), second_spec(config)
    check_needs(registry().variants.spec(config.variant), spec, second)
    refuse_sizes(spec, config.resolution, config.channels)
    refuse_wave_settings(spec, config)
    check_file_settings(config, spec, second)
    check_loggers(config)
    if run.header is None:
        refuse_existing(run.target)
        if config.init_from:
            check_origin(config.init_from)
    return device


def check_file_settings(config: RunConfig, *specs: DatasetSpec | None) -> None:
    """Raise ConfigError for settings of image files where no data set is made of the user's own."""
    if config.degrade != "none" and specs[0] is not None and specs[0].samples != "images":
        raise ConfigError(
            f"degrade = {config.degrade!r} is for images, not for the {specs[0].samples} of {specs[0].name!r}."
        )
    if config.classes != "given" and specs[0] is not None and specs[0].samples != "images":
        raise ConfigError(
            f"classes = {config.classes!r} is for images, not for the {specs[0].samples} of {specs[0].name!r}."
        )
    if config.labels_from and (specs[0] is None or "attributes" not in specs[0].may_provide):
        raise ConfigError(f"labels_from = {config.labels_from!r} is for folder:PATH, not for {config.dataset!r}.")
    if (config.only or config.without) and specs[0] is not None and (known := known_classes(specs[0])) is not None:
        chosen_classes(specs[0].name, known, config)
    if any(spec is not None and spec.argument == "path" and spec.samples == "images" for spec in specs):
        return
    for key, usual in (("background", "white"), ("levels", None)):
        if (value := getattr(config, key)) != usual:
            raise ConfigError(f"{key} = {value!r} does nothing: it is for images of your own, such as folder:PATH.")


def known_classes(spec: DatasetSpec) -> tuple[str, ...] | None:
    """The classes of a data set; None where only the data can tell."""
    return None if "labels" in spec.may_provide else spec.classes


def load_data(run: ResolvedRun, progress: Progress) -> tuple[Dataset, Callable[[str, str], Dataset]]:
    """The data that is trained on, and a function that loads other splits and sets in the same way, all of them: what
    is measured is compared with all samples, also where few are trained on."""
    config = run.config
    loaded = load_as_trained(run.variant_class, config, config.dataset, progress=progress)
    check_fields(registry().variants.spec(config.variant), loaded)

    def load(name: str, split: str) -> Dataset:
        if config.limit is None and name in ("", config.dataset) and split in ("", loaded.info.split):
            return loaded
        return load_as_trained(run.variant_class, without_limit(config), name, split, progress)

    return loaded, load


def build_session(
    run: ResolvedRun,
    device: torch.device,
    dataset: Dataset,
    load: Callable[[str, str], Dataset],
    progress: Progress,
) -> TrainingSession:
    """The variant, checked against its data, and the session that trains it."""
    config = run.config
    loss = make_loss(run.variant_class, config)
    made = run.variant_class(config, dataset.info, loss)
    check_tricks(made)
    stages = stages_of(made, run.header["stages"] if run.header else None, run.header["step"] if run.header else 0)
    warn_of_lengths(config, stages)
    for stage in stages:
        size = stage.batch_size or config.batch_size
        check_batch_size(size, config.accumulate, launched(), run.variant_class.least_batch)

    def load_if_there(name: str, split: str) -> Dataset | None:
        try:
            return load(name, split)
        except SplitMissingError:
            return None

    made.prepare(dataset, load_if_there)
    made.examples = dataset.examples(EXAMPLES)

    def context() -> EvaluationContext:  # it builds networks only to look at them: for those who ask for metrics
        return training_context(made, load, device, progress)

    evaluation = evaluation_of(run, made, context)
    return TrainingSession(config, run.target, dataset, made, device, context, run.checkpoint, evaluation)


def evaluation_of(
    run: ResolvedRun, variant: Variant, context: Callable[[], EvaluationContext]
) -> PeriodicEvaluation | None:
    """What takes the metrics of the run; None when there are none.

    Of a variant's own metrics, those that cannot be taken here are left out with a warning.

    Raises:
        UsageError, GanzooError: a metric that the user requested cannot be taken.
    """
    wanted = wanted_metrics(run.config)
    if not wanted:
        return None
    made = context()
    if not run.asks_metrics:
        wanted, left_out = divided(made, wanted)
        if left_out:
            said = "; ".join(f"{request}: {reason.rstrip('.')}" for request, reason in left_out.items())
            warnings.warn(f"not measured: {said}.", stacklevel=2)
    return PeriodicEvaluation(variant, made, wanted) if wanted else None


def wanted_metrics(config: RunConfig) -> list[MetricRequest]:
    """The metrics that a run asks for.

    Raises:
        ConfigError: text without a name in it.
    """
    found = requests_in(config.metrics)
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
    layers = [{"dataset": usual_dataset(variant), **variant_class.defaults}, given]
    return default_out(_absolute(resolve(variant, variant_class.Options, *layers, texts=texts)))


def precision_of(header: Mapping[str, Any]) -> dict[str, Any]:
    """The setting of the arithmetic of the run to resume, which a resume does not measure again."""
    found = header.get("config", {}).get("precision", "fp32")
    return {"precision": "fp32" if found == "auto" else found}  # before auto measured, it was fp32


def _saved_settings(folder: Path) -> dict[str, Any]:
    if not (folder / "config.toml").is_file():
        raise RunError(f"{folder} is not a run directory: there is nothing to resume.")
    return read_toml(folder / "config.toml")


def _refuse_changes(header: Mapping[str, Any], new: RunConfig) -> None:
    """Compare settings with those that a checkpoint was trained with, wherever the difference was written.

    The path of a folder, and of a file of labels, may change: whether they hold the same is checked by their content.
    """

    def flat(plain: Mapping[str, Any]) -> dict[str, Any]:
        table = {**plain, **{key: str(plain.get(key, "")).partition(":")[0] for key in ("dataset", "second")}}
        table["labels_from"] = bool(plain.get("labels_from"))
        tables = {key: value for name in TABLES for key, value in plain.get(name, {}).items()}
        return {**{k: v for k, v in table.items() if k not in TABLES}, **tables}

    saved = header.get("config", {})
    if saved.get("variant") != new.variant:
        return  # the checkpoint is of another variant, and loading it says so
    # Resolved, because a checkpoint from before a setting existed was trained with its default.
    saved = {**saved, **precision_of(header)}
    before, after = flat(to_plain(_absolute(resolve(new.variant, type(new.options), saved)))), flat(to_plain(new))
    for key in sorted(before.keys() | after.keys()):
        if key not in CHANGEABLE and before.get(key) != after.get(key):
            raise ConfigError(
                f"{key} = {after.get(key)!r} contradicts the run to resume, which has {before.get(key)!r}. "
                f"Only {', '.join(CHANGEABLE)} may change."
            )


def _absolute(config: RunConfig) -> RunConfig:
    """A relative path means another folder elsewhere; ``config.toml`` must not hold one."""
    return replace(
        config,
        options=with_full_paths(config.options),
        dataset=_with_full_path(config.dataset),
        second=_with_full_path(config.second) if config.second else "",
        labels_from=full_path(config.labels_from) if config.labels_from else "",
        init_from=_with_full_origin(config.init_from),
        metrics=_with_full_references(config.metrics),
    )


def _with_full_origin(origin: str) -> str:
    """A path in full; shipped weights by their name, which means the same everywhere."""
    return origin if not origin or is_shipped(origin) else full_path(origin)


def _with_full_references(metrics: str) -> str:
    """The same metrics, each path of a data set in full."""
    if VERSUS not in metrics:
        return metrics
    found = [replace(r, reference=_with_full_path(r.reference)) if r.reference else r for r in requests_in(metrics)]
    return ", ".join(map(str, found))


def _with_full_path(dataset: str) -> str:
    base, colon, argument = dataset.partition(":")
    is_path = argument and dataset_spec(base).argument == "path"
    return f"{base}{colon}{full_path(argument)}" if is_path else dataset
