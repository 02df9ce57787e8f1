"""A training as plain lines, for pipes, log files and terminals that can do no more."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ganzoo.display.course import Course, opening
from ganzoo.registry.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

PLAIN_SECONDS = 10.0
"""A plain line appears at most this often, so that a log file stays readable."""


class TrainingLines:
    """Listens to the lifecycle hooks of a run and says losses, D(x), D(G(z)), images/s and the time left.

    Args:
        say: takes one line of text.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.course = Course()
        self._spoken = time.monotonic()

    def __enter__(self) -> "TrainingLines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    @hookimpl
    def ganzoo_run_started(self, run: "Run") -> None:
        """What begins."""
        self.course.start(run)
        for text in opening(run):
            self.say(text)

    @hookimpl
    def ganzoo_step_logged(self, run: "Run", record: Mapping[str, Any]) -> None:
        """A line now and then, and at the end."""
        self.course.log(record)
        if record["step"] == run.total_steps or time.monotonic() - self._spoken >= PLAIN_SECONDS:
            self._spoken = time.monotonic()
            self.say(line(self.course))


def line(course: Course) -> str:
    """The last line of the history, for people."""
    assert course.run is not None, "something was logged"
    values = "  ".join(f"{name} {value:.3f}" for name, value in course.values())
    return (
        f"step {course.step:,}/{course.run.total_steps:,}  images {course.record['images']:,}  {values}  "
        f"{course.rate:,.0f} images/s  {course.left()} left"
    )
