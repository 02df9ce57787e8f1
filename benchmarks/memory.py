"""What a training keeps in memory: its peak on CIFAR-10, and whether it grows over many steps.

    python benchmarks/memory.py [--steps 20000] [--peak-steps 60] [--threads 2]
    python benchmarks/memory.py --pictures

Recorded in benchmarks/results/memory.json. Peak: `ganzoo train dcgan --dataset cifar10` in its own process,
start-up, sample grids and checkpoints included. Growth: resident memory along one training of small networks on images,
with everything that a run writes. `--pictures`: the peak of `ganzoo sample --input` with a picture of 3000 x 2000
pixels, in pieces and whole, recorded in benchmarks/results/translation/.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from records import write

import ganzoo
from ganzoo import hookimpl
from ganzoo.registry.registry import registry
from ganzoo.runtime.environment import environment, now

CIFAR10_BYTES = 50_000 * 3 * 32 * 32


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def peak(steps: int, threads: int, folder: Path) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "ganzoo", "train", "dcgan", "--dataset", "cifar10", "--steps", str(steps), "--out",
        str(folder / "peak"), "-o", f"checkpoint_every={steps // 2}", "-o", f"sample_every={steps // 2}",
        "-o", f"threads={threads}", "--quiet",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    found = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "command": "ganzoo " + " ".join(command[3:-1]).replace(str(folder), "runs"),
        "peak_mib": round(found),
        "data_mib": round(CIFAR10_BYTES / 2**20),
        "beside_data_mib": round(found - CIFAR10_BYTES / 2**20),
    }


class Watch:
    """Notes resident memory at every line of the history."""

    def __init__(self) -> None:
        self.found: list[tuple[int, float]] = []

    @hookimpl
    def ganzoo_step_logged(self, run: Any, record: dict[str, Any]) -> None:
        self.found.append((record["step"], round(resident_mib(), 1)))


def growth(steps: int, folder: Path) -> dict[str, Any]:
    watch = Watch()
    registry().attach(watch, "watch")
    settings = {"batch_size": 16, "resolution": 16, "log_every": steps // 40, "width": 8}
    try:
        ganzoo.train("dcgan", "glyphs", out=folder / "growth", steps=steps, **settings)
    finally:
        registry().detach(watch)
    # The allocator settles in the first tenth.
    first, last = watch.found[len(watch.found) // 10][1], watch.found[-1][1]
    return {"steps": steps, "settings": settings, "mib": watch.found, "grown_mib": round(last - first, 1)}


def pictures(folder: Path) -> dict[str, Any]:
    """Peaks of translating a large picture, for the default networks of every variant that translates."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (2000, 3000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "picture.png")
    Image.new("L", (3000, 2000), 255).save(folder / "mask.png")
    found: dict[str, Any] = {}
    for name in ("pix2pix", "cyclegan", "inpainting"):
        run = folder / name
        ganzoo.train(name, "shapes", out=run, steps=1, resolution=64, batch_size=2, metrics="", report=False)
        command = [sys.executable, "-m", "ganzoo", "sample", str(run), "--input", str(folder / "picture.png")]
        command += ["--mask", str(folder / "mask.png")] if name == "inpainting" else []
        command += ["--output", str(folder / "out.png"), "--overwrite"]
        found[name] = {
            "pieces_mib": peak_of(command),
            "whole_mib": peak_of([*command, "--tile", "0"]),
        }
    return found


ASIDE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A process counts the peak of the one that started it as its own: this one is small."""


def peak_of(command: list[str]) -> int:
    """The peak of a command's resident memory, in MiB."""
    done = subprocess.run([sys.executable, "-c", ASIDE, *command], check=True, capture_output=True, text=True)
    return round(int(done.stdout) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--peak-steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/memory.json"))
    parser.add_argument("--pictures", action="store_true")
    a = parser.parse_args()
    where = environment(torch.device("cpu"), "ganzoo")
    about = {key: where[key] for key in ("versions", "hardware")}
    if a.pictures:
        with tempfile.TemporaryDirectory() as place:
            peaks = pictures(Path(place))
        command = "python benchmarks/memory.py --pictures"
        what = "peak resident memory of ganzoo sample --input, a picture of 3000 x 2000 pixels, default networks"
        path = Path("benchmarks/results/translation/pictures-memory.json")
        write(path, {"what": what, **peaks, **about, "date": now(), "command": command})
        return
    with tempfile.TemporaryDirectory() as place:
        found = {"peak": peak(a.peak_steps, a.threads, Path(place)), "growth": growth(a.steps, Path(place))}
    write(a.out, {**found, "cores": os.cpu_count(), **about, "date": now(), "command": "python benchmarks/memory.py"})


if __name__ == "__main__":
    main()
