"""Files from strangers, and damaged ones: what is in them is compared with what is needed before it is used.

A forged file carries a right hash, as an attacker would make it; a damaged one does not.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

import ganzoo
from ganzoo.errors import CheckpointError
from ganzoo.runs.trained import TrainedRun
from ganzoo.runtime.tensor_files import read_tensors, write_tensors

from .helpers import assert_same, history, state_of, train

Edit = Callable[[dict[str, Tensor], dict[str, Any]], None]


def forge(path: Path, edit: Edit) -> None:
    """Change a file and give it a right hash."""
    tensors, header = read_tensors(path)
    edit(tensors, header)
    write_tensors(path, tensors, header)


def moments(tensors: dict[str, Tensor], name: str = "exp_avg") -> list[str]:
    return [key for key in tensors if key.startswith("optimizers/") and key.endswith(f"/{name}")]


@pytest.fixture
def run(tmp_path: Path) -> TrainedRun:
    return train(tmp_path / "run", 4, "vanilla", dataset="ring", keep=1)


def resized(shape: tuple[int, ...]) -> Edit:
    return lambda t, h: t.update({key: torch.zeros(shape) for key in moments(t)})


def without(part: str) -> Edit:
    def edit(tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
        for key in [key for key in tensors if part in key]:
            del tensors[key]

    return edit


def grouped(key: str, value: Any) -> Edit:
    return lambda t, h: h["optimizers"]["generator"]["groups"][0].update({key: value})


FORGED: dict[str, tuple[Edit, str]] = {
    "smaller moments": (resized((3,)), r"exp_avg of parameter 0 is \[3\] of torch.float32, and the optimizer keeps"),
    "one number": (resized((1,)), "does not fit the optimizer of player"),
    "larger moments": (resized((1000, 1000)), "does not fit the optimizer of player"),
    "bytes for floats": (
        lambda t, h: t.update({key: t[key].to(torch.uint8) for key in moments(t)}), "of torch.uint8, and the optimizer",
    ),
    "a moment that is missing": (without("/exp_avg_sq"), "and the optimizer keeps"),
    "a moment too many": (
        lambda t, h: t.update({"optimizers/generator/0/more": torch.zeros(1)}), "and the optimizer keeps",
    ),
    "of a parameter that is not there": (
        lambda t, h: t.update({"optimizers/generator/99/exp_avg": torch.zeros(1)}), "does not fit the optimizer",
    ),
    "not a number": (
        lambda t, h: t.update({key: t[key] * torch.nan for key in moments(t)}), "holds a value that is not finite",
    ),
    "an average of nothing": (
        lambda t, h: t.update({k: v * torch.nan for k, v in t.items() if k.startswith("ema/generator/body.0")}),
        "of network 'generator' holds a value that is not finite",
    ),
    "networks that lack a tensor": (without("networks/generator/body.0.weight"), "does not fit network 'generator'"),
    "a rate that is a text": (grouped("lr", "fast"), "lr = 'fast' is not a number"),
    "one beta": (grouped("betas", [0.5]), r"betas = \[0.5\] is not a list of 2"),
    "fewer parameters": (grouped("params", [0]), "it has 1 parameters"),
    "another setting": (grouped("evil", 1), "it has the settings evil"),
    "a step that is a text": (lambda t, h: h.update(step="x"), "its position or its stages are not what was written"),
    "no optimizers": (lambda t, h: h.update(optimizers={}), "holds no optimizer of player"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_checkpoint_is_refused(case: str, run: TrainedRun) -> None:
    edit, message = FORGED[case]
    forge(run.latest(), edit)
    before = sorted(path.name for path in run.path.iterdir())
    with pytest.raises(CheckpointError, match=message):
        ganzoo.train(out=run.path, resume=True, steps=8)
    assert sorted(path.name for path in run.path.iterdir()) == before


def damage_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3000] ^= 64
    path.write_bytes(bytes(content))


def remove_the_hash(path: Path) -> None:
    with safe_open(path, "pt") as file:
        header, tensors = (
            json.loads(file.metadata()["ganzoo"]), {name: file.get_tensor(name) for name in file.keys()},  # noqa: SIM118
        )  # fmt: skip
    del header["sha256"]
    save_file(tensors, path, metadata={"ganzoo": json.dumps(header)})


@pytest.mark.parametrize("damage", [damage_a_bit, remove_the_hash])
def test_a_damaged_file_is_told(damage: Callable[[Path], None], run: TrainedRun) -> None:
    damage(run.latest())
    with pytest.raises(CheckpointError, match=r"its content is not what was written \(SHA-256\)"):
        ganzoo.train(out=run.path, resume=True, steps=8)
    damage(run.path / "generator.safetensors")
    with pytest.raises(CheckpointError, match="SHA-256"):
        ganzoo.load(run.path)


def test_of_a_damaged_newest_checkpoint_the_one_before_is_used(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", 12, "vanilla", dataset="ring", checkpoint_every=4, keep=3)
    run = train(tmp_path / "run", 8, "vanilla", dataset="ring", checkpoint_every=4, keep=3)
    damage_a_bit(run.latest())
    with pytest.warns(UserWarning, match=r"step-00000008.safetensors is damaged.* Going on from step-00000004"):
        resumed = ganzoo.train(out=run.path, resume=True, steps=12)
    assert_same(state_of(whole), state_of(resumed))
    assert history(whole)[:2] == history(resumed)[:2]


def header_of(**changes: Any) -> Edit:
    def edit(tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
        for path, value in changes.items():
            *parts, last = path.split("__")
            place = header
            for part in parts:
                place = place[part]
            place[last] = value

    return edit


WEIGHTS: dict[str, tuple[Edit, str]] = {
    "width of a terabyte": (header_of(config__options__width=10**9), "cannot be rebuilt|out of range|does not fit"),
    "width that does not fit": (header_of(config__options__width=64), r"does not fit network 'generator': "),
    "huge samples": (header_of(data__shape=[10**12]), "lacks or misplaces shape"),
    "samples of texts": (header_of(data__shape=["a"]), "lacks or misplaces shape"),
    "no samples": (header_of(data__shape=[]), "lacks or misplaces shape"),
    "a list for a variant": (header_of(config__variant=["x"]), "lacks or misplaces a name"),
    "a list for a network": (header_of(network=[]), "lacks or misplaces a name"),
    "another network": (header_of(network="discriminator"), "does not fit network 'discriminator'"),
    "an unknown network": (header_of(network="nobody"), "holds network 'nobody', which variant"),
    "values that are not finite": (
        lambda t, h: t.update({k: v * torch.inf for k, v in t.items() if v.is_floating_point()}), "is not finite",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WEIGHTS)
def test_a_forged_weights_file_takes_no_memory_and_is_refused(case: str, run: TrainedRun) -> None:
    edit, message = WEIGHTS[case]
    path = run.path / "generator.safetensors"
    forge(path, edit)
    with pytest.raises(ganzoo.errors.GanzooError, match=message):
        ganzoo.load(path)


def test_a_header_that_is_nested_deeply_is_refused(run: TrainedRun) -> None:
    path = run.path / "generator.safetensors"
    tensors = read_tensors(path)[0]
    for text in ("[" * 100_000, "nothing", json.dumps([1, 2])):
        save_file(tensors, path, metadata={"ganzoo": text})
        with pytest.raises(CheckpointError, match="not a checkpoint, or is damaged"):
            ganzoo.load(path)
