"""How far real samples are from real samples, and how each metric reacts to known damage.

    python benchmarks/metrics.py mnist [glyphs fashion-mnist cifar10] [--out benchmarks/results/metrics]

One JSON file for each data set. Floors: test images against the training split, and one half of the training split
against the other (of drawn data: a second draw against the first). Damage is done to images of the first half, which
are then compared with the second one; what the first row gives is what no damage gives.
"""

import argparse
import dataclasses
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from records import write
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataInfo, DataRequest, Dataset
from ganzoo.data.load import load_dataset
from ganzoo.data.store import data_root
from ganzoo.metrics.base import take
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import load_metrics, machine
from ganzoo.metrics.targets import DatasetTarget
from ganzoo.registry.registry import registry

CPU = torch.device("cpu")
SEED = 0


@dataclasses.dataclass
class Pool(DatasetTarget):
    """Real images, damaged. Told a class it gives an image of that class; a share of ``confused`` gives another."""

    confused: float = 0.0

    asked: int = 0

    @property
    def classes(self) -> int:
        return self.asked

    def samples(
        self, count: int, conditions: Tensor | None, seed: int, batches: slice = slice(None)
    ) -> Iterator[Tensor]:
        labels = conditions
        if labels is None or not self.confused:
            yield from super().samples(count, labels, seed, batches)
            return
        assert self.dataset is not None
        assert self.dataset.labels is not None
        rng = torch.Generator().manual_seed(SEED)
        wrong = torch.rand(count, generator=rng) < self.confused
        asked = torch.where(
            wrong, (labels + torch.randint(1, self.classes, (count,), generator=rng)) % self.classes, labels
        )
        chosen = torch.empty(count, dtype=torch.int64)
        for k in range(self.classes):
            own = (self.dataset.labels == k).nonzero().flatten()
            here = (asked == k).nonzero().flatten()
            assert len(own) >= len(here), "no image is drawn twice: that would be damage too"
            chosen[here] = own[torch.randperm(len(own), generator=rng)[: len(here)]]
        for part in chosen.split(self.batch):
            yield self.dataset.source.fetch(part)


def noise(level: float) -> Callable[[Tensor], Tensor]:
    def change(images: Tensor) -> Tensor:
        added = level * torch.randn(images.shape, generator=torch.Generator().manual_seed(SEED))
        return (images + added).round().clamp(0, 255).to(torch.uint8)

    return change


def blur(sigma: float) -> Callable[[Tensor], Tensor]:
    return lambda images: gaussian_blur(images, 7, sigma)


def shift(pixels: int) -> Callable[[Tensor], Tensor]:
    return lambda images: torch.roll(images, pixels, dims=3)


def same(images: Tensor) -> Tensor:
    return images


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "none": same,
    "noise, σ 8 of 255": noise(8),
    "noise, σ 32 of 255": noise(32),
    "blur, σ 0.5 pixels": blur(0.5),
    "blur, σ 1 pixel": blur(1.0),
    "moved by 2 pixels": shift(2),
}


