"""Quality per minute: the metrics of a suite after so many minutes of training, beside what others reach."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.bench.suite import Published, Suite
from ganzoo.bench.table import Row, Value, markdown_of, title
from ganzoo.config.settings import minutes_in
from ganzoo.runs.history import history

EARLY, LATE = 0.85, 1.25
"""A number counts for minutes that lie within so many times them: steps are a guess of how long they take."""
NOTE = (
    "Minutes of training, up to 15 % less or 25 % more; what it took to measure is left out. The weights are those of "
    "that minute, the latents other than those of the table above."
)


def course(folder: Path, name: str, metric: str) -> list[tuple[float, float]]:
    """(minutes of training, metric) of a run."""
    points, seconds = [], 0.0
    for line in history(folder / "runs" / name):
        seconds += line["seconds"]
        if metric in line and math.isfinite(float(line[metric])):
            points.append((seconds / 60, float(line[metric])))
    return points


def value_at(points: Iterable[tuple[float, float]], minutes: float) -> float | None:
    """The number that was taken nearest to so many minutes; None where there is none near."""
    near = [(abs(at - minutes), value) for at, value in points if EARLY * minutes <= at <= LATE * minutes]
    return min(near)[1] if near else None


@dataclass
class CourseRow:
    """A metric of one label over time: by minutes, over seeds."""

    label: str
    values: dict[float, Value] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Course:
    """A metric on a data set against minutes: ours in the order of the suite, then others'."""

    dataset: str
    metric: str
    minutes: tuple[float, ...]
    rows: tuple[CourseRow, ...]


def marks_of(suite: Suite) -> tuple[float, ...]:
    """The minutes at which the jobs of a suite are measured: what all have in ``metric_minutes``, and budgets."""
    found = {m for job in suite.jobs for m in minutes_in(str(job.settings.get("metric_minutes", "")))}
    return tuple(sorted(found | {job.minutes for job in suite.jobs if found and job.minutes}))


def courses(folder: Path, suite: Suite, rows: Sequence[Row]) -> list[Course]:
    """All that there is to show; nothing for a suite that does not measure by minutes."""
    marks, found = marks_of(suite), []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        for metric in [request.title for request in suite.metrics] if marks else []:
            own = [course_row(folder, row, metric, marks) for row in rows if row.dataset == dataset]
            others = outside(suite.published, dataset, metric)
            if kept := [row for row in [*own, *others] if row.values]:
                found.append(Course(dataset, metric, marks, tuple(kept)))
    return found


def course_row(folder: Path, row: Row, metric: str, marks: Sequence[float]) -> CourseRow:
    """What the runs of a row have at each mark."""
    found = CourseRow(row.label)
    for seed, name in zip(row.seeds, row.runs, strict=True):
        points = course(folder, name, metric)
        for minutes in marks:
            if (value := value_at(points, minutes)) is not None:
                found.values.setdefault(minutes, Value()).values[seed] = value
    return found


def outside(published: Iterable[Published], dataset: str, metric: str) -> list[CourseRow]:
    """What others reach, a row for each label."""
    found: dict[str, CourseRow] = {}
    for p in published:
        if p.minutes and (p.dataset, p.metric) == (dataset, metric):
            row = found.setdefault(p.label, CourseRow(p.label, source="; ".join(filter(None, (p.source, p.differs)))))
            values = row.values.setdefault(p.minutes, Value()).values
            values[len(values)] = p.value
    return list(found.values())


def cells(course: Course) -> tuple[list[str], list[list[str]], list[str]]:
    """(header, cells, footnotes) of the table that people read."""
    header = ["trained", *(f"{minutes:g} min" for minutes in course.minutes)]
    notes: list[str] = []
    lines = []
    for row in course.rows:
        mark = ""
        if row.source:
            notes += [row.source] if row.source not in notes else []
            mark = f" [{notes.index(row.source) + 1}]"
        lines.append([row.label + mark, *(str(row.values.get(minutes, "")) or "–" for minutes in course.minutes)])
    return header, lines, [*notes, NOTE]


def markdown(found: Iterable[Course]) -> str:
    """For a README."""
    return "\n".join(
        f"## {title(course.metric)} on {course.dataset}\n\n{markdown_of(*cells(course))}" for course in found
    )


def plain(found: Iterable[Course]) -> list[dict[str, Any]]:
    """Every number, as plain values."""
    return [
        {
            "dataset": course.dataset,
            "metric": course.metric,
            "rows": [
                {
                    "label": row.label,
                    "source": row.source,
                    "minutes": {f"{minutes:g}": value.values for minutes, value in row.values.items()},
                }
                for row in course.rows
            ],
        }
        for course in found
    ]
