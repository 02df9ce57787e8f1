"""What is shown while work goes on: a live panel on a terminal, plain lines elsewhere; all on stderr."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ganzoo.cli.options import speak
from ganzoo.registry.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

PLAIN_SECONDS = 10.0
"""A plain line appears at most this often, so that a log file stays readable."""

HIDDEN = ("step", "images", "stage", "seconds", "warnings")


class DataProgress:
    """Shows long preparations of data: call it with (what, done, total)."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._bar: Progress | None = None
        self._tasks: dict[str, Any] = {}
        self._said = ""

    def __enter__(self) -> "DataProgress":
        if not self.quiet and sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._bar is not None:
            if what not in self._tasks:
                self._tasks[what] = self._bar.add_task(what)
            self._bar.update(self._tasks[what], completed=done, total=total or None)
        elif not self.quiet and what != self._said:
            self._said = what
            speak(f"{what} ...")


class TrainingDisplay:
    """Listens to the lifecycle hooks of a run and shows losses, D(x), D(G(z)), images/s and the time left."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._live: Live | None = None
        self._record: Mapping[str, Any] = {}
        self._rate = 0.0
        self._images = 0
        self._spoken = time.monotonic()
        self._samples: Path | None = None
        self._run: Run | None = None

    def __enter__(self) -> "TrainingDisplay":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            with suppress(OSError, ValueError):  # the terminal may be closed
                self._live.stop()

    @hookimpl
    def ganzoo_run_started(self, run: "Run") -> None:
        self._run, self._images = run, run.images
        if self.quiet:
            return
        data = run.data
        verb = f"resuming at step {run.step:,}" if run.step else "training"
        shape = "x".join(map(str, data.shape))
        speak(
            f"{verb}: {run.config.variant} on {data.name} ({data.count:,} {data.kind} of {shape}), "
            f"{run.total_steps:,} steps of {run.config.batch_size}, on {run.details['device']} -> {run.path}"
        )
        if sys.stderr.isatty():
            self._live = Live(self, console=Console(stderr=True), refresh_per_second=4)
            with suppress(OSError, ValueError):
                self._live.start()

    @hookimpl
    def ganzoo_step_logged(self, run: "Run", record: Mapping[str, Any]) -> None:
        images = record["images"] - self._images
        self._images = record["images"]
        rate = images / record["seconds"] if record["seconds"] else 0.0
        # Half the old rate keeps the time left from jumping.
        self._rate = rate if not self._rate else 0.5 * (self._rate + rate)
        self._record = record
        last = record["step"] == run.total_steps
        if self.quiet or self._live is not None:
            return
        if last or time.monotonic() - self._spoken >= PLAIN_SECONDS:
            self._spoken = time.monotonic()
            values = "  ".join(f"{name} {value:.3f}" for name, value in self._values())
            speak(
                f"step {record['step']:,}/{run.total_steps:,}  images {record['images']:,}  {values}  "
                f"{self._rate:,.0f} images/s  {self._left()} left"
            )

    @hookimpl
    def ganzoo_samples_saved(self, run: "Run", path: Path) -> None:
        self._samples = path

    def _values(self) -> list[tuple[str, float]]:
        return [(name, value) for name, value in self._record.items() if name not in HIDDEN]

    def _left(self) -> str:
        assert self._run is not None
        if not self._rate:
            return "?"
        seconds = int((self._run.total_steps - self._record["step"]) * self._run.config.batch_size / self._rate)
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"

    def __rich__(self) -> Panel:
        """The live panel."""
        assert self._run is not None
        run, step = self._run, self._record.get("step", self._run.step)
        bar = Progress(
            TextColumn("step"), BarColumn(bar_width=None), MofNCompleteColumn(), TextColumn("{task.description}")
        )
        left = f"{self._left()} left" if self._record else "starting"
        bar.add_task(left, total=run.total_steps, completed=step)
        table = Table.grid(padding=(0, 3))
        names = self._values() or [("waiting for the first line of the history", float("nan"))]
        table.add_row(*(f"[dim]{name}[/dim]" for name, _ in names), "[dim]images[/dim]", "[dim]images/s[/dim]")
        if self._record:
            seen = f"{self._record['images']:,}"
            table.add_row(*(f"{value:.3f}" for _, value in names), seen, f"{self._rate:,.0f}")
        # Text, not markup: a path may hold square brackets.
        where = Text.assemble(("samples " if self._samples else "run ", "dim"), str(self._samples or run.path))
        title = Text(f"{run.config.variant} on {run.data.name}")
        return Panel(Group(bar, table, where), title=title, title_align="left")
