"""A training in a notebook: numbers, their courses and the newest samples below the cell, kept up to date."""

import base64
import html
import io
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from PIL import Image

from ganzoo.display.course import Course, in_buckets
from ganzoo.errors import ConfigError
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.registry import registry

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

PythonKind = Literal["auto", "notebook", "none"]
UPDATE_SECONDS = 1.0
WIDTH, HEIGHT = 220, 28
"""Pixels of a curve."""
MOST_SIDE = 1024
"""A larger picture is made smaller: it would stay in the notebook's file."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


class NotebookDisplay:
    """Listens to the lifecycle hooks of a run and updates two outputs of the cell: numbers, and a picture."""

    def __init__(self) -> None:
        self.course = Course()
        self._numbers: Any = None
        self._picture: Any = None
        self._updated = 0.0

    @hookimpl
    def ganzoo_run_started(self, run: "Run") -> None:
        """The outputs appear."""
        self.course.start(run)
        self._show()

    @hookimpl
    def ganzoo_step_logged(self, run: "Run", record: Mapping[str, Any]) -> None:
        """New numbers, once a second at most, and the last ones."""
        self.course.log(record)
        if record["step"] == run.total_steps or time.monotonic() - self._updated >= UPDATE_SECONDS:
            self._show()

    @hookimpl
    def ganzoo_samples_saved(self, run: "Run", path: Path) -> None:
        """A new picture in the place of the last one."""
        self.course.samples = path
        self._picture = put(self._picture, picture(path, f"samples of {run.path.name} at step {run.step:,}"))

    @hookimpl
    def ganzoo_run_finished(self, run: "Run", status: str) -> None:
        """How it ended."""
        self._show(f"{status}: {run.reason}" if run.reason else status)

    def _show(self, status: str = "running") -> None:
        self._updated = time.monotonic()
        self._numbers = put(self._numbers, numbers(self.course, status))


def put(handle: Any, content: str) -> Any:
    """Show HTML in the output of a handle, or in a new one; returns the handle."""
    from IPython.display import HTML, display

    if handle is None:
        return display(HTML(content), display_id=True)
    handle.update(HTML(content))
    return handle


def numbers(course: Course, status: str) -> str:
    """The state of a training as HTML that looks right in light and in dark notebooks."""
    run = course.run
    assert run is not None, "shown only once a run has started"
    rows = "".join(
        f"<tr><td style='text-align:left'>{html.escape(name)}</td><td>{value:.4g}</td>"
        f"<td>{curve(course.series[name].values, name)}</td></tr>"
        for name, value in course.values()
    )
    speed = f"{course.rate:,.0f} images/s, {course.left()} left" if course.record else "starting"
    return (
        f"<div><div>{'<br>'.join(map(html.escape, course.opening))}</div>"
        f"<progress value='{course.step}' max='{run.total_steps}' style='width:20em' "
        f"aria-label='progress'></progress> {course.step:,}/{run.total_steps:,}, {speed} ({html.escape(status)})"
        f"<table>{rows}</table></div>"
    )


def curve(values: list[float], name: str) -> str:
    """The course of a value as an SVG line; empty with fewer than two values."""
    shown = in_buckets(values, WIDTH // 2)
    finite = [value for value in shown if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    low, span = min(finite), (max(finite) - min(finite)) or 1.0
    points = " ".join(
        f"{i * WIDTH / max(1, len(shown) - 1):.1f},{HEIGHT - 2 - (value - low) / span * (HEIGHT - 4):.1f}"
        for i, value in enumerate(shown)
        if math.isfinite(value)
    )
    said = html.escape(f"{name}: from {values[0]:.3g} to {values[-1]:.3g}", quote=True)
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{said}">'
        f'<polyline points="{points}" fill="none" stroke="#5b6ee1" stroke-width="1.5"/></svg>'
    )


def picture(path: Path, alt: str) -> str:
    """A PNG file as HTML."""
    data = path.read_bytes()
    with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
        size = opened.size
        if max(size) > MOST_SIDE:
            opened.thumbnail((MOST_SIDE, MOST_SIDE))
            buffer = io.BytesIO()
            opened.save(buffer, format="PNG")
            data = buffer.getvalue()
    text = base64.b64encode(data).decode()
    return (
        f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{text}" '
        f'style="max-width:100%;min-width:{min(480, 2 * size[0])}px;image-rendering:pixelated">'
    )


@contextmanager
def shown_in_python(kind: PythonKind) -> Iterator[None]:
    """While this is open, trainings of this process are shown in the notebook that it belongs to, if to any.

    Raises:
        ConfigError: another word than these.
    """
    if kind not in get_args(PythonKind):
        raise ConfigError(f"display = {kind!r} is not one of {', '.join(get_args(PythonKind))}.")
    if kind == "none" or (kind == "auto" and not in_notebook()):
        yield
        return
    shown = NotebookDisplay()
    registry().attach(shown, "notebook", may_fail=True)
    try:
        yield
    finally:
        registry().detach(shown)
