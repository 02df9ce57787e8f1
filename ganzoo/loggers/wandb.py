"""A run at Weights & Biases: numbers, pictures of samples, settings, status."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wandb

from ganzoo.loggers.record import numbers, pixels, settings
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.runtime.files import replace_text

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

PROJECT = "ganzoo"
IDENTITY = "wandb-id.txt"
"""Keeps the name of the run at Weights & Biases, so that a resumed training goes on in the same one."""


class WandbLogger:
    """Tells a training to Weights & Biases. Its own environment variables (``WANDB_PROJECT``, ``WANDB_MODE``) hold."""

    def __init__(self) -> None:
        self._told: Any = None
        self._images = 0

    @hookimpl
    def ganzoo_run_started(self, run: "Run") -> None:
        """The run there begins, or goes on where a training was resumed."""
        self._images = run.images
        if self._told is not None:  # the run went back to a checkpoint
            return
        kept = run.path / IDENTITY
        if not kept.exists():
            replace_text(kept, secrets.token_hex(4) + "\n")
        self._told = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=kept.read_text(encoding="utf-8").strip(),
            name=run.path.name,
            dir=str(run.path),
            config={**settings(run.config), "versions": run.details.get("versions", {})},
            resume="allow",
        )

    @hookimpl
    def ganzoo_step_logged(self, run: "Run", record: Mapping[str, Any]) -> None:
        """Every number of the line, at its step. Steps that are there already are ignored by the service."""
        if self._told is not None:
            values = numbers(record, self._images)
            self._told.log({**values, "images": record["images"]}, step=record["step"])
        self._images = record["images"]

    @hookimpl
    def ganzoo_samples_saved(self, run: "Run", path: Path) -> None:
        """The picture of the samples."""
        if self._told is not None:
            self._told.log({"samples": wandb.Image(pixels(path))}, step=run.step)

    @hookimpl
    def ganzoo_run_finished(self, run: "Run", status: str) -> None:
        """The status, and the end."""
        if self._told is not None:
            self._told.summary["status"] = status
            self._told.finish(exit_code=0 if status == "finished" else 1)
            self._told = None
