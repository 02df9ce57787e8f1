"""What Python users call: list, prepare, train, open, load. The command line is a thin layer over this."""

import shlex
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganzoo.checkpoint import load_state, read_header
from ganzoo.config import RunConfig, read_toml, resolve, to_plain
from ganzoo.data.base import DataInfo, DataRequest, Dataset, Progress, silent
from ganzoo.data.store import data_root
from ganzoo.errors import ConfigError, DataError, GanzooError, Interrupted, PluginError, RunError, UsageError
from ganzoo.interfaces import Generator, Loss
from ganzoo.registry import registry
from ganzoo.run import WEIGHTS, Run, environment, refuse_existing
from ganzoo.specs import DatasetSpec, VariantSpec
from ganzoo.trainer import Trainer, choose_device, new_state, own_rng
from ganzoo.variant import Variant
from ganzoo.weights import describe_weights, load_network

EMBEDDED = "glyphs"
"""The data set trained on when none is named: it needs no download."""

CHANGEABLE = ("steps", "device", "log_every", "sample_every", "checkpoint_every", "keep")
"""Settings that may differ when a run is resumed: how long it trains and what it writes, not what it computes."""


def list_variants(pattern: str | None = None) -> list[str]:
    """Names of the registered variants, or of those that match a shell pattern (``"*gan"``)."""
    return registry().variants.names(pattern)


@dataclass
class Job:
    """A training that is ready to start: everything is checked, nothing is written."""

    config: RunConfig
    out: Path
    dataset: Dataset
    variant: Variant
    device: torch.device
    resume: bool = False

    def train(self) -> Run:
        """Train to the end and return the run.

        Raises:
            Interrupted: stopped by SIGINT or SIGTERM; a checkpoint is kept.
            RunError: the run directory cannot be written.
            TrainingError: a value is not finite.
        """
        with own_rng():
            return self._train()

    def _train(self) -> Run:
        zoo = registry()
        state = new_state(self.variant, self.device)
        details = {
            **environment(self.device, zoo.variants.plugin(self.config.variant).distribution),
            "data": {
                "name": self.dataset.info.name,
                "digest": self.dataset.info.digest,
                "count": self.dataset.info.count,
            },
        }
        if self.resume:
            run = Run(self.out, self.variant, read_run_details(self.out))
            header = load_state(run.latest(), state, self.config.variant)
            self._check_same(header, details)
            run.step, run.images = state.step, state.images
            run.details = {**run.details, **details, "resumed": [*run.details.get("resumed", []), state.step]}
            if state.step >= run.total_steps:
                return run
            run.resume()
        else:
            run = Run.create(self.out, self.variant, details)
        try:
            zoo.fire("ganzoo_run_started", run=run)
            trainer = Trainer(self.variant, state, self.dataset, run, zoo.fire, self.device)
            with graceful_stop(trainer):
                trainer.fit()
            run.finish("finished")
        except BaseException as error:
            interrupted = isinstance(error, Interrupted | KeyboardInterrupt)
            run.reason = f"{type(error).__name__}: {error}"
            with suppress(GanzooError):  # the disk may be full, and the first error is the one to show
                run.finish("interrupted" if interrupted else "failed", run.reason)
            with suppress(GanzooError):
                zoo.fire("ganzoo_run_finished", run=run, status=run.status)
            if isinstance(error, Interrupted):
                raise Interrupted(
                    f"stopped by {error} at step {run.step:,} of {run.total_steps:,}; continue with: "
                    f"{resume_command(run)}"
                ) from None
            raise
        finally:
            self.dataset.source.close()
        zoo.fire("ganzoo_run_finished", run=run, status=run.status)
        return run

    def _check_same(self, header: Mapping[str, Any], details: Mapping[str, Any]) -> None:
        """Resume only on the same data; say so when versions differ, because then it cannot be exact."""
        if header["data"]["digest"] != self.dataset.info.digest:
            raise DataError(
                f"data set {self.config.dataset!r} has changed since this run was trained: its SHA-256 is "
                f"{self.dataset.info.digest[:12]}, the run's {header['data']['digest'][:12]}. Start a new run."
            )
        old, new = header["versions"], details["versions"]
        changed = [f"{name} {old[name]} -> {new[name]}" for name in old if name in new and old[name] != new[name]]
        if changed:
            warnings.warn(f"not an exact continuation, versions changed: {', '.join(changed)}", stacklevel=3)


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
    zoo = registry()
    given = {key: value for key, value in {"dataset": dataset, **(settings or {})}.items() if value is not None}
    layers: list[Mapping[str, Any]] = []
    if resume:
        saved = _saved_settings(_resume_path(variant, given, out))
        _same_variant(variant, saved, "the run to resume")
        variant = saved["variant"]
        layers.append(saved)
    elif config is not None:
        saved = read_toml(Path(config))
        _same_variant(variant, saved, str(config))
        variant = saved.get("variant", variant)
        layers.append(saved)
    if variant is None:
        raise UsageError("no variant named; 'ganzoo list' shows all.")
    zoo.variants.spec(variant)
    variant_class = load_variant(variant)
    layers = [{"dataset": EMBEDDED, **variant_class.defaults}, *layers, given]
    resolved = resolve(variant, variant_class.Options, *layers, texts=texts)
    resolved = _absolute(resolved)
    if resume:
        _refuse_changes(resolved, resolve(variant, variant_class.Options, *layers[:-1]))
    target = _resume_path(variant, given, out) if resume else Path(out) if out else default_out(resolved)
    device = choose_device(resolved.device)
    spec = dataset_spec(resolved.dataset)
    _check_fit(zoo.variants.spec(variant), spec, resolved)
    loss = make_loss(variant_class, resolved)
    if not resume:
        refuse_existing(target)
    loaded = load_dataset(resolved.dataset, resolved, progress=progress)
    if zoo.variants.spec(variant).data == "labelled" and loaded.labels is None:
        raise DataError(
            f"variant {variant!r} needs class labels and {resolved.dataset!r} has none: "
            "put the images of each class in a subfolder of its own."
        )
    made = variant_class(resolved, loaded.info, loss)
    return Job(resolved, target, loaded, made, device, resume)


