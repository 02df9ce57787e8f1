"""Arithmetic of latents on faces with known attributes: arXiv:1511.06434, section 6.3.2.

    python benchmarks/arithmetic.py RUN [--sums 100]

RUN is an unconditional training on `avatars`. Glasses and long hair, minus no glasses and long hair, plus no glasses
and short hair, should give glasses and short hair. Each term is the mean of three latents whose samples have these
attributes, as a classifier sees them that is trained on real avatars. Seeds are taken in order, none chosen.

Recorded in benchmarks/results/latents/arithmetic-avatars.json: how often the classifier sees both attributes in the
result, and in single samples of all kinds. The first sum is drawn as docs/images/arithmetic-avatars.png.
"""

import argparse
import sys
from pathlib import Path

import torch
from records import write
from torch import Tensor

import ganzoo
from ganzoo.config.settings import RunConfig
from ganzoo.data.load import load_dataset
from ganzoo.metrics.measures.editing import FITTED, seen, trained
from ganzoo.models.latents import Term, arithmetic
from ganzoo.report.pictures import save_picture
from ganzoo.runtime.environment import environment, now

ROOT = Path(__file__).parent.parent
EACH = 3
"""Latents in a mean, as in the paper."""
BATCH = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description="Arithmetic of latents on avatars.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--sums", type=int, default=100)
    given = parser.parse_args()
    run = ganzoo.open_run(given.run)
    generator = run.generator()
    data = load_dataset("avatars", RunConfig(variant="dcgan", dataset="avatars", resolution=run.data.shape[1]))
    names = list(data.info.extra["attributes"])
    glasses, hair = names.index("glasses"), names.index("long-hair")
    classifier = trained(data, "this measurement", torch.arange(FITTED))

    wanted = 3 * EACH * given.sums
    samples = torch.cat([generator.sample(1, seed=seed) for seed in range(wanted)])
    has = seen(classifier, samples)

    def seeds(with_glasses: bool, with_long_hair: bool) -> list[int]:
        return ((has[:, glasses] == with_glasses) & (has[:, hair] == with_long_hair)).nonzero().flatten().tolist()

    kinds = [seeds(True, True), seeds(False, True), seeds(False, False)]
    sums = min(given.sums, *(len(kind) // EACH for kind in kinds))
    results: list[Tensor] = []
    for i in range(sums):
        terms = [
            Term(sign, tuple(kind[EACH * i : EACH * (i + 1)])) for sign, kind in zip((1, -1, 1), kinds, strict=True)
        ]
        found = arithmetic(generator, terms)
        results.append(found.around[4])
        if i == 0:
            shown = [torch.cat([part, mean[None]]) for part, mean in zip(found.parts, found.means, strict=True)]
            shown.append(found.around[[0, 2, 6, 4]])
            save_picture(ROOT / "docs" / "images" / "arithmetic-avatars.png", torch.cat(shown), EACH + 1)
            first = [term.seeds for term in terms]
    after = seen(classifier, torch.stack(results))
    where = environment(torch.device("cpu"), "ganzoo")
    write(
        ROOT / "benchmarks" / "results" / "latents" / "arithmetic-avatars.json",
        {
            "what": "glasses, long hair - no glasses, long hair + no glasses, short hair: means of three latents",
            "command": f"python benchmarks/arithmetic.py RUN --sums {given.sums}",
            "date": now(),
            "run": {"variant": run.config.variant, "images": run.images, "seed": run.config.seed},
            "sums": sums,
            "glasses in the result": round(float(after[:, glasses].float().mean()), 4),
            "short hair in the result": round(float((~after[:, hair]).float().mean()), 4),
            "both": round(float((after[:, glasses] & ~after[:, hair]).float().mean()), 4),
            "both in single samples": round(float((has[:, glasses] & ~has[:, hair]).float().mean()), 4),
            "seeds of the picture": first,
            **{key: where[key] for key in ("versions", "hardware", "threads")},
        },
    )


if __name__ == "__main__":
    sys.exit(main())
