"""Where a training is, for everything that shows it: the last numbers, their course so far, speed, time left."""

import math
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError
from ganzoo.runs.history import history

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

HIDDEN = ("step", "images", "stage", "seconds", "warnings")
MOST_POINTS = 1024
"""Values that are kept of each name; of a longer course neighbours are averaged."""


class Series:
    """The values of one name over time; of a long training each is the mean of several."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self._every, self._waiting = 1, [0.0]
        self._waiting.clear()

    def add(self, value: float) -> None:
        self._waiting.append(value)
        if len(self._waiting) < self._every:
            return
        self.values.append(mean(self._waiting))
        self._waiting.clear()
        if len(self.values) >= MOST_POINTS:
            self.values = in_buckets(self.values, MOST_POINTS // 2)
            self._every *= 2


def mean(values: list[float]) -> float:
    """The mean of the finite ones; NaN if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def in_buckets(values: list[float], count: int) -> list[float]:
    """At most ``count`` means of neighbouring values."""
    if len(values) <= count:
        return list(values)
    edges = [i * len(values) // count for i in range(count + 1)]
    return [mean(values[begin:end]) for begin, end in pairwise(edges)]


class Course:
    """What is known of a training while it goes on.

    Attributes:
        lock: held while this changes; whoever draws in another thread takes it too.
        run: the run, once it has started.
        record: the last line of the history; empty before the first.
        series: the course of each logged value, by name.
        samples: the newest picture of samples.
        rate: images per second, smoothed; 0: not known yet.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.run: Run | None = None
        self.opening: list[str] = []
        self.record: Mapping[str, Any] = {}
        self.series: dict[str, Series] = {}
        self.samples: Path | None = None
        self.rate = 0.0
        self.began = time.monotonic()
        self._images = 0

    def start(self, run: "Run") -> None:
        """A training begins or is resumed; what it logged before is part of its course."""
        with self.lock:
            self.run, self.record, self.series, self._images = run, {}, {}, run.images
            self.opening = opening(run)  # now: later the run has taken steps, and would seem to be resumed
            with suppress(GanzooError, OSError):  # the run itself says what is wrong with its history
                for record in history(run.path) if run.step else ():
                    if record["step"] <= run.step:
                        self._note(record)
            kept = sorted((run.path / "samples").glob("*.png"))
            self.samples = kept[-1] if kept else None

    def log(self, record: Mapping[str, Any]) -> None:
        """A line of the history."""
        with self.lock:
            images = record["images"] - self._images
            self._images = record["images"]
            rate = images / record["seconds"] if record["seconds"] else 0.0
            # Half the old rate keeps the time left from jumping.
            self.rate = rate if not self.rate else 0.5 * (self.rate + rate)
            self.record = record
            self._note(record)

    def _note(self, record: Mapping[str, Any]) -> None:
        for name, value in record.items():
            if name not in HIDDEN and isinstance(value, int | float):
                self.series.setdefault(name, Series()).add(float(value))

    def values(self) -> list[tuple[str, float]]:
        """Names and values of the last line."""
        return [(n, float(v)) for n, v in self.record.items() if n not in HIDDEN and isinstance(v, int | float)]

    @property
    def step(self) -> int:
        """Iterations done."""
        assert self.run is not None, "asked only once a run has started"
        return int(self.record.get("step", self.run.step))

    def left(self) -> str:
        """Time left, as ``1:02:03``, ``2:03`` or ``?``."""
        assert self.run is not None, "asked only once a run has started"
        if not self.rate:
            return "?"
        seconds = int((self.run.total_steps - self.step) * self.run.config.batch_size / self.rate)
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


def opening(run: "Run") -> list[str]:
    """The lines that say what begins."""
    data = run.data
    verb = f"resuming at step {run.step:,}" if run.step else "training"
    shape = "x".join(map(str, data.shape))
    said = [
        f"{verb}: {run.config.variant} on {data.name} ({data.count:,} {data.kind} of {shape}), "
        f"{run.total_steps:,} steps of {run.config.batch_size}, on {run.details['device']} -> {run.path}"
    ]
    if not run.step and (measured := run.details.get("precision")):
        said.append(measured["said"])
    return said
