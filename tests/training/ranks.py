"""What each of two ranks does in test_distributed.py; torchrun starts it as a script. One launch for several trainings,
because a launch takes seconds.

    ranks.py all FOLDER         trainings in FOLDER, and what each rank has found in FOLDER/rank-R.json
    ranks.py kill R FOLDER      the command line, in which rank R is killed after step 7
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_pre_hook

import ganzoo
import ganzoo.training.parallel
from ganzoo.data.load import load_dataset
from ganzoo.data.loader import BatchLoader
from ganzoo.errors import GanzooError
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.targets import NetworkTarget
from ganzoo.models.load import load_variant
from ganzoo.runtime.processes import launched
from ganzoo.runtime.tensor_files import read_tensors, write_tensors
from ganzoo.training.loop import TrainingLoop
from ganzoo.training.setup import prepare
from ganzoo.training.trainer import Trainer

PLAIN: dict[str, Any] = {"device": "cpu", "log_every": 2, "diagnostics": False, "batch_size": 16, "seed": 3}
POINTS: dict[str, Any] = {**PLAIN, "dataset": "ring", "width": 8, "steps": 11}
IMAGES: dict[str, Any] = {**PLAIN, "dataset": "glyphs", "resolution": 16, "width": 4, "steps": 12}
COMPARED = ("wgan", "wgan-gp")
STOP, KILLED = 5, 7
COUNT = 1_100


@contextmanager
def watched(before: Callable[[], None] = lambda: None) -> Iterator[dict[str, Tensor]]:
    """Gradients of every optimizer step of a training, and its networks at the end; ``before`` is called first."""
    found: dict[str, Tensor] = {}
    fit = TrainingLoop.fit

    def hook(optimizer: torch.optim.Optimizer, *_: object) -> None:
        number = sum(name.endswith("/0") for name in found)
        for i, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"]):
            assert parameter.grad is not None
            found[f"step {number}/{i}"] = parameter.grad.clone()

    def watching(self: TrainingLoop) -> None:
        before()
        fit(self)
        for part, networks in (("networks", self.state.networks), ("ema", self.state.ema)):
            for name, network in networks.items():
                found.update({f"{part}/{name}/{key}": value for key, value in network.state_dict().items()})

    handle = register_optimizer_step_pre_hook(hook)
    TrainingLoop.fit = watching  # type: ignore[method-assign]
    try:
        yield found
    finally:
        TrainingLoop.fit = fit  # type: ignore[method-assign]
        handle.remove()


@contextmanager
def double_precision() -> Iterator[None]:
    """Trainings compute in float64, so that what differs is not rounding. In float32 it is, and more than it seems: a
    critic's gradients on real and on generated samples cancel, and Adam makes of the rest a step as large as any."""
    to_float, set_dtype, pick = Tensor.float, torch.set_default_dtype, BatchLoader.pick
    Tensor.float = Tensor.double  # type: ignore[method-assign, assignment]
    torch.set_default_dtype = lambda _: set_dtype(torch.float64)
    BatchLoader.pick = lambda *_: {"images": pick(*_)["images"].double()}  # type: ignore[method-assign]
    try:
        yield
    finally:
        Tensor.float, torch.set_default_dtype, BatchLoader.pick = to_float, set_dtype, pick  # type: ignore[method-assign]
        set_dtype(torch.float32)


@contextmanager
def after_step(number: int, rank: int, number_of_signal: int) -> Iterator[None]:
    """That rank gets a signal after that step."""
    advance = Trainer.advance

    def advancing(self: Trainer) -> None:
        advance(self)
        if self.state.step == number and launched().rank == rank:
            os.kill(os.getpid(), number_of_signal)

    Trainer.advance = advancing  # type: ignore[method-assign]
    try:
        yield
    finally:
        Trainer.advance = advance  # type: ignore[method-assign]


