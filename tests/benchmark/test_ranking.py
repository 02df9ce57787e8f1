"""Who won, and how sure that is."""

import pytest

from ganzoo.bench.ranking import ROOM, rank
from ganzoo.bench.table import Row, Value

MODES = "modes-2500"  # higher is better
DISTANCE = "fd-mnist-10k"  # lower is better


def rows(metric: str, **values: list[float]) -> list[Row]:
    found = []
    for label, numbers in values.items():
        row = Row(label, "vanilla", "ring", list(range(len(numbers))))
        if numbers:
            row.final[metric] = Value(dict(enumerate(numbers)))
        found.append(row)
    return found


@pytest.mark.parametrize(
    ("metric", "values", "order", "headline", "verdict"),
    [
        (MODES, {"a": [4.0, 4.1, 4.2], "b": [7.9, 8.0, 8.1]}, "ba", "b wins", "Next is a: 4.10 ± 0.25."),
        (DISTANCE, {"a": [4.0, 4.1, 4.2], "b": [7.9, 8.0, 8.1]}, "ab", "a wins", "Next is b: 8.00 ± 0.25."),
        (MODES, {"a": [4.0, 8.0], "b": [7.0, 8.0]}, "ba", "b is ahead", "The 95 % interval of a overlaps"),
        (MODES, {"a": [4.0], "b": [8.0]}, "ba", "b is ahead", "With one seed the order may be chance."),
        (MODES, {"a": [8.0, 8.0], "b": [8.0, 8.0], "c": [1.0, 1.0]}, "abc", "No winner", "a, b are level: 8."),
        (MODES, {"a": [8.0, 7.0]}, "a", "a alone", "nothing to compare it with"),
        (MODES, {"a": [8.0, 8.0], "b": []}, "a", "a alone", "nothing to compare it with"),
    ],
)
def test_the_verdict_says_no_more_than_the_seeds_do(
    metric: str, values: dict[str, list[float]], order: str, headline: str, verdict: str
) -> None:
    found = rank(rows(metric, **values), "ring", metric, {})
    assert found is not None
    assert "".join(bar.name for bar in found.bars) == order
    assert found.headline == headline
    assert verdict in found.verdict
    assert found.lacking == tuple(label for label, numbers in values.items() if not numbers)


def test_bars_lie_where_the_numbers_are() -> None:
    found = rank(rows(MODES, a=[2.0, 4.0, 6.0], b=[8.0, 8.0, 8.0]), "ring", MODES, {"a": 3})
    assert found is not None
    best, other = found.bars
    assert best.low == best.at == best.high, "no spread"
    assert other.colour == 3
    assert ROOM <= other.low < other.seeds[0] < other.seeds[1] == other.at < other.seeds[2] < other.high <= 100 - ROOM
    assert other.alt == "a: 4.0 ± 5.0, 3 seeds"
    assert found.marks[0].said == "0", "a number of modes is not negative, and neither is its axis"


def test_an_interval_far_beyond_the_numbers_ends_at_the_frame() -> None:
    found = rank(rows(MODES, a=[3.0, 5.0], b=[4.0, 4.0]), "ring", MODES, {})
    assert found is not None
    wide = next(bar for bar in found.bars if bar.name == "a")
    assert (wide.low, wide.high) == (ROOM, 100 - ROOM)


def test_where_nothing_was_measured_there_is_no_ranking() -> None:
    assert rank(rows(MODES, a=[]), "ring", MODES, {}) is None
    assert rank(rows(MODES, a=[1.0]), "grid", MODES, {}) is None
