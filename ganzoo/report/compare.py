"""Several runs side by side: settings that differ, scores, times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.report.charts import lasted, short
from ganzoo.report.facts import RunFacts, better_of, shown, title_of

NEUTRAL = ("report",)
"""Settings that decide nothing that is compared."""


@dataclass(frozen=True)
class Difference:
    """A row of a comparison: what it is, a cell for each run, and which cells are the best; empty: none is better."""

    name: str
    cells: tuple[str, ...]
    best: tuple[int, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What sets runs apart.

    Attributes:
        names: of the runs.
        settings: those that differ; "–" where a run has no such setting.
        scores: metrics of the final weights.
        times: status, steps, images seen, time, images/s, hardware.
        notes: what makes numbers hard to compare.
    """

    names: tuple[str, ...]
    settings: tuple[Difference, ...]
    scores: tuple[Difference, ...]
    times: tuple[Difference, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values: for each run by name what stands in the rows."""

        def table(rows: Sequence[Difference]) -> dict[str, dict[str, str]]:
            return {row.name: dict(zip(self.names, row.cells, strict=True)) for row in rows}

        return {"settings": table(self.settings), "times": table(self.times), "notes": list(self.notes)}


def compare(runs: Sequence[RunFacts]) -> Comparison:
    """What sets these runs apart; of one run the settings are none."""
    return Comparison(
        tuple(run.name for run in runs), tuple(settings(runs)), tuple(scores(runs)), tuple(times(runs)),
        tuple(notes(runs)),
    )  # fmt: skip


def settings(runs: Sequence[RunFacts]) -> list[Difference]:
    """The settings that not all runs have in common."""
    flats = [run.flat for run in runs]
    keys = dict.fromkeys(key for flat in flats for key in flat if key not in NEUTRAL)
    found = []
    for key in keys:
        cells = tuple(shown(flat[key]) or '""' if key in flat else "–" for flat in flats)
        if len({repr(flat.get(key)) for flat in flats}) > 1:
            found.append(Difference(key, cells))
    return found


def scores(runs: Sequence[RunFacts]) -> list[Difference]:
    """The metrics of the final weights; the best of each is marked where all are compared with the same data."""
    tables = [run.scores() for run in runs]
    keys = dict.fromkeys(key for table in tables for key in table)
    same = len({str(run.details.get("data", {}).get("digest")) for run in runs}) == 1
    found = []
    for key in keys:
        values = [table.get(key) for table in tables]
        cells = tuple("–" if value is None else short(value) for value in values)
        there = [value for value in values if value is not None and value == value]
        way = better_of(key)
        best: tuple[int, ...] = ()
        if way and same and len(there) > 1 and len(set(there)) > 1:
            wanted = min(there) if way == "lower" else max(there)
            best = tuple(i for i, value in enumerate(values) if value == wanted)
        found.append(Difference(title_of(key), cells, best))
    return found


def times(runs: Sequence[RunFacts]) -> list[Difference]:
    """How far each run came, and how fast."""

    def row(name: str, cells: list[str]) -> Difference:
        return Difference(name, tuple(cells))

    return [
        row("status", [run.status for run in runs]),
        row("steps", [f"{run.steps:,}" for run in runs]),
        row("images seen", [f"{run.images:,}" for run in runs]),
        row("time", [lasted(run.seconds) if run.lines else "–" for run in runs]),
        row("images/s", [f"{run.rate:,.0f}" if run.rate else "–" for run in runs]),
        row("warnings", [str(len(run.warnings)) for run in runs]),
        row("hardware", [str(run.details.get("hardware", "–")) for run in runs]),
    ]


def notes(runs: Sequence[RunFacts]) -> list[str]:
    """What makes numbers hard to compare."""
    found = []
    if len({str(run.details.get("data", {}).get("digest")) for run in runs}) > 1:
        found.append("The runs were trained on different data: no score is marked as the best.")
    if len({run.images for run in runs}) > 1:
        found.append("The runs have seen different numbers of images.")
    if len({str(run.details.get("hardware")) for run in runs}) > 1:
        found.append("The runs were trained on different hardware: times do not compare.")
    if len(runs) > 1 and any(run.scores() for run in runs):
        found.append("Each score is of one training: the spread over training seeds is not known.")
    return found
