"""Curves as the templates draw them: pixels, marks, colours. Shared by the report of a run and the page of a suite."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 300, 66, 28, 12, 64
LINE = 16
TICKS = 6
"""Intervals between the marks of a chart, at most."""
COLOURS = 8
"""Colours of lines, ``--line-0`` to ``--line-7`` of the style sheet; after them they begin again."""
MOST_POINTS = 360
"""Of a line that is drawn: about one for two pixels, with what is highest and lowest between."""
SMOOTHED = 60
"""A line of more values than this is drawn faintly, with a moving mean on top."""
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
TAIL, FAR = 0.01, 5.0
"""A chart whose values reach ``FAR`` times as far as all but a share ``TAIL`` of them shows those only, and says so."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One line: its name, (x, y) in the order of x, and the number of its colour. What is not finite is left out."""

    name: str
    points: Sequence[Point]
    colour: int = 0
    marked: bool = False


@dataclass(frozen=True)
class Mark:
    """A place on an axis, in pixels, what stands there, and what else is true there."""

    at: float
    said: str
    also: str = ""


@dataclass(frozen=True)
class Line:
    """A polyline in pixels. ``faint`` is the line of single values below a moving mean."""

    colour: int
    path: str
    faint: bool = False
    dots: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Chart:
    """What the template draws.

    Attributes:
        title, axis: what is shown, and the name of the axis below.
        alt: the same in a sentence, for those who do not see it.
        rows, columns: marks beside and below.
        level: a horizontal line with a meaning, such as an equilibrium; None: none.
        key: (colour, name) of each line.
        note: what the picture leaves out.
    """

    title: str
    axis: str
    alt: str
    rows: tuple[Mark, ...]
    columns: tuple[Mark, ...]
    lines: tuple[Line, ...]
    key: tuple[tuple[int, str], ...]
    level: Mark | None = None
    note: str = ""
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    below: int = HEIGHT - BOTTOM

    @property
    def height(self) -> int:
        """Of the picture: a second line below the axis takes more."""
        return HEIGHT if any(mark.also for mark in self.columns) else HEIGHT - LINE


def chart(
    title: str,
    axis: str,
    series: Sequence[Series],
    level: tuple[float, str] | None = None,
    bounds: tuple[float, float] | None = None,
    clock: Sequence[Point] = (),
) -> Chart | None:
    """Lines over a common axis; None when there is no finite value.

    Args:
        level: a value with a meaning, and its name.
        bounds: lowest and highest value that there can be, such as 0 and 1 of a probability; None: of those that are
            there.
        clock: (x, seconds of training), in the order of x: the time stands below the marks of the axis.
    """
    kept = [Series(s.name, finite(s.points), s.colour, s.marked) for s in series]
    kept = [s for s in kept if s.points]
    if not kept:
        return None
    first = min(0.0, *(s.points[0][0] for s in kept))
    last = max(x for s in kept for x, _ in s.points) or 1.0
    values = [y for s in kept for _, y in s.points] + ([level[0]] if level else [])
    low, high, outside = (*bounds, 0) if bounds else extent(values)
    margin = 0.04 * (high - low) or abs(high) * 0.1 or 1.0
    bottom, top = low - margin, high + margin

    def across(x: float) -> float:
        return round(LEFT + (x - first) / ((last - first) or 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def down(y: float) -> float:
        share = min(1.0, max(0.0, (top - y) / (top - bottom)))
        return round(TOP + share * (HEIGHT - BOTTOM - TOP), 1)

    def drawn(points: Sequence[Point]) -> tuple[Point, ...]:
        return tuple((across(x), down(y)) for x, y in points)

    lines = []
    for s in kept:
        smooth = len(s.points) > SMOOTHED and not s.marked
        lines.append(Line(s.colour, text(drawn(thinned(s.points))), faint=smooth, dots=drawn(s.points) if s.marked
                          or len(s.points) == 1 else ()))  # fmt: skip
        if smooth:
            lines.append(Line(s.colour, text(drawn(thinned(moving_mean(s.points))))))
    notes = []
    if any(line.faint for line in lines):
        notes.append("faint: single values; bold: their moving mean")
    if outside:
        notes.append(f"{outside} {'value lies' if outside == 1 else 'values lie'} beyond the frame, drawn at its edge")
    ends = "; ".join(f"{s.name} ends at {short(s.points[-1][1])}" for s in kept)
    return Chart(
        title, axis, f"{title} over {axis}: {ends}.",
        tuple(Mark(down(y), said) for y, said in ticks(low, high)),
        tuple(Mark(across(x), said, lasted(at(clock, x)) if clock else "") for x, said in ticks(first, last)),
        tuple(lines), tuple(dict.fromkeys((s.colour % COLOURS, s.name) for s in kept)),
        Mark(down(level[0]), level[1]) if level else None, "; ".join(notes),
    )  # fmt: skip


def finite(points: Sequence[Point]) -> list[Point]:
    """The points that can be drawn."""
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def extent(values: Sequence[float]) -> tuple[float, float, int]:
    """(lowest, highest value shown, how many lie outside)."""
    low, high = min(values), max(values)
    ordered = sorted(values)
    cut = int(len(ordered) * TAIL)
    inner_low, inner_high = ordered[cut], ordered[-1 - cut]
    if not cut or high - low <= FAR * (inner_high - inner_low):
        return low, high, 0
    return inner_low, inner_high, sum(not inner_low <= value <= inner_high for value in values)


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most about ``MOST_POINTS`` points: of each stretch the lowest and the highest, so that no peak is lost."""
    if len(points) <= MOST_POINTS:
        return list(points)
    size = math.ceil(2 * len(points) / MOST_POINTS)
    found: list[Point] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        ends = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
        found += sorted(ends)
    return found


def moving_mean(points: Sequence[Point]) -> list[Point]:
    """The mean of a window of a twentieth of all values, at its middle; at the ends of the part that is there."""
    reach = max(1, len(points) // 40)
    sums = [0.0]
    for _, y in points:
        sums.append(sums[-1] + y)
    found = []
    for i, (x, _) in enumerate(points):
        begin, end = max(0, i - reach), min(len(points), i + reach + 1)
        found.append((x, (sums[end] - sums[begin]) / (end - begin)))
    return found


def text(points: Sequence[Point]) -> str:
    """``"1,2 3,4"``, as SVG has it."""
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def at(line: Sequence[Point], x: float) -> float:
    """The height of a line at ``x``: between two of its points in proportion, beyond its ends as at them."""
    i = bisect_left(line, x, key=lambda p: p[0])
    if i == 0 or i == len(line):
        return line[min(i, len(line) - 1)][1]
    (x0, y0), (x1, y1) = line[i - 1], line[i]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def lasted(seconds: float) -> str:
    """A time as people say it: 8 s, 4.5 min, 12 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    size, unit = next(u for u in UNITS if seconds >= u[0])
    value = seconds / size
    return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round numbers from ``low`` to ``high`` and how they are written; a single one where both are equal."""
    if low == high:
        return [(low, f"{low:.4g}")]
    rough = (high - low) / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * 0.999)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    found = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    if max(abs(low), abs(high)) >= 1e7 or decimals > 6:
        return [(k * step, f"{k * step:.3g}") for k in found]
    return [(k * step, f"{k * step:,.{decimals}f}") for k in found]


def short(value: float) -> str:
    """A number with the digits that count: 0.8766, 31.03, 1,235."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"
