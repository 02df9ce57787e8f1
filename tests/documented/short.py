"""How what the documentation trains, measures and compares is made short. CONTRIBUTING.md tells readers.

A command is run as the page has it: its options are read, its settings are resolved and their ranges checked. Only then
is the training cut to a few steps of a few samples, with the networks that the variant itself calls ``tiny``.
"""

import dataclasses
import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any

import pytest
import torch

from ganzoo import builtin
from ganzoo.bench import runner, suite, task
from ganzoo.data import load
from ganzoo.data.base import Dataset
from ganzoo.data.drawn import glyphs, melodies, shapes, solids, tones
from ganzoo.data.packages import avatars
from ganzoo.data.published import cifar
from ganzoo.registry.registry import registry
from ganzoo.training import setup

SHORT = 20
"""A training of so many steps stays as it is: those of ``ganzoo check`` are."""
STEPS, BATCH = 4, 4
"""Steps of a training, unless ``tiny`` says another number, and samples in a step."""
SAMPLES = 100
"""Samples that a metric takes at most."""
DRAWN = {"train": 400, "test": 200}
"""Samples of a data set at most; the written MNIST, Fashion-MNIST and CIFAR-10 have so many."""
JOBS = 2
"""Trainings of a suite that are done."""
AT_WORK = threading.Lock()
"""One job at a time: they share ``sys.argv`` and the outputs."""


@contextmanager
def short(report: Callable[..., Any]) -> Iterator[None]:
    """Within it all is short. ``report`` writes the page at the end of a training."""
    with pytest.MonkeyPatch.context() as patch:
        make_short(patch)
        patch.setattr("ganzoo.training.session.TrainingSession._report", report)
        registry.cache_clear()
        yield
    registry.cache_clear()


def make_short(patch: pytest.MonkeyPatch) -> None:
    """Put the small numbers in the place of the large ones."""
    resolve, read = setup.resolve_run, suite.read
    patch.setattr(setup, "resolve_run", lambda *given: shortened(resolve(*given)))
    for module in (avatars, glyphs, melodies, shapes, solids, tones):
        patch.setattr(module, "COUNTS", DRAWN)
    whole = load.load_one
    patch.setattr(load, "load_one", lambda *given, **more: few_of(whole(*given, **more)))
    patch.setattr(glyphs, "_recent", {})  # other tests have drawn whole sets
    patch.setattr(cifar, "PUBLISHED", DRAWN)
    metrics = (dataclasses.replace(spec, count=min(spec.count, SAMPLES)) for spec in builtin.METRICS)
    patch.setattr(builtin, "METRICS", tuple(metrics))
    patch.setattr(suite, "read", lambda *given: first_jobs(read(*given)))
    patch.setattr(task, "LEAST_SECONDS", 0.0)
    patch.setattr(task, "FEW", (1, 1))
    patch.setattr(runner.Workers, "work", work)


def shortened(run: setup.ResolvedRun) -> setup.ResolvedRun:
    """A run of few steps. Examples stand beside one another, so a run that lies in the way is moved aside."""
    config, tiny = run.config, dict(run.variant_class.tiny)
    if config.steps <= SHORT:
        return run
    if run.header is not None:  # a run that goes on keeps its networks
        return dataclasses.replace(run, config=dataclasses.replace(config, steps=min(config.steps, 2 * STEPS)))
    steps = min(config.steps, int(tiny.pop("steps", STEPS)))
    if config.init_from.startswith("zoo:"):
        tiny = {}  # weights that ganzoo brings have the size that they have
    tiny.pop("resolution", None)  # metrics are for one size
    if not config.tricks.path_length:
        tiny.pop("path_every", None)  # refused without it, and a preset may have none
    every = {
        key: max(1, getattr(config, key) * steps // config.steps)
        for key in ("log_every", "sample_every", "checkpoint_every")
    }
    changed = {
        "steps": steps,
        "batch_size": min(config.batch_size, BATCH),
        "metric_every": min(config.metric_every, BATCH * steps),
        "options": smaller(config.options, tiny),
        "tricks": smaller(config.tricks, tiny),
        **every,
    }
    if run.target.exists():
        number = sum(1 for _ in run.target.parent.glob(f"{run.target.name}-*"))
        run.target.rename(run.target.with_name(f"{run.target.name}-{number}"))
    return dataclasses.replace(run, config=smaller(dataclasses.replace(config, **changed), tiny))


def smaller(settings: Any, tiny: dict[str, Any]) -> Any:
    """Settings with those of ``tiny`` that are among them, and of two whole numbers the smaller one."""
    found = {}
    for field in dataclasses.fields(settings):
        if field.name in tiny:
            now, value = getattr(settings, field.name), tiny[field.name]
            found[field.name] = min(now, value) if type(now) is type(value) is int else value
    return dataclasses.replace(settings, **found)


def few_of(data: Dataset) -> Dataset:
    """Some samples of a set, from all parts of it."""
    count = DRAWN["train"]
    if data.info.count <= count:
        return data
    rows = torch.arange(count) * data.info.count // count
    fields = {name: load.picked(values, rows) for name, values in data.fields.items()}
    second = few_of(data.second) if data.second is not None else None
    whole = few_of(data.whole) if data.whole is not None else None
    return Dataset(dataclasses.replace(data.info, count=count), fields, second, whole)


def first_jobs(whole: suite.Suite) -> suite.Suite:
    """A suite whose every job was checked, and of which a few are done."""
    first = {job.label: job for job in reversed(whole.jobs)}  # one of each entry
    return dataclasses.replace(whole, jobs=tuple(reversed(first.values()))[:JOBS])


def work(self: runner.Workers, name: str) -> dict[str, Any]:
    """A job of a suite in this process, where torch is imported already."""
    said = io.StringIO()
    with (
        AT_WORK, pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said),
        suppress(SystemExit),
    ):  # fmt: skip
        patch.setattr(sys, "argv", ["task", str(self.folder), name])
        task.main()
    return runner.outcome(self.folder, name)


if __name__ == "__main__":  # the `ganzoo` of commands that start processes of their own
    from ganzoo.cli import main

    make_short(pytest.MonkeyPatch())
    main(sys.argv[1:])
