"""A training as a panel in a terminal: progress, the course of every logged value, and some of the newest samples.

A thread of its own draws it, twice a second. What goes wrong with it costs the panel alone: plain lines follow.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganzoo.display.course import Course, opening
from ganzoo.display.lines import PLAIN_SECONDS, line
from ganzoo.display.preview import HalfBlocks, preview
from ganzoo.display.sparkline import sparkline
from ganzoo.errors import describe, printable
from ganzoo.registry.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

REFRESH_SECONDS = 0.5
MOST_ROWS = 16
"""Lines of a preview at most."""
FRAME = 4
"""Columns of the border and what is left free beside it."""


class TrainingPanel:
    """Listens to the lifecycle hooks of a run and keeps a panel up to date.

    Args:
        say: takes one line of text, above the panel.
        console: where it is drawn.
        pictures: also show samples.
    """

    def __init__(self, say: Callable[[str], None], console: Console, pictures: bool) -> None:
        self.say, self.console, self.pictures = say, console, pictures
        self.course = Course()
        self._live: Live | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._spoken = time.monotonic()
        self._drawn: tuple[Path | None, int, int] = (None, 0, 0)
        self._preview: HalfBlocks | None = None

    def __enter__(self) -> "TrainingPanel":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    # What happens in the run

    @hookimpl
    def ganzoo_run_started(self, run: "Run") -> None:
        """What begins, and the panel below."""
        self.course.start(run)
        for text in opening(run):
            self.say(text)
        if self._live is not None:  # the run went back to a checkpoint
            return
        try:
            # What is printed goes above the panel, unless it is on its way to a pipe.
            self._live = Live(self, console=self.console, auto_refresh=False, redirect_stdout=sys.stdout.isatty())
            self._live.start()
        except Exception as error:  # whatever a terminal can do wrong
            self._lose(error)
            return
        self._thread = threading.Thread(target=self._keep_drawing, name="ganzoo-panel", daemon=True)
        self._thread.start()

    @hookimpl
    def ganzoo_step_logged(self, run: "Run", record: Mapping[str, Any]) -> None:
        """New numbers; a plain line where the panel is lost."""
        self.course.log(record)
        if self._live is not None:
            return
        if record["step"] == run.total_steps or time.monotonic() - self._spoken >= PLAIN_SECONDS:
            self._spoken = time.monotonic()
            self.say(line(self.course))

    @hookimpl
    def ganzoo_samples_saved(self, run: "Run", path: Path) -> None:
        """A new picture."""
        with self.course.lock:
            self.course.samples = path

    # Drawing

    def _keep_drawing(self) -> None:
        while not self._over.wait(REFRESH_SECONDS):
            live = self._live
            if live is None:
                return
            try:
                live.refresh()
            except Exception as error:  # a terminal that is closed, too small, or speaks another language
                self._lose(error)
                return

    def _lose(self, error: Exception) -> None:
        live, self._live = self._live, None
        if live is not None:
            with suppress(Exception):
                live.stop()
        self.say(f"the panel is lost ({describe(error)}); plain lines follow.")

    def _close(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(2)
            if self._thread.is_alive():
                return  # the terminal takes nothing more; it must not hold up the end of a training
        live, self._live = self._live, None
        if live is not None:
            with suppress(Exception):
                live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        with self.course.lock:
            yield self._panel(options.max_width, console.size.height)

    def _panel(self, width: int, height: int) -> RenderableType:
        run = self.course.run
        assert run is not None, "drawn only once a run has started"
        inner = max(10, width - FRAME)
        values = self.course.values()
        # Border, progress, speed, path, and a line that a terminal wants below.
        fits = max(1, height - 6)
        parts: list[RenderableType] = [self._progress(inner), self._speed()]
        if values:
            parts.append(self._table(values[:fits], inner))
        else:
            parts.append(Text("waiting for the first line of the history", style="dim"))
        rows = min(MOST_ROWS, height - 6 - max(1, min(len(values), fits)) - 1)
        picture = self._picture(inner, rows) if self.pictures and rows >= 4 else None
        if picture is not None:
            parts += [Text(), picture]
        what, where = ("samples ", self.course.samples) if self.course.samples else ("run ", run.path)
        # Text, not markup: a path may hold square brackets.
        parts.append(Text.assemble((what, "dim"), tail(printable(str(where)), inner - len(what)), no_wrap=True))
        title = Text(printable(f"{run.config.variant} on {run.data.name}"), style="bold")
        return Panel(Group(*parts), title=title, title_align="left", border_style="cyan", width=width)

    def _progress(self, width: int) -> RenderableType:
        run, step = self.course.run, self.course.step
        assert run is not None
        said = f" {step:,}/{run.total_steps:,}"
        left = f"  {self.course.left()} left" if self.course.record else "  starting"
        said += left if width >= len(said) + len(left) + 10 else ""
        table = Table.grid(expand=True)
        table.add_column(ratio=1)
        table.add_column(justify="right", no_wrap=True)
        table.add_row(ProgressBar(total=run.total_steps, completed=step), Text(said))
        return table

    def _speed(self) -> RenderableType:
        run, record = self.course.run, self.course.record
        assert run is not None
        said = [f"{record.get('images', run.images):,} images"]
        if record:
            said.append(f"{self.course.rate:,.0f} images/s")
        if len(run.plan or ()) > 1 and "stage" in record:
            said.append(f"stage {record['stage']}")
        said.append(f"on {run.details['device']}")
        return Text(", ".join(said), style="dim", no_wrap=True, overflow="ellipsis")

    def _table(self, values: list[tuple[str, float]], width: int) -> RenderableType:
        """A row for each value: name, last value, and its course as far as there is room."""
        names = min(max(len(name) for name, _ in values), max(8, width // 2))
        numbers = [f"{value:.4g}" if abs(value) >= 1000 else f"{value:.3f}" for _, value in values]
        room = width - names - max(map(len, numbers)) - 4
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=names, no_wrap=True, overflow="ellipsis", style="dim")
        table.add_column(justify="right", no_wrap=True, style="bold")
        if room >= 8:
            table.add_column(no_wrap=True, style="cyan")
        for (name, _), number in zip(values, numbers, strict=True):
            cells = [Text(printable(name)), Text(number)]
            if room >= 8:
                cells.append(Text(sparkline(self.course.series[name].values, room)))
            table.add_row(*cells)
        return table

    def _picture(self, width: int, rows: int) -> HalfBlocks | None:
        """The newest samples; read again only when they, or the room for them, have changed."""
        wanted = self.course.samples, width, rows
        if wanted != self._drawn:
            self._drawn = wanted
            run, path = self.course.run, self.course.samples
            assert run is not None
            if path is not None:
                with suppress(OSError, ValueError, SyntaxError):  # the last picture stays
                    self._preview = preview(path, run.data.shape, width, rows)
        found = self._preview
        return found if found is not None and found.width <= width and found.rows <= rows else None


def tail(text: str, room: int) -> str:
    """The end of a path that is too long says more than its beginning."""
    return text if len(text) <= room else f"…{text[len(text) - max(0, room - 1) :]}"


__all__ = ["TrainingPanel"]