def said(call: Callable[[], object]) -> str:
    """The error of a call."""
    try:
        call()
    except GanzooError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def features_are_the_same() -> dict[str, bool]:
    """Of the same generator: shared by the ranks, and by each alone; 3 batches, so that one rank has more."""
    config = {**PLAIN, "dataset": "glyphs", "width": 4, "steps": 1}
    job = prepare("cgan", out="never", settings={**config, "seed": 0})
    torch.manual_seed(0)
    generator: Any = job.variant.build()["generator"]
    target = NetworkTarget("it", {}, job.dataset.info.shape, generator=generator.eval())

    def load(split: str) -> Any:
        return load_dataset("glyphs", job.config, split or None)

    found = []
    for world in (launched(), ganzoo.runtime.processes.SINGLE_PROCESS):
        context = EvaluationContext(target, "glyphs", load, job.device, world=world)
        found.append(context.features(context.extractor("glyphs"), COUNT))
    return {layer: len(values) == COUNT and torch.equal(values, found[1][layer]) for layer, values in found[0].items()}


def memory_of_each_rank(folder: Path) -> dict[str, float]:
    """A variant whose memory counts its steps, in twos on rank 1: what the last checkpoint holds for each rank."""
    variant_class, rank = load_variant("vanilla"), launched().rank
    memory, updates = variant_class.memory, variant_class.updates

    def counting(self: Any) -> Any:
        first, *others = updates(self)
        return replace(first, after=lambda state, _: state.memory["own"].add_(1 + rank)), *others

    variant_class.memory = lambda self: {"own": torch.zeros(())}  # type: ignore[method-assign]
    variant_class.updates = counting
    try:
        run = ganzoo.train("vanilla", out=folder / "memory", **{**POINTS, "steps": 4, "r1": 0.0, "penalty_every": 1})
    finally:
        variant_class.memory, variant_class.updates = memory, updates  # type: ignore[method-assign]
    tensors = read_tensors(run.latest())[0]
    return {name: float(tensors[f"{name}memory/own"]) for name in ("", "rank-1/")}


def everything(folder: Path) -> None:
    rank = launched().rank
    ganzoo.training.parallel.SECOND = 0.0  # ranks ask each other after every iteration
    for variant in COMPARED:
        with double_precision(), watched() as found:
            ganzoo.train(variant, out=folder / variant, **POINTS)
        write_tensors(folder / f"{variant}-{rank}.safetensors", found, {})
    with watched() as found:
        ganzoo.train("dcgan", out=folder / "whole", **IMAGES)
    write_tensors(folder / f"dcgan-{rank}.safetensors", found, {})
    with after_step(STOP, rank=1, number_of_signal=signal.SIGINT):
        stopped = said(lambda: ganzoo.train("dcgan", out=folder / "parts", **IMAGES))
    ganzoo.train("dcgan", out=folder / "parts", resume=True)

    pick = BatchLoader.pick
    if rank == 1:
        BatchLoader.pick = lambda *_: {k: v * torch.nan for k, v in pick(*_).items()}  # type: ignore[method-assign, assignment]
    broken = said(lambda: ganzoo.train("vanilla", out=folder / "nan", **POINTS))
    BatchLoader.pick = pick  # type: ignore[method-assign]

    found_here = {
        "stopped": stopped,
        "broken": broken,
        "only rank 0": said(lambda: launched().on_rank0(lambda: prepare("no-such-variant"))),
        "features": features_are_the_same(),
        "memory": memory_of_each_rank(folder),
    }
    (folder / f"rank-{rank}.json").write_text(json.dumps(found_here), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "all":
        everything(Path(sys.argv[2]))
    else:
        from ganzoo.cli import main

        settings = {**POINTS, "steps": 20, "log_every": 5, "checkpoint_every": 5}
        words = [word for key, value in settings.items() if key != "dataset" for word in ("-o", f"{key}={value}")]
        with after_step(KILLED, int(sys.argv[2]), signal.SIGKILL):
            main(["train", "wgan", "--dataset", "ring", "--out", sys.argv[3], *words])
