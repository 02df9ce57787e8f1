"""A training made ready and run: settings resolved, names looked up, data loaded, all checked before it is begun."""

import dataclasses
import json
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganzoo.checkpoint import load_state, read_header, seed_everything
from ganzoo.config import TABLES, RunConfig, full_path, read_toml, resolve, to_plain, with_full_paths
from ganzoo.craft.rules import check as check_craft
from ganzoo.craft.schedule import follows_length
from ganzoo.data.base import DataRequest, Dataset, Progress, silent
from ganzoo.data.sampler import derived_seed
from ganzoo.data.store import data_root
from ganzoo.device import check_arithmetic, choose_device, setting
from ganzoo.distributed import ALONE, World, join, launched, noticing_loss
from ganzoo.errors import (
    ConfigError,
    DataError,
    GanzooError,
    Interrupted,
    PluginError,
    RunError,
    TrainingError,
    UsageError,
)
from ganzoo.examiner import Examiner, exam_of, listed
from ganzoo.files import locked
from ganzoo.interfaces import Loss
from ganzoo.loggers import history, last_step
from ganzoo.metrics.base import Exam
from ganzoo.ranks import check as check_ranks
from ganzoo.ranks import refuse_other_ranks, resume_command
from ganzoo.registry import registry
from ganzoo.run import WEIGHTS, Run, checkpoints, environment, latest_checkpoint, refuse_existing
from ganzoo.specs import DatasetSpec, VariantSpec
from ganzoo.stopping import graceful_stop
from ganzoo.trainer import Trainer, new_state
from ganzoo.variant import State, Variant

EMBEDDED = "glyphs"
"""The data set trained on when none is named: it needs no download."""

CHANGEABLE = (
    "steps", "device", "log_every", "sample_every", "evaluate_every", "metrics", "metric_every", "checkpoint_every",
    "keep", "diagnostics",
)  # fmt: skip
"""Settings that may differ when a run is resumed: how long it trains and what it writes, not what it computes."""

LABELLED = ("labelled", "semi")
"""Kinds of data that a set without class labels cannot be."""

_TRAINING = threading.Lock()  # trainings share torch's global generators, so a process can do one at a time


