"""``ganzoo evaluate``: a run, a weights file or a folder of images, measured by metrics that are requested by name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.decode import Decoder, stored_shape
from ganzoo.data.load import load_dataset
from ganzoo.data.progress import Progress, silent
from ganzoo.data.sources.folder import file_dataset, open_folder, part_of_folder
from ganzoo.data.store import data_root
from ganzoo.errors import DataError, UsageError
from ganzoo.metrics.base import Result
from ganzoo.metrics.cache import FOLDER
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import applicable, check, load_metrics, measure_all, network_target
from ganzoo.metrics.targets import EvaluationTarget, FolderTarget
from ganzoo.models.load import load_as_trained, load_variant, without_limit
from ganzoo.runs.run import weights_path
from ganzoo.runs.trained import open_networks
from ganzoo.runs.weights import describe_weights, weights_in
from ganzoo.runtime.device import choose_device, layout


def evaluate(
    source: str | Path,
    metrics: Iterable[str],
    reference: str | None = None,
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
        reference: the data set to compare with; default: what it was trained on.
        seed: of the latents.
        weights: a file of Inception's or VGG's weights, instead of the one in torch's cache.

    Raises:
        UsageError: an unknown metric, one that makes no sense here, or no data set to compare a folder with.
        DataError: fewer images than the protocol needs, sizes that differ, missing data or weights.
    """
    names = list(metrics)
    context = open_context(source, names, reference, seed=seed, device=device, weights=weights, progress=progress)
    if not names:
        raise UsageError(f"name a metric; these make sense here: {', '.join(applicable(context)) or 'none'}.")
    loaded = load_metrics(names)
    check(loaded, context)
    return measure_all(loaded, context)


def open_context(
    source: str | Path,
    names: list[str],
    reference: str | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    weights: str | Path | None = None,
    progress: Progress = silent,
) -> EvaluationContext:
    """The context that :func:`evaluate` holds; what is needed of real samples is loaded when it is requested."""
    path = Path(source).expanduser()
    if not path.exists():
        raise UsageError(f"{path}: no such run, weights file or folder.")
    chosen = choose_device(device)
    target, config = open_target(path)
    for network in target.roles.values():
        layout(network.to(chosen))  # as while training: the last bits depend on it
    trained = config.dataset if config else ""
    held = reference or trained or _own_data(path, names)
    return EvaluationContext(
        target=target,
        against=held,
        load=lambda split: load_reference(held, split, target, config, progress),
        load_other=lambda name, split: load_reference(name, split, target, config, progress),
        device=chosen,
        trained=trained,
        seed=seed,
        weights=Path(weights).expanduser() if weights is not None else None,
        cache=data_root() / FOLDER,
        progress=progress,
    )


def load_reference(
    name: str, split: str, target: EvaluationTarget, config: RunConfig | None, progress: Progress = silent
) -> Dataset:
    """Real samples as the target's training had them, or, for a folder of images, as they are stored.

    Raises:
        SplitMissingError: no such split.
        DataError: two folders whose images are of different sizes; missing or damaged data.
    """
    kind, _, argument = name.partition(":")
    if config is not None:
        return load_as_trained(load_variant(config.variant), without_limit(config), name, split, progress)
    if kind != "folder" or not isinstance(target, FolderTarget):
        return load_dataset(name, RunConfig(variant="none", dataset=name), split or None, progress)
    folder, listing = open_folder(argument, root=data_root(), progress=progress)
    request = DataRequest(name=kind, argument=argument, root=data_root(), split=split or "train", progress=progress)
    part = part_of_folder(request, folder, listing.images)
    for file in part.images:
        refuse_size(part.folder / file, target)
    channels, height, width = target.shape
    decoder = Decoder(channels, height, width)
    return file_dataset(request, name, part.folder, part.images, decoder, part.labels, part.classes)


def refuse_size(file: Path, target: FolderTarget) -> None:
    """Raise DataError for an image that is not stored in the target's size; only its header is read."""
    if (shape := stored_shape(file)) != target.shape:
        raise DataError(
            f"{file} is of {shape}, the first image of {target.name} of {target.shape}: sizes differ, and nothing is "
            "rescaled for a metric."
        )


def _own_data(path: Path, names: list[str]) -> str:
    """The data set that all metrics' feature_classifiers belong to."""
    extractors = {metric.spec.extractor for metric in load_metrics(names)}
    from ganzoo.metrics.specs import CLASSIFIED

    if len(extractors) == 1 and (only := extractors.pop()) in CLASSIFIED:
        return only
    raise UsageError(f"{path} is a folder of images: name the data set to compare it with: --reference NAME.")


def open_target(path: Path) -> tuple[EvaluationTarget, RunConfig | None]:
    """What lies at ``path``, and the settings it was trained with, if it was.

    Raises:
        RunError, CheckpointError: a run or a weights file that cannot be used.
        DataError: a folder without images.
    """
    path = weights_in(path)
    if path.is_dir() and (path / "run.json").exists():
        variant, networks = open_networks(path)
        header, data = describe_weights(weights_path(path, next(iter(networks))))
        return network_target(str(path), said(path, "run", header), data, networks), variant.config
    if path.is_dir():
        folder, listing = open_folder(str(path), least=1)
        files = [folder / file for file in listing.images]
        about = {"kind": "folder", "path": str(path)}
        return FolderTarget(str(path), about, stored_shape(files[0]), files=files), None
    variant, networks = open_networks(path)
    header, data = describe_weights(path)
    return network_target(str(path), said(path, "weights", header), data, networks), variant.config


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
        "checkpoint": f"best by {header['best']['metric']}" if "best" in header else "newest",
        "trained with": header["versions"],
    }


__all__ = ["evaluate", "open_context", "open_target"]
