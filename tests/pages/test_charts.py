"""What a chart shows is what the numbers are: nothing is lost by thinning, and nothing is drawn that is not there."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.report.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MOST_POINTS,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    Series,
    at,
    chart,
    lasted,
    moving_mean,
    short,
    thinned,
    ticks,
)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 28.48, ["0", "5", "10", "15", "20", "25"]),
        (0.0, 0.23, ["0.00", "0.05", "0.10", "0.15", "0.20"]),
        (29.99, 31.03, ["30.0", "30.2", "30.4", "30.6", "30.8", "31.0"]),
        (0.851, 0.877, ["0.855", "0.860", "0.865", "0.870", "0.875"]),
        (-4.0, 4000.0, ["0", "1,000", "2,000", "3,000", "4,000"]),
        (0.0, 1e-5, ["0.000000", "0.000002", "0.000004", "0.000006", "0.000008", "0.000010"]),
        (0.0, 4e9, ["0", "1e+09", "2e+09", "3e+09", "4e+09"]),
        (8.0, 8.0, ["8"]),
    ],
)
def test_the_marks_of_a_chart_are_round(low: float, high: float, expected: list[str]) -> None:
    found = ticks(low, high)
    assert [said for _, said in found] == expected
    assert all(low - 1e-9 <= value <= high + 1e-9 for value, _ in found)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=60))
def test_whatever_was_logged_is_drawn_within_the_frame(values: list[float]) -> None:
    points = [(float(i), value) for i, value in enumerate(values)]
    made = chart("a", "steps", [Series("a", points)])
    if made is None:
        assert not any(math.isfinite(value) for value in values)
        return
    for line in made.lines:
        for pair in line.path.split():
            x, y = map(float, pair.split(","))
            assert LEFT <= x <= WIDTH - RIGHT
            assert TOP <= y <= HEIGHT - BOTTOM


def test_thinning_keeps_every_peak() -> None:
    points = [(float(i), 0.0) for i in range(50_000)]
    points[31_234] = (31_234.0, 9.0)
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS + 2
    assert (31_234.0, 9.0) in kept
    assert kept == sorted(kept)


def test_many_values_are_faint_below_their_moving_mean() -> None:
    points = [(float(i), float(i % 2)) for i in range(100)]
    assert moving_mean(points)[50][1] == pytest.approx(0.5, abs=0.2)
    made = drawn([Series("a", points)])
    assert [line.faint for line in made.lines] == [True, False]
    assert "moving mean" in made.note


def drawn(series: list[Series], **more: object) -> Chart:
    found = chart("title", "steps", series, **more)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_single_outlier_does_not_flatten_the_rest_and_is_told() -> None:
    points = [(float(i), float(i % 7)) for i in range(200)]
    points[100] = (100.0, 1e6)
    made = drawn([Series("a", points)])
    assert "1 value lies beyond the frame" in made.note
    assert max(float(mark.said) for mark in made.rows) < 10


def test_a_probability_has_the_whole_axis_and_its_equilibrium() -> None:
    made = drawn([Series("D(x)", [(0.0, 0.6), (1.0, 0.7)])], bounds=(0.0, 1.0), level=(0.5, "equilibrium 0.5"))
    assert [mark.said for mark in made.rows] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert made.level is not None
    assert made.level.at == pytest.approx((made.rows[0].at + made.rows[-1].at) / 2, abs=0.2)


def test_the_time_stands_below_the_steps() -> None:
    clock = [(0.0, 0.0), (100.0, 60.0), (200.0, 3_600.0)]
    made = drawn([Series("a", [(1.0, 0.0), (200.0, 1.0)])], clock=clock)
    assert [(mark.said, mark.also) for mark in made.columns][::2] == [
        ("0", "0 s"), ("100", "1.0 min"), ("200", "1.0 h"),
    ]  # fmt: skip
    assert at(clock, 50.0) == 30.0
    assert at(clock, 900.0) == 3_600.0


def test_times_and_numbers_as_people_say_them() -> None:
    assert [lasted(s) for s in (0, 8.4, 59.4, 90, 3_000, 7_200, 200_000)] == [
        "0 s", "8 s", "59 s", "1.5 min", "50 min", "2.0 h", "2.3 d",
    ]  # fmt: skip
    assert [short(v) for v in (0.87664, 31.0349, 1234.6, 3.0, math.inf)] == ["0.8766", "31.03", "1,235", "3", "inf"]


def test_the_words_of_a_chart_say_how_it_ends() -> None:
    made = drawn([Series("loss", [(0.0, 3.0), (5.0, 1.25)])])
    assert made.alt == "title over steps: loss ends at 1.25."
