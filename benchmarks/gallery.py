"""How long the gallery takes for 64 samples, over HTTP, for every variant that learns 28-pixel digits.

python benchmarks/gallery.py
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from urllib.request import Request, urlopen

import ganzoo

VARIANTS = ("vanilla", "dcgan", "cgan", "wgan", "wgan-gp", "sgan")
REQUESTS = 11


def seconds(address: str, variant: str, seed: int) -> float:
    """Of one request."""
    asked = {"run": variant, "file": "generator.safetensors", "n": 64, "seed": seed}
    begin = time.perf_counter()
    with urlopen(Request(f"{address}api/sample", json.dumps(asked).encode())) as answer:
        answer.read()
    return time.perf_counter() - begin


def main() -> None:
    """Train each variant for one step with its default settings, open a gallery, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        for variant in VARIANTS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                ganzoo.train(
                    variant, "glyphs", out=Path(folder) / variant, steps=1, batch_size=8, device="cpu", metrics=""
                )
        words = [sys.executable, "-m", "ganzoo", "gallery", folder, "--port", "0", "--no-browser"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            print("| variant | first request | median | slowest |\n| --- | --- | --- | --- |")
            for variant in VARIANTS:
                first = seconds(address, variant, 0)
                rest = [seconds(address, variant, seed) for seed in range(1, REQUESTS + 1)]
                print(f"| `{variant}` | {first:.2f} s | {statistics.median(rest):.2f} s | {max(rest):.2f} s |")
            server.terminate()


if __name__ == "__main__":
    main()
