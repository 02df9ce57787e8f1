"""Runs what only a GPU can show, for every registered variant with an embedded data set, and writes one JSON.

    python benchmarks/gpu_check.py --out benchmarks/results/gpu_check.json [--device cuda] [--steps 300]

For each variant: does it train in fp32 and bf16, with finite values; is a resumed run equal to an unbroken one, bit for
bit; do the exported weights draw the same samples on the CPU; images per second (median of windows of the history,
without the first, which warms up). On `--device cpu` it checks itself; such a file says nothing about a GPU.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

import ganzoo
from ganzoo.checkpoint import read_tensors
from ganzoo.data.base import to_unit
from ganzoo.errors import GanzooError
from ganzoo.interfaces import Translator
from ganzoo.registry import registry
from ganzoo.run import environment, now
from ganzoo.testing import cut_at


def check(name: str, device: str, steps: int, folder: Path) -> dict[str, Any]:
    """One variant; a failure is recorded with its reason and stops nothing."""
    dataset = "glyphs" if "images" in registry().variants.spec(name).accepts else "ring"
    found: dict[str, Any] = {"dataset": dataset}
    settings = {"device": device, "log_every": max(1, steps // 10)}
    for precision in ("fp32", "bf16"):
        try:
            out = folder / f"{name}-{precision}"
            run = ganzoo.train(name, dataset, out=out, steps=steps, precision=precision, **settings)
            lines = [json.loads(line) for line in (out / "scalars.jsonl").read_text().splitlines()][1:]
            rates = [run.config.batch_size * settings["log_every"] / line["seconds"] for line in lines]
            found[precision] = {"batch_size": run.config.batch_size, "images_per_second": statistics.median(rates),
                                "last": lines[-1]}  # fmt: skip
        except (GanzooError, RuntimeError) as error:
            found[precision] = {"failed": f"{type(error).__name__}: {error}"}
    try:
        part = folder / f"{name}-resumed"
        with cut_at(steps // 2):
            ganzoo.train(
                name, dataset, out=part, steps=steps, precision="fp32", checkpoint_every=steps // 2, **settings
            )
        resumed = ganzoo.train(name, out=part, resume=True)
        whole = read_tensors(folder / f"{name}-fp32" / "checkpoints" / resumed.latest().name)[0]
        again = read_tensors(resumed.latest())[0]
        found["resume_differs_in"] = [key for key in whole if not torch.equal(whole[key], again[key])]
        network = resumed.network()
        if isinstance(network, Translator):
            images = to_unit(torch.randint(0, 256, (4, resumed.data.shape[0], 24, 20), dtype=torch.uint8))
            here, there = network(images), network.to(device)(images.to(device)).cpu()
        else:
            here, there = (resumed.generator().to(place).sample(16, seed=1) for place in ("cpu", device))
        found["largest_sample_difference_to_cpu"] = float((here - there).abs().max())
    except (GanzooError, RuntimeError) as error:
        found["resume_failed"] = f"{type(error).__name__}: {error}"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=300)
    args = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        variants = {n: check(n, args.device, args.steps, Path(folder)) for n in registry().variants.names()}
    record = {
        "date": now(),
        **environment(torch.device(args.device), "ganzoo"),
        "minutes": round((time.perf_counter() - start) / 60, 2),
        "variants": variants,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
