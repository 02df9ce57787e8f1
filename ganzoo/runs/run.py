"""The run directory: settings, checkpoints, samples, status; and the trained network read back from it.

config.toml             the resolved settings
run.json                versions, device, data, status (running, finished, interrupted, failed and why)
scalars.jsonl           the history, one line per logged step (written by :mod:`ganzoo.runs.history`)
samples/                the same latents over time
checkpoints/            step-00010000.safetensors; the newest are kept
generator.safetensors   the trained network with all that is needed to rebuild it; generator-best.safetensors is as it
                        was when the first of the run's metrics was best
classifier.safetensors  the same of the network that classifies, if one does
"""

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.config.files import to_plain, to_toml
from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataInfo, check_images, to_unit
from ganzoo.errors import CheckpointError, RunError, UsageError
from ganzoo.metrics.base import Result
from ganzoo.models.interfaces import Classifier, Generator, Translator
from ganzoo.models.translate import enlarge
from ganzoo.models.variant import State, Variant
from ganzoo.report.pictures import save_picture
from ganzoo.runs.checkpoint import Own, save_state
from ganzoo.runtime.environment import now
from ganzoo.runtime.files import replace_file, sweep
from ganzoo.runtime.tensor_files import write_tensors

WEIGHTS = "generator.safetensors"
CLASSIFIER = "classifier.safetensors"
CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")


