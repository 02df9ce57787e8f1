"""The page of a suite: the table, metrics against minutes of training, and samples. One HTML file, nothing to load."""

import base64
import html
import io
import math
from pathlib import Path

from PIL import Image

from ganzoo.bench.suite import Suite
from ganzoo.bench.table import Row, columns, grid, title
from ganzoo.runs.history import history

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22")
WIDTH, HEIGHT, LEFT, BOTTOM = 560, 300, 70, 40
TICKS = 7
"""Trainer between the marks of a chart, at most."""
LARGEST = 420
"""Pixels that a picture of samples is shown with, each way."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; font-size: 13px; }
td, th { border: 1px solid #ccc; padding: 4px 8px; text-align: left; }
th { background: #f3f3f3; } .wide { overflow-x: auto; }
.charts, .samples { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; } .charts figure { width: 570px; }
figcaption { font-size: 13px; color: #555; } img { image-rendering: pixelated; max-width: 420px; }
ol { font-size: 13px; color: #555; } svg text { font: 11px system-ui, sans-serif; fill: #444; }
"""


def write(folder: Path, suite: Suite, rows: list[Row]) -> None:
    """``index.html``."""
    header, cells, notes = grid(suite, rows)
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells)
    footnotes = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    charts = "".join(chart(folder, suite, rows, metric) for metric in columns(suite, rows))
    pictures = "".join(samples(folder, row) for row in rows)
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ganzoo bench: {html.escape(suite.name)}</title>
<style>{STYLE}</style></head><body>
<h1>{html.escape(suite.name)}</h1><p>{html.escape(suite.about)}</p>
<div class="wide"><table><tr>{head}</tr>{body}</table></div><ol>{footnotes}</ol>
<h2>Metrics against minutes of training</h2>
<p>Each line is a training, evaluations not counted; taken with other latents than the table's numbers.</p>
<div class="charts">{charts or "<p>No metric was taken while training.</p>"}</div>
<h2>Samples</h2><div class="samples">{pictures or "<p>None yet.</p>"}</div>
</body></html>
"""
    (folder / "index.html").write_text(text, encoding="utf-8")


def course(folder: Path, name: str, metric: str) -> list[tuple[float, float]]:
    """(minutes of training, metric) of a run."""
    points, seconds = [], 0.0
    for line in history(folder / "runs" / name):
        seconds += line["seconds"]
        if metric in line and math.isfinite(float(line[metric])):
            points.append((seconds / 60, float(line[metric])))
    return points


def chart(folder: Path, suite: Suite, rows: list[Row], metric: str) -> str:
    """A metric over time, a line for each run, a colour for each row; empty when there is nothing to draw."""
    lines = [(i, course(folder, name, metric)) for i, row in enumerate(rows) for name in row.runs]
    points = [point for _, line in lines for point in line]
    if not points:
        return ""
    right = max(x for x, _ in points) or 1.0
    low, high = min(y for _, y in points), max(y for _, y in points)
    if low == high and len(points) > len(lines) and metric not in {request.title for request in suite.metrics}:
        return ""  # the number of a method that does not learn (bicubic, say): it stands in the table
    span = (high - low) or 1.0

    def place(x: float, y: float) -> str:
        return f"{LEFT + x / right * (WIDTH - LEFT - 10):.1f},{10 + (high - y) / span * (HEIGHT - BOTTOM - 10):.1f}"

    drawn = []
    for y, said in ticks(low, high):
        down = place(0, y).split(",")[1]
        drawn.append(f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{down}" y2="{down}" stroke="#eee"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{down}" text-anchor="end" dominant-baseline="middle">{said}</text>')
    for x, said in ticks(0.0, right):
        across = place(x, low).split(",")[0]
        drawn.append(f'<text x="{across}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{said}</text>')
    drawn.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">minutes</text>')
    for i, line in lines:
        colour = COLOURS[i % len(COLOURS)]
        where = " ".join(place(*point) for point in line)
        drawn.append(f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        drawn += [
            f'<circle cx="{p[0]}" cy="{p[1]}" r="2.2" fill="{colour}"/>' for p in (w.split(",") for w in where.split())
        ]
    shown = sorted({i for i, line in lines if line})
    key = " ".join(f'<span style="color:{COLOURS[i % len(COLOURS)]}">■</span> {called(rows[i])}' for i in shown)
    return (
        f'<figure><svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{html.escape(metric)}">'
        f"{''.join(drawn)}</svg><figcaption><b>{html.escape(title(metric))}</b><br>{key}</figcaption></figure>"
    )


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
    return html.escape(f"{row.label} on {row.dataset}")


def samples(folder: Path, row: Row) -> str:
    """The last grid of samples of the first seed."""
    if not row.runs:
        return ""
    grids = sorted((folder / "runs" / row.runs[0] / "samples").glob("*.png"))
    if not grids:
        return ""
    with Image.open(grids[-1]) as picture:
        shown = picture.copy()
    shown.thumbnail((2 * LARGEST, 2 * LARGEST))
    data = io.BytesIO()
    shown.save(data, format="PNG", optimize=True)
    source = base64.b64encode(data.getvalue()).decode()
    said = f"{called(row)}, seed {row.seeds[0]}, not chosen"
    return f'<figure><img src="data:image/png;base64,{source}" alt="{said}"><figcaption>{said}</figcaption></figure>'
