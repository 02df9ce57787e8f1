"""The page of a suite: who won, with error bars; samples; curves; the table. One HTML file, nothing to load."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganzoo.bench.course import Course, cells, course
from ganzoo.bench.ranking import Ranking, rank
from ganzoo.bench.suite import Suite
from ganzoo.bench.table import Row, columns, grid, title
from ganzoo.errors import describe
from ganzoo.registry.registry import registry
from ganzoo.report.charts import Chart, Series, chart
from ganzoo.report.html import PLOTS, Picture, environment, stored
from ganzoo.runtime.files import replace_text

PICTURES = 3_000_000
"""Bytes of the files of all pictures; base64 makes a third more of them."""


@dataclass(frozen=True)
class Sample:
    """The last grid of samples of a row: the picture, or why there is none."""

    name: str
    seed: int | None
    picture: Picture | None
    reason: str = ""


@dataclass(frozen=True)
class MinutesTable:
    """A metric after given minutes of training, as the template shows it."""

    title: str
    header: list[str]
    cells: list[list[str]]
    notes: list[str]


@dataclass(frozen=True)
class Part:
    """What the page shows of one data set.

    Attributes:
        first: the ranking by the suite's first metric; None when no row has a number.
        others: those by the other metrics.
        samples: of every row, in the order of the first ranking.
        curves: metrics over minutes of training.
        minutes: tables of metrics after given minutes.
        plot: samples are drawn dark on white.
    """

    dataset: str
    first: Ranking | None
    others: list[Ranking]
    samples: list[Sample]
    curves: list[Chart]
    minutes: list[MinutesTable]
    plot: bool


def write(folder: Path, suite: Suite, rows: list[Row], by_minutes: Sequence[Course] = ()) -> None:
    """``index.html``, whole or not at all."""
    text = rendered(folder, suite, rows, by_minutes)
    replace_text(folder / "index.html", text)


def rendered(folder: Path, suite: Suite, rows: list[Row], by_minutes: Sequence[Course] = ()) -> str:
    """The page as text."""
    header, lines, notes = grid(suite, rows)
    colours = {label: i for i, label in enumerate(dict.fromkeys(row.label for row in rows))}
    most = PICTURES // max(1, len(rows))
    parts = [
        part(folder, suite, rows, dataset, colours, most, [c for c in by_minutes if c.dataset == dataset])
        for dataset in dict.fromkeys(r.dataset for r in rows)
    ]
    return environment("ganzoo.bench").get_template("page.html").render(
        suite=suite, header=header, cells=lines, notes=notes, parts=parts,
        done=sum(len(row.seeds) for row in rows), failed=sum(len(row.failed) for row in rows),
    )  # fmt: skip


def part(
    folder: Path,
    suite: Suite,
    rows: list[Row],
    dataset: str,
    colours: dict[str, int],
    most: int,
    by_minutes: Iterable[Course] = (),
) -> Part:
    """One data set; a picture takes at most ``most`` bytes."""
    own = [row for row in rows if row.dataset == dataset]
    metrics = columns(suite, rows)
    rankings = [found for metric in metrics if (found := rank(own, dataset, metric, colours))]
    first = rankings[0] if rankings and rankings[0].metric == metrics[0] else None
    order = [bar.name for bar in first.bars] if first else []
    placed = sorted(own, key=lambda row: order.index(row.label) if row.label in order else len(order))
    drawn = (course_chart(folder, suite, own, metric, colours) for metric in metrics)
    return Part(
        dataset, first, [r for r in rankings if r is not first], [sample(folder, row, most) for row in placed],
        [made for made in drawn if made], [MinutesTable(title(c.metric), *cells(c)) for c in by_minutes],
        registry().datasets.spec(dataset.partition(":")[0]).samples in PLOTS,
    )  # fmt: skip


def course_chart(folder: Path, suite: Suite, rows: Iterable[Row], metric: str, colours: dict[str, int]) -> Chart | None:
    """A metric over time, a line for each run, a colour for each row; None when there is nothing to draw."""
    series = [
        Series(row.label, course(folder, name, metric), colours.get(row.label, 0), marked=True)
        for row in rows
        for name in row.runs
    ]
    values = [y for s in series for _, y in s.points]
    if not values:
        return None
    if len(set(values)) == 1 and len(values) > len(series) and metric not in {r.title for r in suite.metrics}:
        return None  # the number of a method that does not learn (bicubic, say): it stands in the table
    return chart(title(metric), "minutes of training", series)


def sample(folder: Path, row: Row, most: int) -> Sample:
    """The last grid of samples of the first seed."""
    if not row.runs:
        return Sample(row.label, None, None, "no training has finished")
    seed = row.seeds[0]
    grids = sorted((folder / "runs" / row.runs[0] / "samples").glob("*.png"))
    if not grids:
        return Sample(row.label, seed, None, "none were saved")
    alt = f"samples of {row.label} on {row.dataset}, seed {seed}, at the end of the training"
    try:
        return Sample(row.label, seed, stored(grids[-1], alt, most))
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
        return Sample(row.label, seed, None, f"{grids[-1].name} cannot be read ({describe(error)})")
