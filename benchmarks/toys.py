"""Mode collapse, counted: trains variants on ``ring`` (8 modes) and ``grid`` (25) over several seeds.

    python benchmarks/toys.py [--only NAME ...] [--seeds 0 1 2] [--out benchmarks/results/toys]

Every training is recorded in a JSON file of its own with its settings, versions and hardware; trainings that are
recorded already are not repeated. The table in docs/results.md is made from these files.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import records
import torch

import ganzoo
from ganzoo.config.files import to_plain
from ganzoo.data.sources.toys import modes
from ganzoo.metrics.modes import count_modes

SAMPLES = 2_500  # as in arXiv:1705.07761
SEED_OF_SAMPLES = 12_345

# All see the same number of real points, 256 in a step; latents of 2 numbers.
BATCH = 256
POINTS = 14_000 * BATCH
COMMON = {"batch_size": BATCH, "steps": POINTS // BATCH, "device": "cpu", "latent_dim": 2,
          "log_every": 500, "sample_every": 5_000, "checkpoint_every": 5_000}  # fmt: skip
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "vanilla": ("vanilla", {"width": 64, "dropout": 0.0}),
    "vanilla-minibatch": ("vanilla", {"width": 64, "dropout": 0.0, "minibatch_kernels": 8}),
    "wgan": ("wgan", {"width": 32, "lr": 5e-4, "clip": 0.1, "n_critic": 2}),
    "wgan-gp": (
        "wgan-gp",
        {"width": 32, "lr": 1e-3, "gradient_penalty": 0.1, "n_critic": 2, "lr_schedule": "linear"},
    ),
}
"""What each differs in from its defaults. The penalty is 0.1 because neighbouring modes lie 0.4 apart, not 2."""


def measure(name: str, dataset: str, seed: int) -> dict[str, Any]:
    """Train one and count."""
    variant, settings = SETTINGS[name]
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = ganzoo.train(variant, dataset, out=Path(folder) / "run", seed=seed, **COMMON, **settings)
        counted = count_modes(run.sample(SAMPLES, seed=SEED_OF_SAMPLES), modes(dataset))
    details = {key: run.details[key] for key in ("versions", "device", "hardware", "threads", "data")}
    return {
        "name": name,
        "dataset": dataset,
        "seed": seed,
        **dataclasses.asdict(counted),
        "samples": SAMPLES,
        "seed_of_samples": SEED_OF_SAMPLES,
        "weights": "EMA" if run.config.ema_halflife else "raw",
        "images": run.images,
        "seconds": round(time.perf_counter() - begin, 1),
        "config": to_plain(run.config),
        **details,
        "command": records.short(" ".join(["python", "benchmarks/toys.py", *sys.argv[1:]])),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--datasets", nargs="*", choices=("ring", "grid"), default=["ring", "grid"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/toys"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # several trainings at once get further than one with several threads
    for seed in arguments.seeds:
        for dataset in arguments.datasets:
            for name in arguments.only:
                path = arguments.out / f"{name}-{dataset}-s{seed}.json"
                if path.exists():
                    continue
                record = measure(name, dataset, seed)
                path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
                found = f"{record['found']}/{record['total']} modes, {record['fair']} fairly"
                quality = f"quality {record['quality']:.3f}, {record['seconds']} s"
                print(f"{name:18} {dataset} seed {seed}: {found}, {quality}", flush=True)


if __name__ == "__main__":
    main()
