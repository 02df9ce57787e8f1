"""Losses of 50 steps of every variant, to hold against those of an earlier version: python benchmarks/equivalence.py OUT.json"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
import ganzoo

CASES = {
    "vanilla-glyphs": ("vanilla", "glyphs", {}),
    "vanilla-ring": ("vanilla", "ring", {}),
    "vanilla-tricks": (
        "vanilla",
        "glyphs",
        dict(
            label_smoothing=0.1,
            label_flipping=0.05,
            instance_noise=0.1,
            minibatch_kernels=8,
            minibatch_std=True,
            feature_matching="beside",
            g_steps=2,
            d_steps=2,
            clip_grad_norm=1.0,
        ),
    ),
    "dcgan": ("dcgan", "glyphs", dict(width=16)),
    "dcgan-tricks": (
        "dcgan",
        "glyphs",
        dict(
            width=16,
            d_norm="none",
            r1=1.0,
            diffaugment="color,translation,cutout",
            spectral_norm=True,
            lr_schedule="cosine",
            lr_warmup=5,
        ),
    ),
    "cgan": ("cgan", "glyphs", dict(width=16)),
    "cgan-mlp": ("cgan", "glyphs", dict(width=16, network="mlp")),
    "cgan-hinge": ("cgan", "glyphs", dict(width=16, loss="hinge")),
    "wgan": ("wgan", "glyphs", dict(width=16)),
    "wgan-ring": ("wgan", "ring", {}),
    "wgan-gp": ("wgan-gp", "glyphs", dict(width=16)),
    "wgan-gp-ring": ("wgan-gp", "ring", {}),
    "sgan": ("sgan", "glyphs", dict(baseline_steps=10, labels=100)),
    "sgan-conv": ("sgan", "glyphs", dict(baseline_steps=10, labels=100, network="conv", width=8, resolution=32)),
    "srgan": ("srgan", "glyphs", dict(blocks=2, width=16, pretrain_steps=25, content="mse", batch_size=8)),
}
found = {}
for key, (variant, dataset, settings) in CASES.items():
    with tempfile.TemporaryDirectory() as t:
        ganzoo.train(
            variant,
            dataset,
            out=Path(t) / "r",
            seed=3,
            steps=50,
            log_every=1,
            device="cpu",
            threads=1,
            diagnostics=False,
            **settings,
        )
        lines = [json.loads(l) for l in (Path(t) / "r" / "scalars.jsonl").read_text().splitlines()]
    found[key] = [
        {k: v for k, v in l.items() if k not in ("seconds", "stage") and isinstance(v, (int, float))} for l in lines
    ]
    print(key, len(lines), flush=True)
Path(sys.argv[1]).write_text(json.dumps(found))
