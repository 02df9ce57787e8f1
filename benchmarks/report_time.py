"""How long a report of a long run takes: a tiny GAN whose history is made as long as that of 50,000 steps.

    python benchmarks/report_time.py [--steps 50000]

It trains a conditional GAN on the embedded digits for a few steps, writes a history with a line for every step (the
longest that a run can have) and a picture of samples for every hundredth of it, and runs ``ganzoo report`` in its own
process, as a user does. Prints seconds, those that the processor was busy, and bytes.
"""

import argparse
import json
import math
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ganzoo


def lengthened(run: Path, steps: int) -> None:
    """A line of the history for each step, and 100 pictures of samples."""
    noise = random.Random(0)
    lines = []
    for step in range(1, steps + 1):
        pull = 0.45 * math.exp(-3 * step / steps)
        line = {
            "step": step, "images": 64 * step, "stage": "gan", "seconds": 0.02,
            "discriminator_loss": 1.2 - pull + noise.gauss(0, 0.1), "generator_loss": 0.9 + pull + noise.gauss(0, 0.2),
            "D(x)": 0.5 + pull + noise.gauss(0, 0.02), "D(G(z))": 0.5 - pull + noise.gauss(0, 0.02),
            "wasserstein": 2 * pull + noise.gauss(0, 0.1), "learning_rate": 2e-4,
        }  # fmt: skip
        if step % 500 == 0:
            line["fd-glyphs-10k"] = 100 * pull + noise.random()
        lines.append(json.dumps(line))
    (run / "scalars.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    picture = next((run / "samples").glob("*.png"))
    for i in range(1, 101):
        shutil.copy(picture, run / "samples" / f"step-{i * steps // 100:08d}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50_000)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "long"
        ganzoo.train("cgan", out=run, steps=20, batch_size=16, device="cpu", report=False)
        lengthened(run, steps)
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "ganzoo", "report", str(run)], check=True, stdout=subprocess.DEVNULL)
        seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        size = (run / "report.html").stat().st_size
        took = f"{seconds:.1f} s ({busy:.1f} s of CPU)"
        print(f"{steps:,} steps, each with a line in the history: {took}, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