def train(
    variant: str | None = None,
    dataset: str | None = None,
    *,
    out: str | Path | None = None,
    config: str | Path | None = None,
    resume: bool = False,
    **settings: Any,
) -> Run:
    """Train a variant and return its run. Arguments and errors as in :func:`prepare` and :meth:`Job.train`.

    >>> run = ganzoo.train("NAME", dataset="mnist", seed=0, steps=5000)
    """
    return prepare(variant, dataset, out=out, config=config, resume=resume, settings=settings).train()


def open_run(path: str | Path) -> Run:
    """A run directory as a :class:`ganzoo.run.Run`, for sampling; nothing is changed.

    Raises:
        RunError: no run directory.
        CheckpointError: it has no weights yet.
    """
    folder = Path(path)
    details = read_run_details(folder)
    weights = folder / WEIGHTS
    if not weights.exists():
        raise RunError(f"{folder} has no {WEIGHTS} yet: its training has not reached a checkpoint.")
    return Run(folder, _variant_of_weights(weights), details)


def load(path: str | Path) -> Generator:
    """The trained generator of a run directory or a weights file, in eval mode, on the CPU.

    Averaged (EMA) weights where the run kept an average.

    Raises:
        CheckpointError: no weights there, damaged, or not a generator's.
    """
    if Path(path).is_dir():
        return open_run(path).generator()
    network = load_network(Path(path), _variant_of_weights(Path(path)))
    if not isinstance(network, Generator):
        raise UsageError(f"{path} holds a {type(network).__name__}: it draws no samples.")
    return network


def weights_data(path: str | Path) -> DataInfo:
    """What the generator of a run directory or a weights file was trained on."""
    return describe_weights(Path(path) / WEIGHTS if Path(path).is_dir() else Path(path))[1]


def load_variant(name: str) -> type[Variant]:
    """The class of a registered variant."""
    found = registry().variants.load(name)
    if not (isinstance(found, type) and issubclass(found, Variant)):
        raise PluginError(f"variant {name!r}: {found!r} is not a subclass of ganzoo.variant.Variant.")
    return found


def make_loss(variant_class: type[Variant], config: RunConfig) -> Loss | None:
    """The run's adversarial loss; None for a variant that has none.

    Raises:
        UsageError: an unknown loss, or a loss for a variant that uses none.
    """
    if "loss" not in variant_class.defaults:
        if config.loss:
            raise ConfigError(f"loss = {config.loss!r}: variant {config.variant!r} has no adversarial loss to swap.")
        return None
    loss_class = registry().losses.load(config.loss)
    if not (isinstance(loss_class, type) and issubclass(loss_class, Loss)):
        raise PluginError(f"loss {config.loss!r}: {loss_class!r} is not a subclass of ganzoo.interfaces.Loss.")
    if loss_class.lipschitz and not variant_class.lipschitz:
        warnings.warn(
            f"loss {config.loss!r} needs a critic of bounded slope, and {config.variant!r} does not bound it: "
            "expect it to diverge.",
            stacklevel=3,
        )
    return loss_class()


def dataset_spec(name: str) -> DatasetSpec:
    """The spec behind a data set as typed (``mnist``, ``folder:PATH``)."""
    return registry().datasets.spec(name.partition(":")[0])


