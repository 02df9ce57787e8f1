"""Fine-tuning on 100 images: from nothing, from another run, and with what is made for few images.

    python benchmarks/finetune.py OUT.json [--work FOLDER] [--kind Bag] [--images 100]

Of Fashion-MNIST 1,000 training images of each other kind are the set that the first run learns. Of the kind 100 are
learned, and the others are what samples are compared with. All runs are dcgan with one seed and equal steps.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from records import write

from ganzoo.data.base import DataRequest
from ganzoo.data.store import data_root
from ganzoo.registry.registry import registry
from ganzoo.runs.run import read_run_details

OTHERS = 1_000
BASE_STEPS, STEPS = 4_000, 1_000
FEW = ["-o", "diffaugment=translation,cutout", "-o", "ada=0.6", "-o", "ada_images=50000"]
CASES: dict[str, tuple[bool, list[str]]] = {
    "from nothing": (False, []),
    "from nothing, augmented": (False, FEW),
    "from the other run": (True, []),
    "from the other run, augmented": (True, FEW),
    "from the other run, augmented, first two layers of D kept": (True, [*FEW, "-o", "freeze_d=2"]),
}
"""Whether a case begins with the first run, and its settings."""
METRIC = "fd-fashion-mnist-10k"


def save(images: torch.Tensor, folder: Path) -> None:
    """uint8 images [N, 1, H, W] as files."""
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        Image.fromarray(image[0].numpy()).save(folder / f"{number:05d}.png")


def folders(work: Path, kind: str, count: int) -> None:
    """``others``, ``few`` and ``rest``."""
    data = registry().datasets.load("fashion-mnist")(DataRequest(name="fashion-mnist", root=data_root(), split="train"))
    names = list(data.info.classes)
    if kind not in names:
        sys.exit(f"kind {kind!r} is none of {', '.join(names)}.")
    assert data.labels is not None, "Fashion-MNIST has labels"
    own = names.index(kind)
    places = [torch.nonzero(data.labels == label).flatten() for label in range(len(names))]
    others = torch.cat([place[:OTHERS] for label, place in enumerate(places) if label != own])
    for name, chosen in (("others", others), ("few", places[own][:count]), ("rest", places[own][count:])):
        save(data.source.fetch(chosen), work / name)


def trained(work: Path, name: str, *words: str) -> list[str]:
    """Train dcgan; returns the command as a user types it."""
    command = ["train", "dcgan", "--out", name, "-o", "channels=1", *words]
    subprocess.run([sys.executable, "-m", "ganzoo", *command, "--quiet", "-o", "report=false"], cwd=work, check=True)
    return ["ganzoo", *command]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--work", type=Path, help="folder of data and runs; it must not exist [default: a temporary one]"
    )
    parser.add_argument("--kind", default="Bag")
    parser.add_argument("--images", type=int, default=100)
    args = parser.parse_args()
    work = args.work or Path(tempfile.mkdtemp()) / "finetune"
    folders(work, args.kind, args.images)
    base = trained(work, "base", "--dataset", "folder:others", "--steps", str(BASE_STEPS))
    rows: list[dict[str, Any]] = []
    for number, (case, (begun, settings)) in enumerate(CASES.items()):
        origin = ["--init-from", "base"] if begun else []
        words = ["--dataset", "folder:few", "--steps", str(STEPS), *origin, *settings]
        name = f"case-{number}"
        command = trained(work, name, *words)
        said = subprocess.run(
            [sys.executable, "-m", "ganzoo", "evaluate", name, "--metric", METRIC, "--reference", "folder:rest",
             "--json"],
            cwd=work, check=True, capture_output=True, text=True,
        )  # fmt: skip
        found = json.loads(said.stdout)
        rows.append({"case": case, "command": " ".join(command), "metrics": found})
        print(case, json.dumps(found)[:300], flush=True)
    details = read_run_details(work / "base")
    write(args.out, {
        "what": f"{args.images} images of {args.kind} of Fashion-MNIST, compared with the others of that kind",
        "base": " ".join(base), "rows": rows, "hardware": details["hardware"], "versions": details["versions"],
        "date": date.today().isoformat(), "command": "python benchmarks/finetune.py OUT.json",
    })  # fmt: skip


if __name__ == "__main__":
    main()
