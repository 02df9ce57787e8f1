"""The run directory, as a training writes it.

config.toml             the resolved settings
run.json                versions, device, data, status (running, finished, interrupted, failed and why)
scalars.jsonl           the history, one line per logged step (written by :mod:`ganzoo.runs.history`)
samples/                the same latents over time
report.html             the page to look at, written when the training ends (by :mod:`ganzoo.report.page`)
checkpoints/            step-00010000.safetensors; the newest are kept
ROLE.safetensors        a trained network (generator, a2b, encoder ...) with all that is needed to rebuild it
ROLE-best.safetensors   the same as it was when the metric that chooses was best
"""

import dataclasses
import glob
import json
import os
import platform
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganzoo.config.files import to_plain, to_toml
from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataInfo
from ganzoo.errors import CheckpointError, RunError
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.runs.checkpoint import Own, save_state
from ganzoo.runtime.environment import now
from ganzoo.runtime.files import read_json, replace_text, sweep
from ganzoo.runtime.tensor_files import write_tensors

KINDS = {
    "step": int, "images": int, "status": str, "reason": str, "started": str, "device": str, "hardware": str,
    "threads": int, "versions": dict, "data": dict, "metrics": dict, "warnings": list,
}  # fmt: skip
"""What ``run.json`` holds, as far as anything relies on it."""

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
        plan: name and steps of every stage, once they are known.
        looked: what follows the current step (metrics, the history, samples) is done, not only saved.
        status: ``running``, ``finished``, ``interrupted`` or ``failed``; ``reason`` says why.
    """

    def __init__(self, path: Path, variant: Variant, details: dict[str, Any]) -> None:
        self.path = path
        self.variant = variant
        self.details = details
        self.config: RunConfig = variant.config
        self.data: DataInfo = variant.data
        self.step, self.images = details.get("step", 0), details.get("images", 0)
        self.total_steps = variant.config.steps
        self.plan: list[dict[str, Any]] | None = None
        self.looked = True
        self.status, self.reason = str(details.get("status", "running")), str(details.get("reason", ""))

    # Beginning and end

    @classmethod
    def create(cls, path: Path, variant: Variant, details: dict[str, Any]) -> "Run":
        """A new run directory; it appears complete or not at all.

        Raises:
            RunError: something is there already, or it cannot be written.
        """
        refuse_existing(path)
        sweep_buildings(path)
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
        replace_text(self.path / "config.toml", text)
        self.finish("running")

    def finish(self, status: str, reason: str = "") -> None:
        """Write the status."""
        self.status, self.reason = status, reason
        self.write()

    def write(self) -> None:
        """Write ``run.json``."""
        text = self._json()
        replace_text(self.path / "run.json", text)

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
            "stages": self.plan,
            "looked": self.looked,
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

    def save_weights(self, state: State) -> None:
        """Write each exported network by itself (its average where there is one): what is shared and loaded.

        Where a metric tells which weights were best, these too, as ``ROLE-best.safetensors``.
        """
        for role, name in self.variant.exports().items():
            header = {
                **self.header(state), "role": role, "network": name, "weights": "EMA" if name in state.ema else "raw",
            }  # fmt: skip
            write_tensors(weights_path(self.path, role), self.variant.trained(state, role).state_dict(), header)
            if best := state.best:
                said = {"metric": best.metric, "value": best.value, "latents": best.latents}
                header |= {"step": best.step, "images": best.images, "best": said}
                write_tensors(weights_path(self.path, role, best=True), best.weights[name], header)

    def samples_path(self, step: int) -> Path:
        """Where the picture of the samples after ``step`` iterations goes; its folder is made."""
        folder = self.path / "samples"
        folder.mkdir(exist_ok=True)
        return folder / f"step-{step:08d}.png"

    def checkpoints(self) -> list[Path]:
        """The kept checkpoints, oldest first."""
        return checkpoints(self.path)

    def latest(self) -> Path:
        """The newest checkpoint; CheckpointError when there is none."""
        return latest_checkpoint(self.path)


def building_name(path: Path) -> str:
    """What a run directory is called until it is complete: no two starts have one name, on no machine."""
    return f".{path.name}.{platform.node()}.{os.getpid()}.{os.urandom(4).hex()}.tmp"


def sweep_buildings(path: Path) -> None:
    """Remove what processes of this machine that were killed have begun to build beside ``path``."""
    start = f".{path.name}.{platform.node()}."
    for left in path.parent.glob(f"{glob.escape(start)}*.tmp") if path.parent.is_dir() else ():
        pid = left.name.removeprefix(start).partition(".")[0]
        if pid.isdigit() and not is_running(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def is_running(pid: int) -> bool:
    """Whether this machine has a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # someone else's
    return True


def weights_path(folder: Path, role: str, best: bool = False) -> Path:
    """Where the weights of a role lie in a run directory."""
    return folder / f"{role}{'-best' if best else ''}.safetensors"


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run directory, oldest first."""
    found = {int(m[1]): p for p in (folder / "checkpoints").glob("*") if (m := CHECKPOINT.fullmatch(p.name))}
    return [found[step] for step in sorted(found)]


def latest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint of a run directory. Raises as :func:`kept_checkpoints`."""
    return kept_checkpoints(folder)[-1]


def kept_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run directory, oldest first.

    Raises:
        CheckpointError: there is none.
    """
    found = checkpoints(folder)
    if not found:
        raise CheckpointError(
            f"{folder} holds no checkpoint: there is nothing to resume from. Remove it, or train to another --out."
        )
    return found


def refuse_existing(path: Path) -> None:
    """Raise RunError when no run can be created at ``path``: something is there, or its parent is not a folder."""
    try:
        str(path).encode()
        _refuse_existing(path)
    except UnicodeEncodeError:
        raise RunError(f"{str(path)!a} is not UTF-8: choose another --out.") from None
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
        RunError: the folder is not a run directory.
    """
    try:
        found = read_json(folder / "run.json")
        for key, kind in KINDS.items():
            if key in found and (not isinstance(found[key], kind) or isinstance(found[key], bool)):
                raise ValueError(f"its {key!r} is not what was written")
        if not all(isinstance(w, dict) and type(w.get("step")) is int for w in found.get("warnings", [])):
            raise ValueError("its 'warnings' are not what was written")
    except (OSError, ValueError) as error:
        raise RunError(f"{folder} is not a run directory: run.json is missing or damaged ({error}).") from error
    return found
