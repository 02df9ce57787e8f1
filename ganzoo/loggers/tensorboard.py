"""A run as event files for TensorBoard: numbers, pictures of samples, settings, warnings."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch.utils.tensorboard import SummaryWriter

from ganzoo.loggers.record import numbers, pixels
from ganzoo.registry.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

FOLDER = "tensorboard"
"""Where the event files lie in a run directory."""
FLUSH_SECONDS = 10


class TensorBoardLogger:
    """Writes ``tensorboard/`` in the run directory; ``tensorboard --logdir runs`` shows all runs."""

    def __init__(self) -> None:
        self._writer: SummaryWriter | None = None
        self._images = 0

    @hookimpl
    def ganzoo_run_started(self, run: "Run") -> None:
        """A new event file. What was written after the checkpoint that is resumed from is hidden: it comes again."""
        if self._writer is not None:  # the run went back to a checkpoint
            self._writer.close()
        # As the history: the line of a step that was saved but not looked at will be written again.
        again = run.step + run.looked if run.step else None
        self._writer = SummaryWriter(str(run.path / FOLDER), purge_step=again, flush_secs=FLUSH_SECONDS)
        self._images = run.images
        text = (run.path / "config.toml").read_text(encoding="utf-8")
        self._writer.add_text("settings", f"```toml\n{text}```", run.step)

    @hookimpl
    def ganzoo_step_logged(self, run: "Run", record: Mapping[str, Any]) -> None:
        """Every number of the line, at its step."""
        if self._writer is None:
            return
        for name, value in numbers(record, self._images).items():
            self._writer.add_scalar(name, value, record["step"])
        if found := record.get("warnings"):
            self._writer.add_text("warnings", ", ".join(found), record["step"])
        self._images = record["images"]

    @hookimpl
    def ganzoo_samples_saved(self, run: "Run", path: Path) -> None:
        """The picture of the samples."""
        if self._writer is not None:
            self._writer.add_image("samples", pixels(path), run.step, dataformats="HWC")

    @hookimpl
    def ganzoo_run_finished(self, run: "Run", status: str) -> None:
        """Everything is on disk afterwards."""
        if self._writer is not None:
            self._writer.add_text("status", f"{status}: {run.reason}" if run.reason else status, run.step)
            self._writer.close()
            self._writer = None
