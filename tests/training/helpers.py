"""Tiny trainings and how to compare them."""

import importlib.util
import json
import os
import signal
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

import ganzoo
from ganzoo import hookimpl
from ganzoo.models.load import load_variant
from ganzoo.runs.run import Run
from ganzoo.runs.trained import TrainedRun
from ganzoo.runtime.tensor_files import read_tensors

TINY: dict[str, Any] = {"width": 8, "batch_size": 8, "device": "cpu", "log_every": 4, "sample_every": 50}

FIXTURES = ("cgan", "sgan")
"""What is true for every variant is tested on these two: a plain one, and one with stages, three players and a batch
of its own. `ganzoo check` holds every variant to the rest."""


def train(out: Path, steps: int, variant: str = "cgan", **more: Any) -> TrainedRun:
    return ganzoo.train(variant, out=out, steps=steps, **{**TINY, **more})


def short_stages(variant: str, steps: int = 15) -> dict[str, Any]:
    """Settings that make every stage but the last so short: a test of few steps reaches them all."""
    known = {f.name for f in fields(load_variant(variant).Options)}
    return dict.fromkeys(known & {"pretrain_steps", "baseline_steps"}, steps)


def state_of(run: TrainedRun) -> dict[str, torch.Tensor]:
    return read_tensors(run.latest())[0]


def history(run: TrainedRun | Path) -> list[dict[str, Any]]:
    path = run if isinstance(run, Path) else run.path
    lines = [json.loads(line) for line in (path / "scalars.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    different = [name for name in a if not torch.equal(a[name], b[name])]
    assert not different


def benchmark(name: str) -> ModuleType:
    """A script of benchmarks/ as a module: they are not a package."""
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class StopAt:
    """A listener that interrupts the process at a step, as Ctrl-C would."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_logged(self, run: Run, record: dict[str, Any]) -> None:
        if record["step"] == self.step:
            os.kill(os.getpid(), signal.SIGINT)
