"""A course of values in one line of text."""

import math

from ganzoo.display.course import in_buckets

BARS = "▁▂▃▄▅▆▇█"
MISSING = "·"


def sparkline(values: list[float], width: int) -> str:
    """At most ``width`` characters, oldest first; the lowest value is the lowest bar. NaN and infinity are dots."""
    shown = in_buckets(values, max(1, width))
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return MISSING * len(shown)
    low, span = min(finite), max(finite) - min(finite)

    def bar(value: float) -> str:
        if not math.isfinite(value):
            return MISSING
        share = (value - low) / span if span > 0 and math.isfinite(span) else 0.5
        return BARS[min(len(BARS) - 1, int(share * len(BARS)))]

    return "".join(map(bar, shown))