@dataclass
class Job:
    """A training that is ready to start: everything is checked, nothing is written.

    ``exam()`` is the exam of what will be trained, which tells the metrics that make sense for it.
    """

    config: RunConfig
    out: Path
    dataset: Dataset
    variant: Variant
    device: torch.device
    exam: Callable[[], Exam]
    resume: bool = False
    examiner: Examiner | None = None
    world: World = ALONE  # the processes that train it together, once they are connected

    def train(self) -> Run:
        """Train to the end and return the run. Of several processes that torchrun has started, all call it.

        Raises:
            Interrupted: stopped by SIGINT or SIGTERM; a checkpoint is kept.
            RunError: the run directory cannot be written, or another process trains in it.
            TrainingError: a value is not finite, memory ran out, or another process has ended.
            UsageError: another thread of this process is training.
        """
        if not _TRAINING.acquire(blocking=False):
            raise UsageError("another thread of this process is training: start a process for each training.")
        try:
            self.world = join(self.device)
            with setting(self.config, self.device), noticing_loss(self._advice), ExitStack() as held:
                state = new_state(self.variant, self.device)
                if self.world.rank:  # from here on other latents and other noise than rank 0
                    seed_everything(derived_seed("rank", self.config.seed, self.world.rank))
                run = self.world.together(lambda: self._begin(state, held))
                if self.examiner:
                    self.examiner.join(self.world)
                over = self.world.zero(lambda: state.step >= run.total_steps and last_step(run.path) >= state.step)
                return self._finished(run, state) if over else self._train(run, state)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
                raise TrainingError(f"out of memory: try a smaller batch_size or width. ({error})") from error
            raise
        finally:
            self.dataset.source.close()
            _TRAINING.release()

    def _advice(self) -> str:
        """How to go on when another process has ended."""
        if not (kept := checkpoints(self.out)):
            return "No checkpoint was saved before."
        return f"The last checkpoint is {kept[-1]}; continue with: {resume_command(self.config, self.out, self.world)}"

    def _details(self) -> dict[str, Any]:
        info = self.dataset.info
        return {
            **environment(self.device, registry().variants.plugin(self.config.variant).distribution),
            **({"ranks": self.world.size} if self.world.size > 1 else {}),
            "data": {"name": info.name, "digest": info.digest, "count": info.count},
        }

    def _begin(self, state: State, held: ExitStack) -> Run:
        """The run that is trained; its directory is rank 0's to make and to hold."""
        if self.resume:
            run = self._open(state)
        elif self.world.rank == 0:
            run = Run.create(self.out, self.variant, self._details())
        else:
            run = Run(self.out, self.variant, self._details())
        if self.world.rank == 0:
            held.enter_context(locked(run.path))
        return run

    def _open(self, state: State) -> Run:
        """The run to resume, and its state."""
        details = self._details()
        run = Run(self.out, self.variant, {**read_run_details(self.out), **details})
        header = load_state(run.latest(), state, self.config.variant, self.world.rank)
        if self.config.steps < state.step:
            raise ConfigError(f"steps = {self.config.steps}: the run has done {state.step} already.")
        self._check_stages(header, state.step)
        self._check_same(header, details)
        run.step, run.images = state.step, state.images
        run.details["warnings"] = [w for w in run.details.get("warnings", []) if w["step"] <= state.step]
        for key in ("evaluation", "metrics"):  # of an end that is none any more
            if run.details.get(key, {}).get("step") != state.step:
                run.details.pop(key, None)
        return run

    def _check_stages(self, header: Mapping[str, Any], step: int) -> None:
        """More steps may make the last stage longer, but not one that is under way and follows its own length."""
        old = resolve(self.config.variant, type(self.variant).Options, header["config"])
        before = type(self.variant)(old, self.variant.data, None).stages()
        begin = 0
        for was, now in zip(before, self.variant.stages(), strict=False):
            if begin >= step:
                return
            if was.steps != now.steps and (reason := follows_length(self.config.craft)):
                raise ConfigError(
                    f"steps = {self.config.steps:,}: stage {was.name!r} of the run to resume was laid out for "
                    f"{was.steps:,} steps, and its {reason} follows that length."
                )
            begin += was.steps

    def _check_same(self, header: Mapping[str, Any], details: Mapping[str, Any]) -> None:
        """Resume only on the same data; say so where the machine differs, because then it cannot be exact."""
        if header["data"]["digest"] != self.dataset.info.digest:
            raise DataError(
                f"data set {self.config.dataset!r} has changed since this run was trained: its SHA-256 is "
                f"{self.dataset.info.digest[:12]}, the run's {header['data']['digest'][:12]}. Start a new run."
            )
        old = {**header["versions"], **header["machine"]}
        new = {**details["versions"], **details}
        changed = [f"{name} {old[name]} -> {new[name]}" for name in old if name in new and old[name] != new[name]]
        if changed:
            warnings.warn(f"not an exact continuation, this has changed: {', '.join(changed)}", stacklevel=5)

    def _finished(self, run: Run, state: State) -> Run:
        """Nothing is left to train; other metrics may be asked for, and weights may be missing after a kill."""
        weights = run.path / WEIGHTS
        asked = self.examiner is not None and not self.examiner.is_reported(run, state)
        if asked:
            assert self.examiner is not None
            self.world.zero(run.resume)
            self.examiner.report(run, state)

        def write() -> None:
            if asked or not weights.exists() or read_header(weights).get("step") != state.step:
                run.save_weights(state)
            if run.status != "finished":
                run.finish("finished")

        self.world.zero(write)
        return run

    def _train(self, run: Run, state: State) -> Run:
        fire, zero = registry().fire, self.world.zero
        if self.resume:
            zero(run.resume)
        trainer = Trainer(self.variant, state, self.dataset, run, fire, self.device, self.examiner, self.world)
        with graceful_stop(trainer):
            try:
                zero(lambda: fire("ganzoo_run_started", run=run))
                for line in history(run.path) if self.resume else ():
                    trainer.diagnostics.read(line)  # what it has seen before decides what it says next
                with noticing_loss(self._advice):
                    trainer.fit()
                    zero(lambda: run.finish("finished"))
            except BaseException as error:
                stopped = isinstance(error, Interrupted | KeyboardInterrupt)
                if self.world.rank == 0:
                    self._write_end(run, "interrupted" if stopped else "failed", error)
                if stopped and checkpoints(run.path):
                    raise Interrupted(
                        f"stopped by {error if isinstance(error, Interrupted) else 'a second signal'} at step "
                        f"{state.step:,} of {run.total_steps:,}; continue with: "
                        f"{resume_command(self.config, run.path, self.world)}"
                    ) from None
                raise
            finally:
                trainer.feed.close()
            zero(lambda: fire("ganzoo_run_finished", run=run, status=run.status))
        return run

    @staticmethod
    def _write_end(run: Run, status: str, error: BaseException) -> None:
        with suppress(GanzooError):  # the disk may be full, and the first error is the one to show
            run.finish(status, f"{type(error).__name__}: {error}")
        with suppress(GanzooError):
            registry().fire("ganzoo_run_finished", run=run, status=run.status)


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
) -> Job:
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
    wanted = variant_class.wanted(resolved)
    loaded = load_dataset(resolved.dataset, resolved, progress=progress, **wanted)
    if spec.data in LABELLED and loaded.labels is None:
        raise DataError(
            f"variant {variant!r} needs class labels and {resolved.dataset!r} has none: "
            "put the images of each class in a subfolder of its own."
        )
    made = variant_class(resolved, loaded.info, loss)
    check_craft(made, dict(variant_class.refuses))

    def load(name: str, split: str) -> Dataset | None:
        name = name or resolved.dataset
        there = split in dataset_spec(name).splits
        return load_dataset(name, resolved, split, progress, **wanted) if there else None

    made.prepare(loaded, load)

    def split_of(split: str) -> Dataset:
        trained = split in ("", loaded.info.split)
        return loaded if trained else load_dataset(resolved.dataset, resolved, split, progress, **wanted)

    def exam() -> Exam:  # it builds networks only to look at them: for those who ask for metrics
        return exam_of(made, split_of, device, progress)

    examiner = Examiner(made, exam()) if wanted_metrics(resolved) else None
    return Job(resolved, target, loaded, made, device, exam, resume, examiner)


