"""``ganzoo evaluate``: a run, a weights file or a folder of images, measured by metrics that are asked for by name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganzoo.api import open_run
from ganzoo.config import RunConfig, resolve
from ganzoo.data.base import Dataset, Progress, silent
from ganzoo.data.decode import as_stored
from ganzoo.data.folder import list_folder
from ganzoo.data.store import data_root
from ganzoo.device import choose_device
from ganzoo.errors import DataError, UsageError
from ganzoo.examiner import check, examine, load_metrics, network_subject, sensible
from ganzoo.jobs import load_dataset, load_variant
from ganzoo.metrics.base import Exam, Result
from ganzoo.metrics.reference import FOLDER
from ganzoo.metrics.subjects import FolderSubject, Subject
from ganzoo.run import CLASSIFIER
from ganzoo.weights import describe_weights, load_network


def evaluate(
    source: str | Path,
    metrics: Iterable[str],
    against: str | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    weights: str | Path | None = None,
    progress: Progress = silent,
) -> list[Result]:
    """Measure a run directory, a weights file or a folder of images.

    Args:
        source: what to measure.
        metrics: names; ``ganzoo list metrics`` shows all.
        against: the data set to hold it against; default: what it was trained on.
        seed: of the latents.
        weights: a file of Inception's or VGG's weights, instead of the one in torch's cache.

    Raises:
        UsageError: an unknown metric, one that makes no sense here, or no data set to hold a folder against.
        DataError: fewer images than the protocol needs, sizes that differ, missing data or weights.
    """
    names = list(metrics)
    exam = open_exam(source, names, against, seed=seed, device=device, weights=weights, progress=progress)
    if not names:
        raise UsageError(f"name a metric; these make sense here: {', '.join(sensible(exam)) or 'none'}.")
    loaded = load_metrics(names)
    check(loaded, exam)
    return examine(loaded, exam)


def open_exam(
    source: str | Path,
    names: list[str],
    against: str | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    weights: str | Path | None = None,
    progress: Progress = silent,
) -> Exam:
    """The exam that :func:`evaluate` holds; what is needed of real samples is loaded when it is asked for."""
    path = Path(source).expanduser()
    if not path.exists():
        raise UsageError(f"{path}: no such run, weights file or folder.")
    chosen = choose_device(device)
    subject, config = open_subject(path)
    for network in (getattr(subject, "generator", None), subject.classifier, subject.translator):
        if network is not None:
            network.to(chosen)
    if against is None:
        against = config.dataset if config else _own_data(path, names)
    settings = config or RunConfig(variant="none", dataset=against)

    def load(split: str) -> Dataset:
        return load_dataset(against, settings, split or None, progress)

    return Exam(
        subject=subject,
        against=against,
        load=load,
        device=chosen,
        seed=seed,
        weights=Path(weights).expanduser() if weights is not None else None,
        cache=data_root() / FOLDER,
        progress=progress,
    )


def _own_data(path: Path, names: list[str]) -> str:
    """The data set that all metrics' recognisers belong to."""
    extractors = {metric.spec.extractor for metric in load_metrics(names)}
    from ganzoo.metrics.specs import RECOGNISED

    if len(extractors) == 1 and (only := extractors.pop()) in RECOGNISED:
        return only
    raise UsageError(f"{path} is a folder of images: name the data set to hold it against with --against.")


def open_subject(path: Path) -> tuple[Subject, RunConfig | None]:
    """What lies at ``path``, and the settings it was trained with, if it was.

    Raises:
        RunError, CheckpointError: a run or a weights file that cannot be used.
        DataError: a folder without images.
    """
    if path.is_dir() and (path / "run.json").exists():
        run = open_run(path)
        header, data = describe_weights(run.weights_path(run.variant.main))
        networks = [run.network()]
        if (path / CLASSIFIER).exists():
            networks.append(run.classifier())
        return network_subject(str(path), said(path, "run", header), data, networks), run.config
    if path.is_dir():
        files = [path / file for file in list_folder(path).images]
        if not files:
            raise DataError(f"{path} holds no images (and no run.json, so it is no run).")
        shape = tuple(as_stored(files[0]).shape)
        return FolderSubject(str(path), {"kind": "folder", "path": str(path)}, shape, files=files), None
    header, data = describe_weights(path)
    variant_class = load_variant(header["config"]["variant"])
    config = resolve(header["config"]["variant"], variant_class.Options, header["config"])
    network = load_network(path, variant_class(config, data, None))
    return network_subject(str(path), said(path, "weights", header), data, [network]), config


def said(path: Path, kind: str, header: dict[str, Any]) -> dict[str, Any]:
    """What a weights file says of itself, for a result."""
    config = header["config"]
    return {
        "kind": kind,
        "path": str(path),
        "variant": config["variant"],
        "trained on": header["data"]["name"],
        "digest": header["data"]["digest"],
        "training seed": config["seed"],
        "step": header["step"],
        "images": header["images"],
        "weights": header["weights"],
        "checkpoint": f"best by {header['best']['metric']}" if "best" in header else "final",
    }


__all__ = ["evaluate", "open_exam", "open_subject"]
