"""What is shown while data is prepared and a network trains; all on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ganzoo.cli.options import speak
from ganzoo.registry.registry import registry

if TYPE_CHECKING:
    from ganzoo.display.choose import Kind


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


@contextmanager
def training_shown(kind: "Kind") -> Iterator[None]:
    """While this is open, trainings are shown on stderr: see :func:`ganzoo.display.choose.choose`."""
    from ganzoo.display.choose import choose

    display = choose(kind, sys.stderr, speak)
    if display is None:
        yield
        return
    registry().attach(display, "display", may_fail=True)
    try:
        with display:
            yield
    finally:
        registry().detach(display)
