"""Who won: for each metric and data set the rows from the best to the worst, with error bars over training seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganzoo.bench.table import Row, Value, spec_of, title
from ganzoo.report.charts import Mark, ticks

ROOM = 4.0
"""Percent of the width that stay free at each end."""
Place = Callable[[float], float]
"""From a number to its place in percent of the width."""


@dataclass(frozen=True)
class Bar:
    """One row, with its places in percent of the width.

    Attributes:
        name: what was trained.
        value: the mean over seeds and half its 95 % interval, as the table has them.
        colour: the number of its colour.
        at: the mean.
        low, high: ends of the interval; both the mean where it is not known.
        seeds: the single trainings.
        alt: the same in words.
    """

    name: str
    value: str
    colour: int
    at: float
    low: float
    high: float
    seeds: tuple[float, ...]
    alt: str


@dataclass(frozen=True)
class Ranking:
    """What a metric says about the rows of one data set.

    Attributes:
        headline: who is best, in a few words.
        verdict: the same with numbers, and how sure it is.
        bars: from the best to the worst.
        marks: of the axis below.
        lacking: names of rows without a number.
    """

    dataset: str
    metric: str
    title: str
    headline: str
    verdict: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    lacking: tuple[str, ...]


def rank(rows: Sequence[Row], dataset: str, metric: str, colours: dict[str, int]) -> Ranking | None:
    """The final weights of the rows of a data set by a metric; None when none has a number.

    Args:
        colours: the number of the colour of each label.
    """
    own = [row for row in rows if row.dataset == dataset]
    there = [(row.label, value) for row in own if (value := row.final.get(metric)) is not None and value.values]
    if not there:
        return None
    lower = spec_of(metric).better == "lower"
    there.sort(key=lambda pair: pair[1].mean if lower else -pair[1].mean)
    low, high = span([value for _, value in there])

    def place(number: float) -> float:
        share = (min(high, max(low, number)) - low) / (high - low)
        return round(ROOM + share * (100 - 2 * ROOM), 2)

    bars = tuple(bar(label, value, colours.get(label, 0), place) for label, value in there)
    named = {label for label, _ in there}
    return Ranking(
        dataset, metric, title(metric), *verdict(there), bars,
        tuple(Mark(place(number), said) for number, said in ticks(low, high)),
        tuple(row.label for row in own if row.label not in named),
    )  # fmt: skip


def bar(label: str, value: Value, colour: int, place: Place) -> Bar:
    """One row of a ranking."""
    half = value.half or 0.0
    numbers = list(value.values.values())
    seeds = f"{len(numbers)} seed{'' if len(numbers) == 1 else 's'}"
    return Bar(
        label, str(value), colour, place(value.mean), place(value.mean - half), place(value.mean + half),
        tuple(place(number) for number in numbers), f"{label}: {value}, {seeds}",
    )  # fmt: skip


def span(values: Sequence[Value]) -> tuple[float, float]:
    """Lowest and highest number of the axis: all seeds, and of the intervals what is not far beyond them."""
    numbers = [number for value in values for number in value.values.values()]
    low, high = min(numbers), max(numbers)
    reach = (high - low) or abs(high) * 0.1 or 1.0
    ends = [value.mean + sign * (value.half or 0.0) for value in values for sign in (-1, 1)]
    lowest = max(min([low, *ends]), low - reach)
    if low >= 0:
        lowest = max(0.0, lowest)
    highest = min(max([high, *ends]), high + reach)
    return (lowest, highest) if highest > lowest else (lowest - reach / 2, highest + reach / 2)


def verdict(ranked: Sequence[tuple[str, Value]]) -> tuple[str, str]:
    """Who is best, in a few words; and with numbers, and whether the seeds tell it from the others."""
    (best, value), *others = ranked
    if not others:
        return f"{best} alone", f"{best}: {value}. There is nothing to compare it with."
    if level := [label for label, other in others if other.mean == value.mean]:
        return "No winner", f"{', '.join([best, *level])} are level: {value}."
    ahead = f"{best} is ahead"
    if value.half is None or others[0][1].half is None:
        return ahead, f"{best}: {value}. With one seed the order may be chance."
    if close := [label for label, other in others if overlap(value, other)]:
        return ahead, f"{best}: {value}. The 95 % interval of {', '.join(close)} overlaps: it may be chance."
    return f"{best} wins", f"{best}: {value}. Next is {others[0][0]}: {others[0][1]}."


def overlap(one: Value, other: Value) -> bool:
    """Whether the 95 % intervals of two means have a number in common; one seed has no interval and overlaps."""
    if one.half is None or other.half is None:
        return True
    return abs(one.mean - other.mean) <= one.half + other.half
