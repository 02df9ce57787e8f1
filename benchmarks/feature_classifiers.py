"""Trains the small classifiers whose features and logits ganzoo's in-domain metrics use, and writes their cards.

    python benchmarks/feature_classifiers.py mnist [--epochs 20] [--seed 0] [--threads 1] [--out ganzoo/metrics/weights]

Trained on the training split, judged once, at the end, on the test split. Learning rate: up and down once (one cycle);
augmentation: shifts and small affine changes, mirror images where the classes bear it. The weights that are kept are
averages over the last epochs. Convolutions run in bf16 where the processor has it.
"""

import argparse
import hashlib
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, cross_entropy, grid_sample
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ganzoo import __version__
from ganzoo.config.settings import RunConfig
from ganzoo.data.base import Dataset, to_unit
from ganzoo.data.load import load_dataset
from ganzoo.metrics.feature_classifier import SHIPPED, FeatureClassifier
from ganzoo.runtime.environment import processor
from ganzoo.runtime.tensor_files import write_tensors

WIDTHS = {"glyphs": 12, "mnist": 12, "fashion-mnist": 12, "cifar10": 16, "solids": 4}
HALVED = ("cifar10", "solids")  # stored in fp16, to stay below 1 MB; the accuracy is that of the rounded weights
MIRRORED = ("fashion-mnist", "cifar10")
BATCH = 128
SHIFT = 2 / 14  # of half a side: two pixels of 28
TURN, SCALE = math.radians(8), 0.08


def augmented(images: Tensor, mirror: bool) -> Tensor:
    """Each image [N, C, H, W] shifted, turned and scaled a little, and mirrored half of the time; voxels shifted."""
    n = len(images)
    if images.dim() == 5:  # along all three axes; what leaves on one side was empty
        steps = (torch.rand(n, 3) * 5 - 2).floor().int().tolist()
        return torch.stack([one.roll(step, (1, 2, 3)) for one, step in zip(images, steps, strict=True)])
    angle = (torch.rand(n) * 2 - 1) * TURN
    scale = 1 + (torch.rand(n) * 2 - 1) * SCALE
    across = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if mirror else torch.ones(n)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = scale * angle.cos() * across, -scale * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = scale * angle.sin() * across, scale * angle.cos()
    theta[:, :, 2] = (torch.rand(n, 2) * 2 - 1) * SHIFT
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def data(name: str, split: str) -> Dataset:
    return load_dataset(name, RunConfig(variant="none", dataset=name), split)


@torch.no_grad()
def accuracy(network: torch.nn.Module, dataset: Dataset) -> float:
    """Share of the split that is classified right, in fp32."""
    assert dataset.labels is not None
    right = 0
    for indices in torch.arange(dataset.info.count).split(500):
        _, logits = network(to_unit(dataset.source.fetch(indices)))
        right += int((logits.argmax(1) == dataset.labels[indices]).sum())
    return right / dataset.info.count


def train(name: str, epochs: int, seed: int) -> tuple[FeatureClassifier, dict[str, Any]]:
    torch.manual_seed(seed)
    train_set, test_set = data(name, "train"), data(name, "test")
    assert train_set.labels is not None
    channels, classes = train_set.info.shape[0], len(train_set.info.classes)
    dimensions = len(train_set.info.shape) - 1
    layout = torch.channels_last if dimensions == 2 else torch.channels_last_3d
    network = FeatureClassifier(channels, classes, WIDTHS[name], dimensions).to(memory_format=layout)
    steps = train_set.info.count // BATCH
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / steps), use_buffers=True)
    decayed = [p for p in network.parameters() if p.dim() > 1]
    plain = [p for p in network.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=epochs * steps, pct_start=0.25)
    begin = time.perf_counter()
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for indices in torch.randperm(train_set.info.count)[: steps * BATCH].split(BATCH):
            images = augmented(to_unit(train_set.source.fetch(indices)), name in MIRRORED)
            with torch.autocast("cpu", torch.bfloat16):
                _, logits = network(images.to(memory_format=layout))
            loss = cross_entropy(logits.float(), train_set.labels[indices])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            total += float(loss.detach())
        print(
            f"{name} epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}, {time.perf_counter() - begin:.0f} s",
            flush=True,
        )
    best = average.module.eval()
    if name in HALVED:
        best = best.half().float()
    header = {
        "feature_classifier": name,
        "channels": channels,
        "classes": classes,
        "width": WIDTHS[name],
        "shape": list(train_set.info.shape),
        "class_names": list(train_set.info.classes),
        "accuracy": round(accuracy(best, test_set), 5),
        "test_count": test_set.info.count,
        "data": {"train": train_set.info.digest, "test": test_set.info.digest},
        "seed": seed,
        "epochs": epochs,
        "versions": {"ganzoo": __version__, "torch": str(torch.__version__)},
        "hardware": processor(),
        "threads": torch.get_num_threads(),
        "minutes": round((time.perf_counter() - begin) / 60, 1),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "command": f"python benchmarks/feature_classifiers.py {name} --epochs {epochs} --seed {seed}",
    }
    return best, header


CARD = """# The feature classifier of {feature_classifier}

A classifier of {parameters:,} parameters (`ganzoo.metrics.feature_classifier.FeatureClassifier`, width {width}). The
metrics `*-{feature_classifier}-*` use its features and logits. It is not an Inception network: its numbers compare
generators of this data set with each other, and with nothing else.

| | |
| --- | --- |
| data | `{feature_classifier}`, training split, {shape} (SHA-256 of the samples {digest}…) |
| test accuracy | {percent:.2f} % of {test_count:,} images, measured once, after the training |
| seed, epochs | {seed}, {epochs} |
| versions | torch {torch}, ganzoo {ganzoo} |
| hardware | {hardware}, {threads} thread, {minutes} minutes, {date} |
| command | `{command}` |
| SHA-256 of the file | `{checksum}` |
| licence | that of ganzoo; the data's own terms are shown by `ganzoo info {feature_classifier}` |
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=WIDTHS)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        network, header = train(name, arguments.epochs, arguments.seed)
        path = arguments.out / f"{name}.safetensors"
        stored = network.half() if name in HALVED else network
        write_tensors(path, stored.state_dict(), header)
        card = CARD.format(
            **header | {"shape": "x".join(map(str, header["shape"]))},
            **header["versions"],
            parameters=sum(p.numel() for p in network.parameters()),
            digest=header["data"]["train"][:12],
            percent=100 * header["accuracy"],
            checksum=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        path.with_suffix(".md").write_text(card, encoding="utf-8")
        print(f"{name}: {100 * header['accuracy']:.2f} % on the test split, {path.stat().st_size:,} bytes -> {path}")


if __name__ == "__main__":
    main()
