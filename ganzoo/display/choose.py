"""Which display a training gets: what was asked for, as far as the terminal can."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Literal, get_args

from rich.console import Console

from ganzoo.display.lines import TrainingLines
from ganzoo.display.notebook import NotebookDisplay, in_notebook
from ganzoo.display.panel import TrainingPanel
from ganzoo.errors import ConfigError
from ganzoo.registry.registry import registry

Kind = Literal["auto", "pictures", "panel", "lines", "none"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PythonKind = Literal["auto", "notebook", "none"]


def choose(kind: Kind, stream: IO[str], say: Callable[[str], None]) -> TrainingLines | TrainingPanel | None:
    """The display of a training on a command line; None for ``none``.

    ``auto`` is a panel where the stream is a terminal that can draw one, with samples where it has 24-bit colours, and
    plain lines elsewhere: in a pipe, with ``TERM=dumb``, with ``NO_COLOR``, or in another encoding than UTF-8.
    """
    if kind == "none":
        return None
    console = Console(file=stream)
    able = stream.isatty() and console.is_terminal and not console.is_dumb_terminal and "utf" in console.encoding
    if kind in ("panel", "pictures") and not able:
        say(f"--display {kind} needs a terminal that can move its cursor and knows UTF-8; plain lines follow.")
    if kind == "lines" or not able or (kind == "auto" and console.no_color):
        return TrainingLines(say)
    colours = console.color_system == "truecolor"
    return TrainingPanel(say, console, kind == "pictures" or (kind == "auto" and colours))


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
