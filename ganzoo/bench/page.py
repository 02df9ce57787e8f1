"""The page of a suite: the table, metrics against minutes of training, and samples. One HTML file, nothing to load."""

import base64
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from ganzoo.bench.suite import Suite
from ganzoo.bench.table import Row, columns, grid, title
from ganzoo.runs.history import history
from ganzoo.runtime.files import replace_text

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22")
WIDTH, HEIGHT, LEFT, BOTTOM = 560, 300, 70, 40
TICKS = 7
"""Intervals between the marks of a chart, at most."""
LARGEST = 420
"""Pixels that a picture of samples is shown with, each way."""


def write(folder: Path, suite: Suite, rows: list[Row]) -> None:
    """``index.html``, whole or not at all."""
    text = rendered(folder, suite, rows)
    replace_text(folder / "index.html", text)


def rendered(folder: Path, suite: Suite, rows: list[Row]) -> str:
    """The page as text."""
    templates = Environment(loader=PackageLoader("ganzoo.bench"), autoescape=True, undefined=StrictUndefined)
    header, cells, notes = grid(suite, rows)
    charts = [made for metric in columns(suite, rows) if (made := chart(folder, suite, rows, metric))]
    pictures = [found for row in rows if (found := samples(folder, row))]
    return templates.get_template("page.html").render(
        suite=suite, header=header, cells=cells, notes=notes, charts=charts, pictures=pictures
    )


def course(folder: Path, name: str, metric: str) -> list[tuple[float, float]]:
    """(minutes of training, metric) of a run."""
    points, seconds = [], 0.0
    for line in history(folder / "runs" / name):
        seconds += line["seconds"]
        if metric in line and math.isfinite(float(line[metric])):
            points.append((seconds / 60, float(line[metric])))
    return points


@dataclass(frozen=True)
class Chart:
    """A metric over time, in pixels: what the template draws.

    Attributes:
        rows, columns: marks beside and below, each ``{"at": pixel, "said": text}``.
        lines: one a run, ``{"colour": ..., "points": [(x, y), ...]}``.
        key: what each colour stands for.
    """

    metric: str
    title: str
    rows: list[dict[str, Any]]
    columns: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    key: list[dict[str, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - 10
    below: int = HEIGHT - BOTTOM + 16


def chart(folder: Path, suite: Suite, rows: list[Row], metric: str) -> Chart | None:
    """A metric over time, a line for each run, a colour for each row; None when there is nothing to draw."""
    lines = [(i, course(folder, name, metric)) for i, row in enumerate(rows) for name in row.runs]
    points = [point for _, line in lines for point in line]
    if not points:
        return None
    right = max(x for x, _ in points) or 1.0
    low, high = min(y for _, y in points), max(y for _, y in points)
    if low == high and len(points) > len(lines) and metric not in {request.title for request in suite.metrics}:
        return None  # the number of a method that does not learn (bicubic, say): it stands in the table
    span = (high - low) or 1.0

    def across(x: float) -> float:
        return round(LEFT + x / right * (WIDTH - LEFT - 10), 1)

    def down(y: float) -> float:
        return round(10 + (high - y) / span * (HEIGHT - BOTTOM - 10), 1)

    return Chart(
        metric,
        title(metric),
        rows=[{"at": down(y), "said": said} for y, said in ticks(low, high)],
        columns=[{"at": across(x), "said": said} for x, said in ticks(0.0, right)],
        lines=[{"colour": colour_of(i), "points": [(across(x), down(y)) for x, y in line]} for i, line in lines],
        key=[{"colour": colour_of(i), "called": called(rows[i])} for i in sorted({i for i, line in lines if line})],
    )


def colour_of(row: int) -> str:
    """The colour of a row's lines."""
    return COLOURS[row % len(COLOURS)]


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round numbers from ``low`` to ``high`` and how they are written; a single one where both are equal."""
    if low == high:
        return [(low, f"{low:.4g}")]
    rough = (high - low) / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * 0.999)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    found = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [(k * step, f"{k * step:,.{decimals}f}") for k in found]


def called(row: Row) -> str:
    """A row by name."""
    return f"{row.label} on {row.dataset}"


def samples(folder: Path, row: Row) -> dict[str, str] | None:
    """The last grid of samples of the first seed: base64 of a PNG, and what it shows."""
    grids = sorted((folder / "runs" / row.runs[0] / "samples").glob("*.png")) if row.runs else []
    if not grids:
        return None
    with Image.open(grids[-1]) as picture:
        shown = picture.copy()
    shown.thumbnail((2 * LARGEST, 2 * LARGEST))
    data = io.BytesIO()
    shown.save(data, format="PNG", optimize=True)
    return {
        "data": base64.b64encode(data.getvalue()).decode(),
        "said": f"{called(row)}, seed {row.seeds[0]}, not chosen",
    }
