"""Which display a training gets: what was asked for, as far as the terminal can."""

from collections.abc import Callable
from typing import IO, Literal, get_args

from rich.console import Console

from ganzoo.display.lines import TrainingLines
from ganzoo.display.panel import TrainingPanel

Kind = Literal["auto", "pictures", "panel", "lines", "none"]
KINDS: tuple[Kind, ...] = get_args(Kind)


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
