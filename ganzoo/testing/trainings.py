"""Whole little trainings: repeated, cut and resumed, and what they leave behind."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import Interrupted, PluginError
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.registry import registry
from ganzoo.runs.history import history
from ganzoo.runs.run import Run, checkpoints, weights_path
from ganzoo.runs.trained import TrainedRun, open_run
from ganzoo.runtime.tensor_files import below, read_tensors
from ganzoo.testing.common import Say, Tiny, own_errors, require, weights

CLOCK = ("seconds",)
"""What the history says of the machine, not of the training."""


def check_repeats(tiny: Tiny, folder: Path, say: Say) -> TrainedRun:
    """Train, train again, and cut and resume around every stage boundary. Returns the unbroken run."""
    whole = trained(tiny, folder / "whole", every_step=True)
    again = trained(tiny, folder / "again")
    require_same(whole, again, "the same seed gives the same {}")
    say("repeatable from its seed")
    for cut in cuts(whole):
        place = folder / f"cut-{cut}"
        shutil.copytree(folder / "whole", place)
        for path in checkpoints(place)[cut:]:
            path.unlink()
        resumed = trained(tiny, place, resume=True)
        said = f"a run resumed at step {cut} equals an unbroken one, bit for bit, in its {{}}"
        require_same(whole, resumed, said, ", by something that is not part of the state")
        shutil.rmtree(place)
    say("resumes exactly")
    return open_run(folder / "whole")


def trained(tiny: Tiny, out: Path, resume: bool = False, every_step: bool = False) -> TrainedRun:
    """One of the trainings."""
    session = tiny.session(out, resume, every_step)
    with own_errors("a resumed training" if resume else "a training"):
        return session.train()


def cuts(whole: TrainedRun) -> list[int]:
    """The steps to resume at: before, at and after each stage boundary; the middle of a single stage."""
    found: set[int] = set()
    total = 0
    for stage in whole.variant.stages():
        total += stage.steps
        found |= {total - 1, total, total + 1}
    if len(found) == 3:  # a single stage has no boundary inside
        found.add(total // 2)
    return [cut for cut in sorted(found) if 0 < cut < total]


def require_same(one: TrainedRun, other: TrainedRun, what: str, why: str = "") -> None:
    """Raise PluginError, naming what differs, unless two trainings agree in weights and in what they log."""
    a, b = weights(one), weights(other)
    wrong = sorted(key for key in a.keys() | b.keys() if not (key in a and key in b and torch.equal(a[key], b[key])))
    require(not wrong, f"{what.format('weights')}: {', '.join(wrong[:1])} differs{why}")
    difference = first_difference(logged(one), logged(other))
    require(not difference, f"{what.format('history')}: {difference} differs{why}")


def logged(run: TrainedRun) -> list[dict[str, Any]]:
    """The history without what the clock says."""
    return [{key: value for key, value in line.items() if key not in CLOCK} for line in history(run.path)]


def first_difference(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> str:
    """The first value in which two histories differ; empty: none."""
    for a, b in zip(one, other, strict=False):
        for key in dict.fromkeys([*a, *b]):
            if a.get(key) != b.get(key):
                return f"{key!r} at step {a.get('step')}"
    return "" if len(one) == len(other) else "the number of lines"


@contextmanager
def cut_at(step: int) -> Iterator[None]:
    """Within it, a training ends after the checkpoint of this step, as a killed one does.

    Raises:
        PluginError: it ended without one.
    """

    class Cut:
        @hookimpl
        def ganzoo_checkpoint_saved(self, run: Run, path: Path) -> None:
            if run.step == step:
                raise KeyboardInterrupt

    listener = Cut()
    registry().attach(listener, "cut")
    try:
        yield
        raise PluginError(f"contract not met: a training saves its checkpoint at step {step}.")
    except Interrupted:
        pass
    finally:
        registry().detach(listener)


def check_averages(run: TrainedRun) -> None:
    """What is exported is the average, where there is one, and the average follows the training."""
    kept = checkpoints(run.path)
    last, first = read_tensors(kept[-1])[0], read_tensors(kept[0])[0]
    for role, name in run.variant.exports().items():
        average, raw = below(last, f"ema/{name}/"), below(last, f"networks/{name}/")
        exported = read_tensors(weights_path(run.path, role))[0]
        kind = f"the average of network {name!r}" if average else f"network {name!r}"
        require(same(exported, average or raw), f"role {role!r} exports {kind}, as it is in the state")
        if len(kept) > 1 and moved(raw, below(first, f"networks/{name}/")):
            follows = not average or moved(average, below(first, f"ema/{name}/"))
            require(follows, f"the average of network {name!r} follows its training (the trainer calls average())")


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether the tensors of two files are equal."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def moved(now: dict[str, Tensor], before: dict[str, Tensor]) -> bool:
    """Whether a floating-point tensor has changed."""
    return any(not torch.equal(now[key], before[key]) for key in now if now[key].is_floating_point())


def check_looks(run: TrainedRun) -> None:
    """What merely looks is a warning when it fails; here it is an error."""
    failed = [w["message"] for w in run.details.get("warnings", []) if w["name"].endswith("-failed")]
    require(not failed, f"pictures and diagnostics work: {'; '.join(failed)}")
    require(any((run.path / "samples").glob("*.png")), "a picture of samples is drawn")
