"""Runs what only a GPU can show, for every registered variant with an embedded data set, and writes one JSON.

    python benchmarks/gpu_check.py --out benchmarks/results/gpu_check.json [--device cuda] [--steps 300]

For each variant: does it train in fp32, TF32 and bf16, with finite values; do captured iterations (CUDA graphs) give
the losses of eager ones, and what was said about those that were not captured; is a deterministic run that was resumed
equal to an unbroken one, bit for bit; do the exported weights draw the same samples on the CPU; images per second,
captured and eager. Then the two rates that ganzoo sets itself as goals. On `--device cpu` it checks itself; such a file
says nothing about a GPU.
"""

import argparse
import json
import tempfile
import time
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from throughput import timed

import ganzoo
from ganzoo.data.base import to_unit
from ganzoo.data.needs import embedded_set
from ganzoo.errors import GanzooError
from ganzoo.models.interfaces import Translator
from ganzoo.models.load import load_variant
from ganzoo.registry.registry import registry
from ganzoo.runtime.environment import environment, now
from ganzoo.runtime.tensor_files import read_tensors
from ganzoo.testing import cut_at
from ganzoo.training.diagnostics import TrainingWarning
from ganzoo.training.session import setting

COMPARED = 50
"""Steps over which captured and eager losses are compared."""
GOALS: dict[str, dict[str, Any]] = {
    "mlp, batch 64": {
        "variant": "vanilla", "goal": 250_000, "settings": {"batch_size": 64, "resolution": 28, "precision": "tf32"},
    },
    "dcgan 64x64, batch 128": {
        "variant": "dcgan", "goal": 100_000,
        "settings": {"batch_size": 128, "resolution": 64, "channels": 3, "precision": "bf16"},
    },
}  # fmt: skip


def data_for(name: str) -> str:
    return embedded_set(registry().variants.spec(name))


def history(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]


def rate(name: str, device: str, steps: int, folder: Path, **settings: Any) -> dict[str, Any]:
    """Images per second of the training loop alone; failures are told."""
    try:
        job = ganzoo.prepare(name, data_for(name), out=folder / "unused", settings={"device": device, **settings})
        with warnings.catch_warnings(record=True) as said, setting(job.config, job.device):
            warnings.simplefilter("always")
            found = timed(job.variant, job.dataset, steps, job.device)
        return {**found, "warnings": [str(w.message) for w in said if issubclass(w.category, TrainingWarning)]}
    except (GanzooError, RuntimeError) as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def short_stages(name: str, steps: int) -> dict[str, Any]:
    """Settings by which a few steps reach the last stage."""
    known = {f.name for f in fields(load_variant(name).Options)}
    return dict.fromkeys(known & {"pretrain_steps", "baseline_steps"}, steps)


def compared(name: str, device: str, folder: Path) -> dict[str, Any]:
    """The largest difference between losses of captured and of eager iterations from one seed, and what was said.

    The half-life is short, so that captures with the settled average are among them; its weights are compared too.
    """
    lines: dict[bool, list[dict[str, Any]]] = {}
    weights: dict[bool, dict[str, torch.Tensor]] = {}
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            for graphs in (True, False):
                out = folder / f"{name}-graphs-{graphs}"
                run = ganzoo.train(
                    name, data_for(name), out=out, steps=COMPARED, log_every=1, device=device, precision="fp32",
                    cuda_graphs=graphs, deterministic=True, diagnostics=False, ema_halflife=16,
                    **short_stages(name, 15),
                )  # fmt: skip
                lines[graphs] = history(out)
                weights[graphs] = read_tensors(run.latest())[0]
    except (GanzooError, RuntimeError) as error:
        return {"failed": f"{type(error).__name__}: {error}"}
    losses = {key for line in lines[True] for key in line if key.endswith("_loss")}
    averages = [key for key in weights[True] if key.startswith("ema/") and weights[True][key].is_floating_point()]
    ema = max(float((weights[True][key] - weights[False][key]).abs().max()) for key in averages)
    apart = [abs(a[k] - b[k]) for a, b in zip(lines[True], lines[False], strict=True) for k in losses if k in a]
    messages = sorted({str(w.message) for w in said if issubclass(w.category, TrainingWarning)})
    return {"steps": COMPARED, "largest_difference": max(apart), "of_averages": ema, "warnings": messages}


def resumed(name: str, device: str, steps: int, folder: Path) -> dict[str, Any]:
    """A deterministic run cut in the middle against an unbroken one; and its weights on both devices."""
    dataset, common = data_for(name), {"device": device, "precision": "fp32", "deterministic": True, "steps": steps}
    common |= short_stages(name, steps // 4)
    try:
        whole_run = ganzoo.train(name, dataset, out=folder / f"{name}-whole", **common)
        part = folder / f"{name}-part"
        with cut_at(steps // 2):
            ganzoo.train(name, dataset, out=part, checkpoint_every=steps // 2, **common)
        run = ganzoo.train(name, out=part, resume=True)
        whole, again = read_tensors(whole_run.latest())[0], read_tensors(run.latest())[0]
        found: dict[str, Any] = {"differs_in": [key for key in whole if not torch.equal(whole[key], again[key])]}
        network = run.network()
        if isinstance(network, Translator):
            images = to_unit(torch.randint(0, 256, (4, run.data.shape[0], 24, 20), dtype=torch.uint8))
            here, there = network(images), network.to(device)(images.to(device)).cpu()
        else:
            here, there = (run.generator().to(place).sample(16, seed=1) for place in ("cpu", device))
        return found | {"largest_sample_difference_to_cpu": float((here - there).abs().max())}
    except (GanzooError, RuntimeError) as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def check(name: str, device: str, steps: int, folder: Path) -> dict[str, Any]:
    """One variant; a failure is recorded with its reason and stops nothing."""
    precisions = ("fp32", "tf32", "bf16") if device == "cuda" else ("fp32", "bf16")
    rates = {
        f"{precision}, {'graphs' if graphs else 'eager'}": rate(
            name, device, steps, folder, precision=precision, cuda_graphs=graphs
        )
        for precision in precisions
        for graphs in (True, False)
    }
    return {
        "dataset": data_for(name), "rates": rates, "graphs_against_eager": compared(name, device, folder),
        "resume": resumed(name, device, max(20, steps // 3), folder),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--variants", nargs="*", help="these only")
    args = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        goals = {
            what: {"goal": entry["goal"], **rate(entry["variant"], args.device, args.steps * 5, folder,
                                                 **(entry["settings"] if args.device == "cuda" else {}))}
            for what, entry in GOALS.items() if not args.variants
        }  # fmt: skip
        variants = {
            name: check(name, args.device, args.steps, folder) for name in args.variants or registry().variants.names()
        }
    record = {
        "date": now(),
        **environment(torch.device(args.device), "ganzoo"),
        "minutes": round((time.perf_counter() - start) / 60, 2),
        "goals": goals,
        "variants": variants,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