def load_dataset(name: str, config: RunConfig, split: str | None = None, progress: Progress = silent) -> Dataset:
    """A split of a data set (by default the one that is trained on), as the run's settings want it.

    Raises:
        DataError: missing, damaged or unfit files.
        UsageError: an unknown data set, or one that takes no argument.
    """
    base, _, argument = name.partition(":")
    spec = registry().datasets.spec(base)
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
    loaded: Dataset = registry().datasets.load(base)(request)
    return loaded


def default_out(config: RunConfig) -> Path:
    """``runs/VARIANT-DATASET-sSEED``; of a folder only its last name."""
    base, _, argument = config.dataset.partition(":")
    return Path("runs") / f"{config.variant}-{Path(argument).name if argument else base}-s{config.seed}"


def resume_command(run: Run) -> str:
    """What to type to continue a run."""
    return shlex.join(["ganzoo", "train", run.config.variant, "--out", str(run.path), "--resume"])


def read_run_details(folder: Path) -> dict[str, Any]:
    """The content of ``run.json``.

    Raises:
        RunError: the folder is no run directory.
    """
    import json

    if not folder.is_dir():
        raise RunError(f"{folder}: no such run directory.")
    try:
        found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder} is no run directory: run.json is missing or damaged ({error}).") from error
    assert isinstance(found, dict)
    return found


@contextmanager
def graceful_stop(trainer: Trainer) -> Iterator[None]:
    """SIGINT and SIGTERM end the training after the current step, with a checkpoint; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _: Any) -> None:
        if trainer.stopping:
            raise KeyboardInterrupt
        trainer.stop(signal.Signals(number).name)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _variant_of_weights(path: Path) -> Variant:
    header, data = describe_weights(path)
    name = header["config"]["variant"]
    variant_class = load_variant(name)
    config = resolve(name, variant_class.Options, header["config"])
    return variant_class(config, data, None)


def _saved_settings(folder: Path) -> dict[str, Any]:
    if not (folder / "config.toml").is_file():
        raise RunError(f"{folder} is no run directory: there is nothing to resume.")
    return read_toml(folder / "config.toml")


def _same_variant(variant: str | None, saved: Mapping[str, Any], where: str) -> None:
    if variant is not None and "variant" in saved and saved["variant"] != variant:
        raise UsageError(f"{where} is of variant {saved['variant']!r}, not {variant!r}.")


def _resume_path(variant: str | None, given: Mapping[str, Any], out: str | Path | None) -> Path:
    if out is not None:
        return Path(out)
    if variant is None:
        raise UsageError("--resume needs the run directory: add --out DIR.")
    defaults = {"dataset": EMBEDDED, **load_variant(variant).defaults, **given}
    return default_out(resolve(variant, load_variant(variant).Options, defaults))


def _refuse_changes(new: RunConfig, old: RunConfig) -> None:
    before, after = to_plain(_absolute(old)), to_plain(new)
    flat_before = {**before, **before.pop("options")}
    flat_after = {**after, **after.pop("options")}
    for key in sorted(flat_before.keys() | flat_after.keys()):
        if key not in CHANGEABLE and flat_before.get(key) != flat_after.get(key):
            raise ConfigError(
                f"{key} = {flat_after.get(key)!r} contradicts the run to resume, which has {flat_before.get(key)!r}. "
                f"Only {', '.join(CHANGEABLE)} may change."
            )


def _absolute(config: RunConfig) -> RunConfig:
    """A relative path means another folder elsewhere; ``config.toml`` must not."""
    import dataclasses

    base, colon, argument = config.dataset.partition(":")
    if not argument:
        return config
    return dataclasses.replace(config, dataset=f"{base}{colon}{Path(argument).expanduser().absolute()}")


def _check_fit(variant: VariantSpec, dataset: DatasetSpec, config: RunConfig) -> None:
    """What can be told from the specs alone, before any data is read."""
    if dataset.sample not in variant.accepts:
        raise UsageError(
            f"variant {variant.name!r} models {' and '.join(variant.accepts)}; data set {dataset.name!r} has "
            f"{dataset.sample}."
        )
    if variant.data == "labelled" and dataset.classes == ():
        sets = registry().datasets
        labelled = [n for n in sets if not sets.conflict(n) and sets.spec(n).classes != ()]
        raise UsageError(
            f"variant {variant.name!r} needs class labels and data set {dataset.name!r} has none; "
            f"labelled: {', '.join(labelled)}."
        )
    if dataset.sample == "points" and (config.resolution or config.channels):
        raise ConfigError(f"resolution and channels say nothing about the points of data set {dataset.name!r}.")


__all__ = ["DataInfo", "Job", "list_variants", "load", "open_run", "prepare", "read_header", "train"]
