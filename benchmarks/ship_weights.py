"""Ship the main network of a run as ``zoo:NAME``: copy its file, write down its hash, its scores and its command.

    python benchmarks/ship_weights.py RUN NAME --summary "digits of a class" --licence "CC BY-SA 3.0 (MNIST)" \
        --metric fd-mnist-10k --metric accuracy-mnist-10k

The scores are measured here, of the very file that is shipped. ``--half`` writes 16-bit numbers: half the size, for
networks of some megabytes.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import tomli_w

import ganzoo
from ganzoo.report.facts import command_of, read_runs, settings_of
from ganzoo.runs.run import weights_path
from ganzoo.runtime.tensor_files import read_tensors, write_tensors

FOLDER = Path(__file__).parents[1] / "plugins" / "ganzoo_zoo" / "weights"
LOOKS = (
    "metrics",
    "metric_every",
    "metric_minutes",
    "clock",
    "report",
    "log_every",
    "sample_every",
    "checkpoint_every",
)
"""Settings that change nothing of what is learned."""
MOST = 20_000_000
"""Bytes of all files together."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--summary", required=True)
    parser.add_argument("--licence", required=True)
    parser.add_argument("--metric", action="append", default=[])
    parser.add_argument("--half", action="store_true")
    asked = parser.parse_args()
    run = ganzoo.open_run(asked.run)
    target = FOLDER / f"{asked.name}.safetensors"
    shutil.copyfile(weights_path(run.path, run.variant.main_role), target)
    if asked.half:
        halve(target)
    facts = read_runs([run.path])[0]
    about = {
        "summary": asked.summary,
        "variant": run.config.variant,
        "dataset": run.data.name,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "scores": scores(target, asked.metric),
        "command": command_of(facts, [each for each in settings_of(facts) if each.key not in LOOKS]),
        "licence": asked.licence,
    }
    index = FOLDER / "index.toml"
    found = tomllib.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
    index.write_text(tomli_w.dumps(dict(sorted({**found, asked.name: about}.items()))), encoding="utf-8")
    total = sum(path.stat().st_size for path in FOLDER.glob("*.safetensors"))
    print(f"{target}: {target.stat().st_size:,} bytes; all together {total:,}")
    assert total <= MOST, f"more than {MOST:,} bytes"


def halve(path: Path) -> None:
    """Write the floats of a weights file with 16 bits; loading makes them 32 bits again."""
    tensors, header = read_tensors(path)
    write_tensors(path, {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}, header)


def scores(path: Path, metrics: list[str]) -> list[str]:
    """What the command line measures, as ``NAME VALUE``."""
    if not metrics:
        return []
    words = [word for name in metrics for word in ("--metric", name)]
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", "evaluate", path, *words, "--json"], capture_output=True, text=True, check=True
    )

    return [f"{row['metric']} {next(iter(row['values'].values())):.4g}" for row in json.loads(done.stdout)]


if __name__ == "__main__":
    main()
