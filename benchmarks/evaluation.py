"""What `ganzoo evaluate` costs: wall seconds and peak memory, start-up included, each in its own process.

    python benchmarks/evaluation.py RUN [--metrics fd-mnist-10k fd-mnist-50k] [--threads 2]

Recorded in benchmarks/results/metrics_cost.json: the first time of each metric computes the reference, the second one
remembers it. Peak memory is that of the largest process so far, so the metrics go from small to large.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from records import write

from ganzoo.runtime.environment import environment, now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--metrics", nargs="+", default=["fd-mnist-10k", "fd-mnist-50k"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/metrics_cost.json"))
    a = parser.parse_args()
    rows = []
    data = Path(os.environ["GANZOO_DATA"]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        for entry in data.iterdir():
            if entry.name != "reference":  # an empty memory, so that the first time is a first time
                (Path(folder) / entry.name).symlink_to(entry)
        env = {**os.environ, "GANZOO_DATA": folder, "OMP_NUM_THREADS": str(a.threads)}
        for metric in a.metrics:
            for reference in ("computed", "remembered"):
                begin = time.perf_counter()
                command = [sys.executable, "-m", "ganzoo", "evaluate", str(a.run), "--metric", metric]
                done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr
                peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
                seconds = round(time.perf_counter() - begin, 1)
                rows.append({"metric": metric, "reference": reference, "seconds": seconds, "peak_mib": peak})
                print(rows[-1], flush=True)
    where = environment(torch.device("cpu"), "torch-fidelity")
    about = {key: where[key] for key in ("versions", "hardware")}
    write(a.out, {"rows": rows, "threads": a.threads, "cores": os.cpu_count(), **about, "date": now()})


if __name__ == "__main__":
    main()
