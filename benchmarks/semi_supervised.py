"""Records runs of the semi-supervised GAN, and what several of them say together.

    ganzoo train sgan --dataset mnist --labels 100 --seed 0 --out runs/sgan-100-s0
    python benchmarks/semi_supervised.py record runs/sgan-100-s0 ...
    python benchmarks/semi_supervised.py ensemble runs/a runs/b ... --name sgan-mnist-100-ensemble

An ensemble is the mean of the probabilities of classifiers that were trained on the same labelled images.
"""

import argparse
from pathlib import Path
from typing import Any

import records
import torch

import ganzoo.api
from ganzoo.data.base import to_unit
from ganzoo.data.load import load_dataset

OUT = Path("benchmarks/results/ssl")


def record(folder: Path, out: Path, note: str) -> None:
    """One run: the course of its errors, and the last of them."""
    run, history = records.read(folder)
    options: Any = run.config.options
    found = records.describe(run, history, ("test_error", "baseline_test_error"))
    last = found["measured"][-1]
    # A training that broke down and was stopped is a result, too; the note must say so.
    assert run.status == "finished" or note, f"{folder} is {run.status}: say why with --note"
    subset = run.config.seed if options.label_seed is None else options.label_seed
    found = {"labels": options.labels, "label_seed": subset, "seed": run.config.seed,
             **{key: last[key] for key in last if "error" in key}, **found}  # fmt: skip
    if note:
        found["note"] = note
    name = f"sgan-{run.config.dataset}-{options.labels}-{run.config.steps}-s{run.config.seed}"
    if run.status != "finished":
        name += f"-{run.status}"
    records.write(out / f"{name}.json", found)


@torch.no_grad()
def probabilities(folder: Path, images: torch.Tensor) -> torch.Tensor:
    classifier = ganzoo.api.load_classifier(folder)
    return torch.cat([classifier(part).softmax(1) for part in images.split(1_000)])


def ensemble(folders: list[Path], out: Path, name: str) -> None:
    """The error of the mean of several classifiers' probabilities, beside the error of each."""
    runs = [records.read(folder) for folder in folders]
    chosen = {
        (run.config.dataset, run.config.options.labels, run.config.options.label_seed)  # type: ignore[attr-defined]
        for run, _ in runs
    }
    assert len(chosen) == 1, f"these were trained on different labelled images: {sorted(map(str, chosen))}"
    test = load_dataset(runs[0][0].config.dataset, runs[0][0].config, "test")
    assert test.labels is not None
    images = to_unit(test.source.fetch(torch.arange(len(test.source))))
    each = [probabilities(folder, images) for folder in folders]

    def error(p: torch.Tensor) -> float:
        return round(100 * float((p.argmax(1) != test.labels).double().mean()), 4)

    dataset, labels, label_seed = chosen.pop()
    found = {
        "dataset": dataset, "labels": labels, "label_seed": label_seed,
        "seeds": [run.config.seed for run, _ in runs], "test_images": len(images),
        "test_error": error(torch.stack(each).mean(0)), "test_error_of_each": [error(p) for p in each],
        "runs": [records.describe(run, history, ("test_error", "baseline_test_error")) for run, history in runs],
    }  # fmt: skip
    records.write(out / f"{name}.json", found)
    print(f"each {found['test_error_of_each']}, together {found['test_error']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "ensemble"))
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--name", default="ensemble")
    parser.add_argument("--note", default="", help="what else a reader of the record must know")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    if arguments.what == "ensemble":
        ensemble(arguments.runs, arguments.out, arguments.name)
        return
    for folder in arguments.runs:
        record(folder, arguments.out, arguments.note)


if __name__ == "__main__":
    main()