class Run:
    """One training, its directory and its current position.

    Attributes:
        path: the run directory.
        config: the resolved settings.
        data: what is known about the data.
        variant: what is trained.
        step, images: iterations done and real samples seen, as of the last line of the history.
        total_steps: iterations that the run will have.
        status: ``running``, ``finished``, ``interrupted`` or ``failed``; ``reason`` says why.
    """

    def __init__(self, path: Path, variant: Variant, details: dict[str, Any]) -> None:
        self.path = path
        self.variant = variant
        self.details = details
        self.config: RunConfig = variant.config
        self.data: DataInfo = variant.data
        self.step, self.images = details.get("step", 0), details.get("images", 0)
        self.total_steps = sum(stage.steps for stage in variant.stages())
        self.status, self.reason = str(details.get("status", "running")), str(details.get("reason", ""))

    # Beginning and end

    @classmethod
    def create(cls, path: Path, variant: Variant, details: dict[str, Any]) -> "Run":
        """A new run directory; it appears complete or not at all.

        Raises:
            RunError: something stands there already, or it cannot be written.
        """
        refuse_existing(path)
        run = cls(path, variant, {**details, "started": now()})
        building = path.with_name(building_name(path))
        try:
            for folder in ("samples", "checkpoints"):
                (building / folder).mkdir(parents=True)
            (building / "config.toml").write_text(to_toml(variant.config), encoding="utf-8")
            (building / "run.json").write_text(run._json(), encoding="utf-8")
            os.replace(building, path)
        except BaseException as error:  # an interrupt, too, must not leave half a run
            shutil.rmtree(building, ignore_errors=True)
            if isinstance(error, OSError):
                raise RunError(f"{path} cannot be created: {error.strerror or error}. Choose another --out.") from error
            raise
        return run

    def resume(self) -> None:
        """Say that training goes on, and with which settings (a resumed run may be given more steps)."""
        sweep(self.path)
        text = to_toml(self.config)
        replace_file(self.path / "config.toml", lambda temporary: temporary.write_text(text, encoding="utf-8"))
        self.finish("running")

    def finish(self, status: str, reason: str = "") -> None:
        """Write the status."""
        self.status, self.reason = status, reason
        self.write()

    def write(self) -> None:
        """Write ``run.json``."""
        text = self._json()
        replace_file(self.path / "run.json", lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def _json(self) -> str:
        position = {"status": self.status, "reason": self.reason, "step": self.step, "images": self.images}
        return json.dumps({**self.details, **position, "updated": now()}, indent=2) + "\n"

    # What is written while training

    def header(self, state: State) -> dict[str, Any]:
        """What every safetensors file of this run says about itself."""
        return {
            "machine": {key: self.details.get(key) for key in ("device", "hardware", "threads")},
            "config": to_plain(self.config),
            "data": dataclasses.asdict(self.data),
            "versions": self.details.get("versions", {}),
            "step": state.step,
            "images": state.images,
        }

    def save_checkpoint(self, state: State, ranks: Sequence[Own] = ()) -> Path:
        """Write a checkpoint and the weights as of now, then remove checkpoints older than the newest ``keep``.

        Args:
            ranks: what each of several processes has of its own, of rank 0 on.
        """
        path = self.path / "checkpoints" / f"step-{state.step:08d}.safetensors"
        path.parent.mkdir(exist_ok=True)
        save_state(path, state, self.header(state), ranks)
        self.save_weights(state)
        for old in self.checkpoints()[: -self.config.keep]:
            old.unlink()
        self.step, self.images = state.step, state.images
        self.write()
        return path

    def save_weights(self, state: State) -> Path:
        """Write each trained network alone (its average where there is one): what is shared and loaded.

        Where a metric tells which weights were best, these too, as ``generator-best.safetensors``.
        """
        for name in filter(None, (self.variant.classifier, self.variant.main)):
            header = {**self.header(state), "network": name, "weights": "EMA" if name in state.ema else "raw"}
            write_tensors(self.weights_path(name), self.variant.trained(state, name).state_dict(), header)
            if best := state.best:
                said = {"metric": best.metric, "value": best.value, "latents": best.latents}
                header |= {"step": best.step, "images": best.images, "best": said}
                write_tensors(self.weights_path(name, best=True), best.weights[name], header)
        return self.path / WEIGHTS

    def weights_path(self, name: str, best: bool = False) -> Path:
        """Where the weights of the network ``name`` lie."""
        file = WEIGHTS if name == self.variant.main else CLASSIFIER
        return self.path / (file.replace(".", "-best.") if best else file)

    def save_samples(self, state: State) -> Path:
        """Write the picture of the same latents as always, by the averaged network where there is one."""
        name = self.variant.main
        network = self.variant.trained(state, name)
        training = network.training
        network.eval()  # without an average it is the one that is trained: its running statistics must not move
        try:
            samples, columns = self.variant.preview(network)
        finally:
            network.train(training)
        path = self.path / "samples" / f"step-{state.step:08d}.png"
        path.parent.mkdir(exist_ok=True)
        save_picture(path, samples, columns)
        return path

    # What is read back

    def checkpoints(self) -> list[Path]:
        """The kept checkpoints, oldest first."""
        return checkpoints(self.path)

    def latest(self) -> Path:
        """The newest checkpoint; CheckpointError when there is none."""
        return latest_checkpoint(self.path)

    def network(self) -> nn.Module:
        """The trained network, a Generator or a Translator, in eval mode, on the CPU."""
        from ganzoo.runs.weights import load_network  # a run knows its weights file, and weights know nothing of runs

        return load_network(self.path / WEIGHTS, self.variant)

    def generator(self) -> Generator:
        """The trained generator, in eval mode, on the CPU.

        Raises:
            CheckpointError: the run has not come so far, or its network is no generator of samples.
        """
        network = self.network()
        if not isinstance(network, Generator):
            raise CheckpointError(f"{self.path / WEIGHTS} holds a {type(network).__name__}: it draws no samples.")
        return network

    def sample(self, n: int, labels: Tensor | list[int] | int | None = None, seed: int = 0) -> Tensor:
        """``n`` samples of the trained generator; see :meth:`ganzoo.models.interfaces.Generator.sample`."""
        return self.generator().sample(n, labels, seed)

    def classifier(self) -> Classifier:
        """The trained classifier, in eval mode, on the CPU.

        Raises:
            UsageError: this variant trains none.
            CheckpointError: the run has not come so far.
        """
        from ganzoo.runs.weights import load_network

        if not self.variant.classifier:
            raise UsageError(f"{self.path}: variant {self.config.variant!r} trains no classifier.")
        network = load_network(self.path / CLASSIFIER, self.variant)
        assert isinstance(network, Classifier), f"{self.variant.classifier!r} is a {type(network).__name__}"
        return network

    def classify(self, images: Tensor) -> Tensor:
        """Probabilities [N, classes] of images [N, C, H, W], uint8 or in [-1, 1].

        Raises:
            UsageError: this variant trains no classifier, or images of another shape or range than it was trained on.
            CheckpointError: the run has not come so far.
        """
        network = self.classifier()
        check_images(images, *self.data.shape)
        with torch.no_grad():
            return network(to_unit(images).float().cpu()).softmax(1)

    def evaluate(self, metrics: Iterable[str], against: str | None = None, **arguments: Any) -> list[Result]:
        """Metrics by name, of the run's newest weights; see :func:`ganzoo.metrics.evaluate.evaluate`."""
        from ganzoo.metrics.evaluate import evaluate  # which opens runs

        return evaluate(self.path, metrics, against, **arguments)

    def enlarge(self, images: Tensor, tile: int | None = None) -> Tensor:
        """Images [N, C, H, W] of any size, uint8 or in [-1, 1], through a network that translates, to uint8.

        See :mod:`ganzoo.models.translate`.

        Raises:
            UsageError: the network draws samples instead; images of other channels, or out of range.
        """
        network = self.network()
        if not isinstance(network, Translator):
            raise UsageError(f"{self.path}: variant {self.config.variant!r} draws samples, it enlarges no images.")
        check_images(images, self.data.shape[0], None, None)
        return enlarge(network, images, tile)


def building_name(path: Path) -> str:
    """What a run directory is called until it is complete."""
    return f".{path.name}.{os.getpid()}.tmp"


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run directory, oldest first."""
    found = {int(m[1]): p for p in (folder / "checkpoints").glob("*") if (m := CHECKPOINT.fullmatch(p.name))}
    return [found[step] for step in sorted(found)]


def latest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint of a run directory.

    Raises:
        CheckpointError: there is none.
    """
    found = checkpoints(folder)
    if not found:
        raise CheckpointError(
            f"{folder} holds no checkpoint: there is nothing to resume from. Remove it, or train to another --out."
        )
    return found[-1]


def refuse_existing(path: Path) -> None:
    """Raise RunError when a run cannot be created at ``path`` because something stands there, or above is no folder."""
    try:
        _refuse_existing(path)
    except OSError as error:  # a name too long, a folder that may not be entered
        raise RunError(f"{path} cannot be created: {error.strerror or error}. Choose another --out.") from error


def _refuse_existing(path: Path) -> None:
    if path.resolve() == Path.cwd():
        raise RunError(f"{path} is the current folder: name a new one with --out.")
    if path.exists() or path.is_symlink():
        if path.is_dir() and not any(path.iterdir()):
            return
        advice = "add --resume to continue it, or choose another --out" if checkpoints(path) else "choose another --out"
        raise RunError(f"{path} exists: {advice}.")
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise RunError(f"{path} cannot be created: {above} is a file. Choose another --out.")
    (above / building_name(path)).exists()  # a name that is too long raises here, before anything is made
    if not os.access(above, os.W_OK | os.X_OK):
        raise RunError(f"{path} cannot be created: {above} is not writable. Choose another --out.")


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
