"""A course of values in one line of text."""

import math

from ganzoo.display.course import in_buckets

BARS = "▁▂▃▄▅▆▇█"
MISSING = "·"


def sparkline(values: list[float], width: int) -> str:
    """At most ``width`` characters, oldest first, from the lowest value to the highest. NaN and infinity are dots.

    The lowest and highest twentieth are cut off: the first steps of a training would flatten all that follows.
    """
    shown = in_buckets(values, max(1, width))
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return MISSING * len(shown)
    ordered, outside = sorted(finite), len(finite) // 20
    low, high = ordered[outside], ordered[-1 - outside]
    span = high - low

    def bar(value: float) -> str:
        if not math.isfinite(value):
            return MISSING
        share = (value - low) / span if span > 0 and math.isfinite(span) else 0.5
        return BARS[max(0, min(len(BARS) - 1, int(share * len(BARS))))]

    return "".join(map(bar, shown))
