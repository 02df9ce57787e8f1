"""A small classifier as a discriminate of samples: trained on real images, asked what a trained GAN has drawn.

    python benchmarks/discriminate.py train --dataset mnist --out judges/mnist.safetensors
    python benchmarks/discriminate.py discriminate runs/NAME --discriminate judges/mnist.safetensors --record benchmarks/results/NAME.json

``discriminate`` draws 10,000 samples. For a conditional GAN, 1,000 of each class: the share that the discriminate takes for the class
asked for. For the others: the share of each class among the samples. Both with everything needed to repeat them.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

import ganzoo
from ganzoo.api import weights_data
from ganzoo.config.fields import Options
from ganzoo.config.settings import RunConfig
from ganzoo.data.base import Dataset, to_uint8, to_unit
from ganzoo.data.load import load_dataset
from ganzoo.runs.run import WEIGHTS
from ganzoo.runtime.environment import environment, now
from ganzoo.runtime.random_state import seed_everything
from ganzoo.runtime.tensor_files import fill, read_header, read_tensors, write_tensors


def network(channels: int, classes: int) -> nn.Module:
    """Two blocks of two 3x3 convolutions, a hidden layer: [N, C, 28, 28] in [-1, 1] to logits [N, classes]."""

    def block(fan_in: int, fan_out: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for inputs in (fan_in, fan_out):
            layers += [nn.Conv2d(inputs, fan_out, 3, padding=1, bias=False), nn.BatchNorm2d(fan_out), nn.ReLU()]
        return [*layers, nn.MaxPool2d(2)]

    head = [nn.Flatten(), nn.Dropout(0.4), nn.LazyLinear(128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, classes)]
    made = nn.Sequential(*block(channels, 32), *block(32, 64), *head)
    made(torch.zeros(2, channels, 28, 28))  # lets the lazy layer learn its size
    return made.to(memory_format=torch.channels_last)


def load_split(name: str, split: str) -> Dataset:
    config = RunConfig(variant="discriminate", dataset=name, options=Options())
    return load_dataset(name, config, split, progress=lambda what, done, total: None)


def accuracy(discriminate: nn.Module, images: Tensor, labels: Tensor) -> float:
    return float((predict(discriminate, images) == labels).double().mean())


@torch.no_grad()
def predict(discriminate: nn.Module, images: Tensor) -> Tensor:
    """Classes [N] of uint8 images [N, C, H, W]."""
    discriminate.eval()
    return torch.cat([discriminate(to_unit(part)).argmax(1) for part in images.split(500)])


def train(args: argparse.Namespace) -> None:
    data, test = load_split(args.dataset, "train"), load_split(args.dataset, "test")
    assert data.labels is not None
    assert test.labels is not None
    seed_everything(args.seed)
    discriminate = network(data.info.shape[0], len(data.info.classes))
    steps = args.epochs * len(data.source) // 128
    optimizer = torch.optim.AdamW(discriminate.parameters(), lr=2e-3, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    start = time.perf_counter()
    for step in range(steps):
        discriminate.train()
        if step % (len(data.source) // 128) == 0:
            order = torch.randperm(len(data.source))
        at = step * 128 % (len(order) // 128 * 128)
        chosen = order[at : at + 128]
        images = shifted(to_unit(data.source.fetch(chosen)), 2)
        loss = cross_entropy(discriminate(images.contiguous(memory_format=torch.channels_last)), data.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}/{steps} loss {loss.item():.4f}", file=sys.stderr, flush=True)
    test_accuracy = accuracy(discriminate, test.source.fetch(torch.arange(len(test.source))), test.labels)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    header = {
        "dataset": args.dataset, "seed": args.seed, "epochs": args.epochs, "test_accuracy": test_accuracy,
        "test_images": len(test.source), "shape": list(data.info.shape), "classes": list(data.info.classes),
        "minutes": round((time.perf_counter() - start) / 60, 1), **environment(torch.device("cpu"), "ganzoo"),
    }  # fmt: skip
    write_tensors(args.out, discriminate.state_dict(), header)
    print(json.dumps(header, indent=2))


def shifted(images: Tensor, most: int) -> Tensor:
    """All images of the batch moved by one random offset of up to ``most`` pixels."""
    dx, dy = torch.randint(0, 2 * most + 1, (2,)).tolist()
    height, width = images.shape[2:]
    return pad(images, (most, most, most, most), value=-1.0)[:, :, dy : dy + height, dx : dx + width]


def judge_run(args: argparse.Namespace) -> None:
    header = read_header(args.discriminate)
    discriminate = network(header["shape"][0], len(header["classes"]))
    fill(discriminate, read_tensors(args.discriminate)[0], args.discriminate, "discriminate")
    generator, data = ganzoo.load(args.run), weights_data(args.run)
    assert data.shape == tuple(header["shape"]), f"the discriminate sees {header['shape']}, the run draws {data.shape}"
    classes = len(header["classes"])
    labels = torch.arange(args.number) % classes if generator.classes else None
    predicted = predict(discriminate, to_uint8(generator.sample(args.number, labels, seed=args.seed)))
    shares = torch.bincount(predicted, minlength=classes).double() / args.number
    record = {
        "date": now(),
        "run": read_header(args.run / WEIGHTS),
        "training": json.loads((args.run / "run.json").read_text()),
        "discriminate": {k: header[k] for k in ("dataset", "seed", "test_accuracy", "epochs")},
        "samples": args.number,
        "latent_seed": args.seed,
        "class_shares": dict(zip(header["classes"], shares.tolist(), strict=True)),
        "smallest_share": float(shares.min()),
        "command": ["discriminate.py", *sys.argv[1:]],
    }
    if labels is not None:
        right = predicted == labels
        record["class_accuracy"] = float(right.double().mean())
        record["class_accuracy_by_class"] = {
            name: float(right[labels == k].double().mean()) for k, name in enumerate(header["classes"])
        }
    text = json.dumps(record, indent=2)
    if args.record:
        args.record.parent.mkdir(parents=True, exist_ok=True)
        args.record.write_text(text + "\n")
    print(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    trainer = commands.add_parser("train")
    trainer.add_argument("--dataset", required=True)
    trainer.add_argument("--out", type=Path, required=True)
    trainer.add_argument("--epochs", type=int, default=4)
    trainer.add_argument("--seed", type=int, default=0)
    trainer.set_defaults(call=train)
    discriminate = commands.add_parser("discriminate")
    discriminate.add_argument("run", type=Path)
    discriminate.add_argument("--discriminate", type=Path, required=True)
    discriminate.add_argument("--number", type=int, default=10_000)
    discriminate.add_argument("--seed", type=int, default=0)
    discriminate.add_argument("--record", type=Path)
    discriminate.set_defaults(call=judge_run)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