def wanted_metrics(config: RunConfig) -> list[str]:
    """The metrics that a run asks for.

    Raises:
        ConfigError: text without a name in it.
    """
    found = listed(config.metrics)
    if config.metrics and not found:
        raise ConfigError(f"metrics = {config.metrics!r} names no metric: 'ganzoo list metrics' shows all.")
    return found


def load_variant(name: str) -> type[Variant]:
    """The class of a registered variant.

    Raises:
        UnknownNameError: no such variant.
        PluginError: it cannot be loaded, or is no variant.
    """
    found = registry().variants.load(name)
    if not (isinstance(found, type) and issubclass(found, Variant)):
        raise PluginError(f"variant {name!r}: {found!r} is not a subclass of ganzoo.variant.Variant.")
    return found


def make_loss(variant_class: type[Variant], config: RunConfig) -> Loss | None:
    """The run's adversarial loss; None for a variant that has none.

    Raises:
        UsageError: an unknown loss, or a loss for a variant that uses none.
        PluginError: it cannot be loaded, or is no loss.
    """
    if "loss" not in variant_class.defaults:
        if config.loss:
            raise ConfigError(f"loss = {config.loss!r}: variant {config.variant!r} has no adversarial loss to swap.")
        return None
    loss_class = registry().losses.load(config.loss)
    if not (isinstance(loss_class, type) and issubclass(loss_class, Loss)):
        raise PluginError(f"loss {config.loss!r}: {loss_class!r} is not a subclass of ganzoo.interfaces.Loss.")
    craft = config.craft
    if loss_class.lipschitz and not (variant_class.lipschitz or craft.gradient_penalty or craft.spectral_norm):
        warnings.warn(
            f"loss {config.loss!r} needs a critic of bounded slope, and {config.variant!r} does not bound it: "
            "expect it to diverge.",
            stacklevel=3,
        )
    return loss_class()


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


def default_out(config: RunConfig) -> Path:
    """``runs/VARIANT-DATASET-sSEED``; of a folder only its last name."""
    base, _, argument = config.dataset.partition(":")
    return Path("runs") / f"{config.variant}-{Path(argument).name if argument else base}-s{config.seed}"


def read_run_details(folder: Path) -> dict[str, Any]:
    """The content of ``run.json``.

    Raises:
        RunError: the folder is no run directory.
    """
    try:
        found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if not (isinstance(found, dict) and isinstance(found.get("step", 0), int)):
            raise ValueError("it holds something else")
    except (OSError, ValueError) as error:
        raise RunError(f"{folder} is no run directory: run.json is missing or damaged ({error}).") from error
    return found


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
