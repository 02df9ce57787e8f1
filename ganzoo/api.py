"""What Python users call: list, prepare, train, open, load. The command line is a thin layer over this."""

from pathlib import Path
from typing import Any

from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.errors import RunError, UsageError
from ganzoo.models.interfaces import Classifier, Generator, Translator
from ganzoo.models.load import load_variant
from ganzoo.models.variant import Variant
from ganzoo.registry.registry import registry
from ganzoo.runs.run import CLASSIFIER, WEIGHTS, Run, read_run_details
from ganzoo.runs.weights import describe_weights, load_network
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import prepare


def list_variants(pattern: str | None = None) -> list[str]:
    """Names of the registered variants, or of those that match a shell pattern (``"*gan"``)."""
    return registry().variants.names(pattern)


def train(
    variant: str | None = None,
    dataset: str | None = None,
    *,
    out: str | Path | None = None,
    config: str | Path | None = None,
    resume: bool = False,
    **settings: Any,
) -> Run:
    """Train a variant and return its run. Arguments and errors as in :func:`prepare` and :meth:`TrainingSession.train`.

    >>> run = ganzoo.train("NAME", dataset="mnist", seed=0, steps=5000)
    """
    return prepare(variant, dataset, out=out, config=config, resume=resume, settings=settings).train()


def open_run(path: str | Path) -> Run:
    """A run directory as a :class:`ganzoo.runs.run.Run`, for sampling; nothing is changed.

    Raises:
        RunError: no run directory, or no weights in it yet.
        CheckpointError: its weights are damaged.
    """
    folder = Path(path)
    details = read_run_details(folder)
    weights = folder / WEIGHTS
    if not weights.exists():
        raise RunError(f"{folder} has no {WEIGHTS}: its training has not reached a checkpoint.")
    return Run(folder, _variant_of_weights(weights), details)


def load(path: str | Path) -> Generator | Translator:
    """The trained network of a run directory or a weights file, in eval mode, on the CPU.

    A :class:`ganzoo.models.interfaces.Generator` that draws samples, or a Translator that turns images into images.

    Averaged (EMA) weights where the run kept an average.

    Raises:
        RunError: a folder that is no run directory.
        CheckpointError: no weights there, damaged, or not a generator's.
    """
    if Path(path).is_dir():
        network = open_run(path).network()
    else:
        network = load_network(Path(path), _variant_of_weights(Path(path)))
    if not isinstance(network, Generator | Translator):
        raise UsageError(f"{path} holds a {type(network).__name__}: it draws no samples.")
    return network


def load_classifier(path: str | Path) -> Classifier:
    """The trained classifier of a run directory or of its ``classifier.safetensors``, in eval mode, on the CPU.

    Raises:
        UsageError: a run or a file without a classifier.
        CheckpointError: damaged, or no weights.
    """
    if Path(path).is_dir():
        return open_run(path).classifier()
    network = load_network(Path(path), _variant_of_weights(Path(path)))
    if not isinstance(network, Classifier):
        raise UsageError(f"{path} holds a {type(network).__name__}, no classifier.")
    return network


def classifier_data(path: str | Path) -> DataInfo:
    """What the classifier of a run directory or a weights file was trained on."""
    return describe_weights(Path(path) / CLASSIFIER if Path(path).is_dir() else Path(path))[1]


def weights_data(path: str | Path) -> DataInfo:
    """What the generator of a run directory or a weights file was trained on."""
    return describe_weights(Path(path) / WEIGHTS if Path(path).is_dir() else Path(path))[1]


def _variant_of_weights(path: Path) -> Variant:
    header, data = describe_weights(path)
    name = header["config"]["variant"]
    variant_class = load_variant(name)
    return variant_class(resolve(name, variant_class.Options, header["config"]), data, None)


__all__ = [
    "TrainingSession",
    "classifier_data",
    "list_variants",
    "load",
    "load_classifier",
    "open_run",
    "prepare",
    "train",
    "weights_data",
]
