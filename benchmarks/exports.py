"""How far exports of networks of full size are from PyTorch, and how large they are.

    python benchmarks/exports.py [--steps 60] [--threads 1]

Recorded in benchmarks/results/exports.json. Every registered variant is trained for a few steps with its default
settings, batches of 16 apart. Each of its networks is exported as the last step left it, and every export is called
with other numbers than those that it was made with.
"""

import argparse
import importlib.util
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from records import write
from torch import Tensor

import ganzoo
from ganzoo.data.needs import embedded_set
from ganzoo.export.calls import call_of
from ganzoo.export.source import open_source
from ganzoo.export.write import ENDINGS, export_network
from ganzoo.registry.registry import registry
from ganzoo.runs.trained import TrainedRun
from ganzoo.runtime.environment import environment, now

BATCHES = (1, 3, 8, 64)
FORMS = ("onnx", "pt2", "plain")
MORE = (("dcgan", "cifar10"),)
"""Trainings beside one of every variant."""
SHOWN = ("vanilla", "mnist")
"""The training whose generator is kept as plain code, for the documentation."""


def trainings() -> Iterator[tuple[str, str]]:
    for name in registry().variants.names():
        embedded = embedded_set(registry().variants.spec(name))
        yield name, "mnist" if embedded == "glyphs" else embedded
    yield from MORE


def plain(path: Path, role: str) -> Callable[..., Tensor]:
    """The function in the Python file beside the weights."""
    spec = importlib.util.spec_from_file_location("plain", path.with_suffix(".py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., Tensor] = getattr(module, role)
    return found


def measure(run: TrainedRun, role: str, folder: Path) -> dict[str, Any]:
    """Difference, bytes and seconds of every form."""
    network = open_source(run.path, role, "last").network
    call = call_of(network, run.data)
    row: dict[str, Any] = {"parameters": sum(p.numel() for p in network.parameters()), "forms": {}, "largest": 0.0}
    for form in FORMS:
        before = time.perf_counter()
        target = folder / f"{role}{ENDINGS[form]}"
        done = export_network(run.path, form, role=role, weights="last", output=target, overwrite=True)
        seconds = time.perf_counter() - before
        again = plain(done.path, role) if form == "plain" else ganzoo.load(done.path)
        worst = 0.0
        for i, n in enumerate(BATCHES):
            inputs = call.inputs(n, 1000 + i)
            expected = call(*inputs)
            row["largest"] = max(row["largest"], float(expected.abs().max()))
            worst = max(worst, float((again(*inputs) - expected).abs().max()))
        row["forms"][form] = {"difference": worst, "bytes": done.path.stat().st_size, "seconds": round(seconds, 1)}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    import onnx
    import onnxruntime
    import onnxscript

    rows, code = [], ""
    with tempfile.TemporaryDirectory() as folder:
        for name, dataset in trainings():
            out = Path(folder) / f"{name}-{dataset}"
            settings = {
                "steps": asked.steps,
                "batch_size": 16,
                "device": "cpu",
                "metrics": "",
                "threads": asked.threads,
            }
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                run = ganzoo.train(name, dataset, out=out, **settings)
            if (name, dataset) == SHOWN:
                shown = export_network(run.path, "plain", output=Path(folder) / f"{name}_generator.safetensors")
                code = shown.path.with_suffix(".py").read_text(encoding="utf-8")
            for role in run.roles:
                row = {"variant": name, "dataset": dataset, "role": role, **measure(run, role, Path(folder))}
                print(row)
                rows.append(row)
    versions = {module.__name__: module.__version__ for module in (onnx, onnxruntime, onnxscript)}
    found = environment(torch.device("cpu"), "ganzoo")
    write(
        Path(__file__).parent / "results" / "exports.json",
        {
            "command": f"python benchmarks/exports.py --steps {asked.steps} --threads {asked.threads}",
            "date": now(), "batches": BATCHES, "steps": asked.steps, "threads": asked.threads,
            "hardware": found["hardware"], "versions": {**found["versions"], **versions}, "rows": rows, "code": code,
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