def halves(dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Two halves at random."""
    order = torch.randperm(dataset.info.count, generator=torch.Generator().manual_seed(SEED))
    middle = len(order) // 2
    return part(dataset, order[:middle], "first half"), part(dataset, order[middle:], "second half")


def part(dataset: Dataset, indices: Tensor, name: str) -> Dataset:
    assert dataset.labels is not None
    info = dataclasses.replace(dataset.info, count=len(indices), digest=f"{name} of {dataset.info.digest}", split=name)
    return Dataset(info, {"images": dataset.source.fetch(indices), "labels": dataset.labels[indices]})


def changed(pool: Dataset, change: Callable[[Tensor], Tensor]) -> Dataset:
    images = pool.source.fetch(torch.arange(pool.info.count))
    assert pool.labels is not None
    changed_images = torch.cat([change(images_) for images_ in images.split(1_000)])
    return Dataset(pool.info, {"images": changed_images, "labels": pool.labels})


def targets(pool: Dataset, reference: Dataset) -> Iterator[tuple[str, Pool]]:
    """The pool, undamaged and damaged; and what it is compared with, as if a generator had learned that by heart."""
    info: DataInfo = pool.info
    assert pool.labels is not None
    classes = len(info.classes)

    def target(name: str, dataset: Dataset, indices: Tensor | None = None, confused: float = 0.0) -> tuple[str, Pool]:
        asked = classes if confused or name == "none" else 0
        return name, Pool(
            name, {"kind": "data"}, info.shape, dataset=dataset, indices=indices, confused=confused, asked=asked
        )

    for name, change in CHANGES.items():
        # Undamaged, and told classes, it always gives the right one.
        yield target(name, changed(pool, change), confused=1e-12 if name == "none" else 0.0)
    labels = pool.labels
    for gone in (1, classes // 2, classes - 1):
        kept = (labels < classes - gone).nonzero().flatten()
        if len(kept) < 10_000:  # repeated, because the protocol takes no fewer: duplicates come in, too
            kept = kept.repeat(-(-10_000 // len(kept)))
        yield target(f"{gone} of {classes} classes dropped", pool, kept)
    for distinct in (5_000, 1_000, 100):
        indices = torch.arange(distinct).repeat(10_000 // distinct)
        yield target(f"{distinct:,} images, repeated", pool, indices)
    yield target("10 % of the classes confused", pool, confused=0.1)
    yield target("the reference's own images", reference)


def measure(name: str, target: Pool, context: EvaluationContext, metrics: list[str]) -> dict[str, dict[str, float]]:
    found = {}
    held = context.renewed(target, SEED)
    for metric in load_metrics(metrics):
        if metric.unsuitable(held):
            continue
        begin = time.perf_counter()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found[metric.spec.name] = take(metric, held).values
        words = f" ({said[0].message})" if said else ""
        print(f"{name:32} {metric.spec.name:24} {found[metric.spec.name]}, {time.perf_counter() - begin:.1f} s{words}")
    return found


def measure_all(data: str, effnet: bool = False) -> dict[str, Any]:
    config = RunConfig(variant="none", dataset=data)
    train, test = load_dataset(data, config), load_dataset(data, config, "test")
    names = [n for n in registry().metrics if n.endswith("-10k") and registry().metrics.spec(n).extractor == data]
    names += ["duplicates-2k", "copies-1k"]
    drawn = data == "glyphs"
    if drawn:
        request = DataRequest(name=data, root=data_root(), split="train", seed=1)
        other = registry().datasets.load(data)(request)
        first, second = part(other, torch.arange(other.info.count), "second draw"), train
    else:
        first, second = halves(train)

    def against(dataset: Dataset) -> EvaluationContext:
        return EvaluationContext(
            Pool("", {}, train.info.shape), data, lambda split: test if split == "test" else dataset, CPU
        )

    floors = {}
    whole = against(train)
    if test.info.count >= 10_000:
        target = Pool("test", {"kind": "data"}, train.info.shape, dataset=test)
        floors["test against train"] = measure("test against train", target, whole, names)
    held = against(second)
    rows = {name: measure(name, target, held, names) for name, target in targets(first, second)}
    floor = dict(rows["none"])
    if effnet:  # too slow for every row of damage
        target = Pool("none", {"kind": "data"}, train.info.shape, dataset=first)
        floor |= measure("none", target, held, ["fd-effnet-lite0-10k"])
    floors["second draw against first" if drawn else "one half of train against the other"] = floor
    return {
        "data": {"name": data, "digest": train.info.digest, "train": train.info.count, "test": test.info.count},
        "floors": floors,
        "damage": rows,
        **machine(CPU),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "command": f"python benchmarks/metrics.py {data}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/metrics"))
    parser.add_argument("--effnet", action="store_true", help="the floor of fd-effnet-lite0-10k too: for a GPU")
    arguments = parser.parse_args()
    for data in arguments.data:
        write(arguments.out / f"{data}.json", measure_all(data, arguments.effnet))


if __name__ == "__main__":
    main()
