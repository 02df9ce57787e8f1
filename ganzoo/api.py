"""What Python users call: list, prepare, train, open, export, load. The command line is a thin layer over this."""

from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from ganzoo.display.notebook import PythonKind, shown_in_python
from ganzoo.errors import UsageError
from ganzoo.export.read import is_exported, load_exported, refuse_other_hash, weights_of_folder
from ganzoo.export.write import export_network
from ganzoo.models.interfaces import Usable
from ganzoo.registry.registry import registry
from ganzoo.report.pictures import drawn, grid, to_image
from ganzoo.runs.shipped import located
from ganzoo.runs.trained import TrainedRun, open_run, variant_of_weights
from ganzoo.runs.weights import load_network
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
    display: PythonKind = "auto",
    preset: str = "",
    **settings: Any,
) -> TrainedRun:
    """Train a variant and return its run. Arguments and errors as in :func:`prepare` and :meth:`TrainingSession.train`.

    Args:
        display: ``"auto"`` shows numbers and samples in a notebook and nothing elsewhere; ``"notebook"``, ``"none"``.

    >>> run = ganzoo.train("NAME", dataset="mnist", seed=0, steps=5000)
    """
    session = prepare(variant, dataset, out=out, config=config, resume=resume, settings=settings, preset=preset)
    with shown_in_python(display):
        return session.train()


def load(path: str | Path, role: str | None = None, *, sha256: str | None = None) -> Usable:
    """A trained network of a run directory, a weights file, ``zoo:NAME`` or what ``ganzoo export`` wrote, in eval mode,
    on the CPU.

    Averaged (EMA) weights where the run kept an average. A generator of an ONNX or pt2 file draws the same samples from
    a seed as the run does, within 1e-5. Nothing that is read can run code: pickles are never opened, of ONNX and pt2
    files only what ganzoo itself writes.

    Args:
        role: which of the networks of a run directory; default: the first one, which samples or translates.
        sha256: of the file, from whom you trust; a file that has another one is not opened.

    Raises:
        RunError: a folder that is not a run directory.
        CheckpointError: no weights there, damaged, not what ganzoo writes, or of another hash.
        UsageError: no such role, a network of another kind, a pickle, or an extra that is not installed.
    """
    source = located(path)
    if sha256 is not None:
        refuse_other_hash(source, sha256)
    if is_exported(source):
        if role is not None:
            raise UsageError(f"role = {role!r} is for run directories; {source} holds one network.")
        if not source.is_dir():
            return load_exported(source)
        source = weights_of_folder(source)
    if source.is_dir():
        network = open_run(source).network(role)
    elif role is not None:
        raise UsageError(f"role = {role!r} is for run directories; {source} is one file.")
    else:
        network = load_network(source, variant_of_weights(source))
    if not isinstance(network, Usable):
        raise UsageError(f"{source} holds a {type(network).__name__}: it is no network that can be used by itself.")
    return network


def picture(run: TrainedRun, samples: Tensor | None = None, columns: int = 8) -> Image.Image:
    """Samples of a run as one Pillow image, which a notebook shows: a grid, or of points a plot.

    Args:
        samples: what ``run.sample()`` or ``run.translate()`` gave; default: 64 of ``run.sample()``.
        columns: samples in a row.

    Raises:
        UsageError: ``columns`` is below 1; no samples are given and the run draws none.

    >>> ganzoo.picture(run, run.sample(16, 7))
    """
    if columns < 1:
        raise UsageError(f"columns = {columns}: at least 1.")
    pixels = drawn(run.variant, run.sample(64) if samples is None else samples)
    return to_image(grid(pixels, columns))


__all__ = [
    "TrainedRun",
    "TrainingSession",
    "export_network",
    "list_variants",
    "load",
    "open_run",
    "picture",
    "prepare",
    "train",
]
