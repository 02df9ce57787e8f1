"""Losses of 50 steps of every variant, to compare with those of another version.

    python benchmarks/equivalence.py OUT.json                 take them
    python benchmarks/equivalence.py OUT.json --with OLD.json  take them, and compare

Updates have had names of their own since 0.2: ``NAME_loss`` is the loss of an update, before it was that of a player.
"""

import argparse
import json
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

import ganzoo

TRICKS = {
    "label_smoothing": 0.1, "label_flipping": 0.05, "instance_noise": 0.1, "minibatch_kernels": 8,
    "minibatch_std": True, "feature_matching": "beside", "g_steps": 2, "d_steps": 2, "clip_grad_norm": 1.0,
}  # fmt: skip
CONV_TRICKS = {
    "width": 16, "d_norm": "none", "r1": 1.0, "diffaugment": "color,translation,cutout", "spectral_norm": True,
    "lr_schedule": "cosine", "lr_warmup": 5,
}  # fmt: skip
SEMI = {"baseline_steps": 10, "labels": 100}
SR = {"blocks": 2, "width": 16, "pretrain_steps": 25, "content": "mse", "batch_size": 8}
EARLIER = {
    "vanilla": {
        "lr": 2e-4, "batch_size": 128, "width": 256, "latent_dim": 100, "dropout": 0.3, "r1": 0.0, "penalty_every": 1,
    },
    "dcgan": {"lr": 2e-4}, "cgan": {"lr": 2e-4}, "wgan": {"lr": 5e-5}, "wgan-gp": {"lr": 1e-4, "n_critic": 5},
}  # fmt: skip
"""Defaults of 0.1.0 that are others today."""
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "vanilla-glyphs": ("vanilla", "glyphs", {}),
    "vanilla-ring": ("vanilla", "ring", {}),
    "vanilla-tricks": ("vanilla", "glyphs", TRICKS),
    "dcgan": ("dcgan", "glyphs", {"width": 16}),
    "dcgan-tricks": ("dcgan", "glyphs", CONV_TRICKS),
    "cgan": ("cgan", "glyphs", {"width": 16, "d_labels": "maps"}),
    "cgan-mlp": ("cgan", "glyphs", {"width": 16, "network": "mlp"}),
    "cgan-hinge": ("cgan", "glyphs", {"width": 16, "loss": "hinge", "d_labels": "maps"}),
    "wgan": ("wgan", "glyphs", {"width": 16}),
    "wgan-ring": ("wgan", "ring", {}),
    "wgan-gp": ("wgan-gp", "glyphs", {"width": 16}),
    "wgan-gp-ring": ("wgan-gp", "ring", {}),
    "sgan": ("sgan", "glyphs", SEMI),
    "sgan-conv": ("sgan", "glyphs", {**SEMI, "network": "conv", "width": 8, "resolution": 32}),
    "srgan": ("srgan", "glyphs", SR),
}
NOT_COMPARED = ("seconds", "stage", "warnings")


def losses(case: str) -> list[dict[str, float]]:
    """The lines of the history of 50 steps, one a step."""
    variant, dataset, settings = CASES[case]
    fixed = {"steps": 50, "seed": 3, "device": "cpu", "threads": 1, "log_every": 1, "diagnostics": False}
    with tempfile.TemporaryDirectory() as folder:
        given = {**fixed, **EARLIER.get(variant, {}), **settings, "metrics": ""}
        ganzoo.train(variant, dataset, out=Path(folder) / "run", **given)
        lines = (Path(folder) / "run" / "scalars.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [{k: v for k, v in row.items() if isinstance(v, int | float) and k not in NOT_COMPARED} for row in rows]


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, float]:
    """Of each case the largest difference of a number that both have; infinite where a line or a loss is missing."""
    found = {}
    for case, lines in old.items():
        ours = new.get(case, [])
        worst = 0.0 if len(ours) == len(lines) else float("inf")
        for a, b in zip(lines, ours, strict=False):
            shared = [key for key in a if key in b]
            if not [key for key in shared if key.endswith("loss")]:
                worst = float("inf")
            worst = max([worst, *(abs(a[key] - b[key]) for key in shared)])
        found[case] = worst
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--with", dest="other", type=Path, help="compare with this record; exit code 1 above 1e-6")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    found = {}
    for case in CASES:
        found[case] = losses(case)
        print(case, flush=True)
    record = {"ganzoo": ganzoo.__version__, "torch": torch.__version__, "losses": found}
    asked.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if asked.other:
        old = json.loads(asked.other.read_text(encoding="utf-8"))
        worst = differences(old.get("losses", old), found)
        for case, difference in worst.items():
            print(f"{case}: {difference:.3g}")
        sys.exit(max(worst.values()) > 1e-6)


if __name__ == "__main__":
    main()
