"""What makes a training fast changes nothing that a user can see; and the settings that trade speed for exactness."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.runtime.device import MOST_THREADS, arithmetic, threads, uncompiled
from ganzoo.training.session import setting
from ganzoo.training.setup import prepare

from .helpers import TINY, assert_same, benchmark, history, short_stages, state_of, train

plain_paths = benchmark("plain_paths").plain_paths

STEPS, RATE = 50, 2e-5
CASES = [("cgan", {"d_labels": "maps"}, RATE), ("cgan", {}, RATE / 10), ("sgan", {}, RATE)]


@pytest.mark.parametrize(("variant", "more", "rate"), CASES)
def test_fast_and_plain_losses_agree(variant: str, more: dict[str, str], rate: float, tmp_path: Path) -> None:
    """fp32, 50 steps, within 1e-4; found: 2e-7.

    At a tenth of Adam's usual step size, because Adam divides by the size of the gradient: where that is rounding
    alone, so is the direction of a whole step. With batch normalisation of 8 samples and steps of 2e-4, two orders of
    summation are 2e-3 apart after 50 steps, whichever two they are. With projection they are 3e-4 apart at a tenth, and
    2e-7 at a hundredth.
    """
    settings = {"log_every": 1, "diagnostics": False, "lr": rate, **short_stages(variant), **more}
    fast = history(train(tmp_path / "fast", STEPS, variant, **settings))
    with plain_paths():
        slow = history(train(tmp_path / "plain", STEPS, variant, **settings))
    losses = {name for line in fast for name in line if name.endswith("_loss")}
    assert len(fast) == STEPS
    assert {"generator_loss", "discriminator_loss"} <= losses
    largest = max(abs(a[name] - b[name]) for a, b in zip(fast, slow, strict=True) for name in losses if name in a)
    assert largest < 1e-4


# Settings


def test_threads_are_set_for_the_training_and_given_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    run = train(tmp_path / "x", 2, "vanilla", dataset="ring", threads=3)
    assert run.details["threads"] == 3
    assert torch.get_num_threads() == before
    torch.set_num_threads(MOST_THREADS + 1)
    try:
        with threads(0):
            assert torch.get_num_threads() == MOST_THREADS
        assert torch.get_num_threads() == MOST_THREADS + 1
    finally:
        torch.set_num_threads(before)


def test_deterministic_is_torchs_switch_and_changes_nothing_on_a_cpu(tmp_path: Path) -> None:
    seen = []

    class Look(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(torch.are_deterministic_algorithms_enabled())
            return x

    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY, "steps": 2, "deterministic": True})
    build = job.variant.build

    def watched() -> dict[str, nn.Module]:
        networks = build()
        networks["generator"].register_forward_hook(
            lambda *_: seen.append(torch.are_deterministic_algorithms_enabled())
        )
        return networks

    job.variant.build = watched  # type: ignore[method-assign]  # a spy
    run = job.train()
    assert seen
    assert all(seen)
    assert not torch.are_deterministic_algorithms_enabled()
    assert_same(state_of(run), state_of(train(tmp_path / "y", 2, "vanilla", dataset="ring")))


def test_switches_of_a_gpu_follow_the_settings_and_come_back() -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic, matmul.allow_tf32
    gpu = torch.device("cuda")
    for precision, tf32 in (("fp32", False), ("tf32", True), ("bf16", True)):
        with arithmetic(gpu, precision, deterministic=False):
            assert (cudnn.allow_tf32, matmul.allow_tf32) == (tf32, tf32)
            assert (cudnn.benchmark, cudnn.deterministic) == (True, False)
    with arithmetic(gpu, "fp32", deterministic=True):
        assert (cudnn.benchmark, cudnn.deterministic) == (False, True)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"]
    assert (cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic, matmul.allow_tf32) == before


def test_an_error_inside_leaves_nothing_behind(tmp_path: Path) -> None:
    job = prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY, "deterministic": True, "threads": 3})
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="inside"), setting(job.config, job.device):
        raise ValueError("inside")
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"precision": "tf32"}, "precision = 'tf32': cpu has no such arithmetic"),
        ({"compile": True, "r1": 1.0}, "compile = true with r1"),
        (
            {"compile": True, "feature_matching": "instead", "r1": 0.0, "penalty_every": 1},
            "compile = true with feature_matching",
        ),
        ({"threads": -1}, "threads = -1 is out of range"),
    ],
)
def test_arithmetic_that_is_not_to_be_had_is_refused(settings: dict[str, Any], word: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=word):
        prepare("vanilla", "ring", out=tmp_path / "x", settings={**TINY, **settings})
    assert not (tmp_path / "x").exists()


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # torch's compiler looks at what has none
def test_compiled_networks_compute_the_same_and_resume(tmp_path: Path) -> None:
    """With torch's own backend that compiles nothing: what is tested is that ganzoo's parts bear compiled networks."""
    pytest.importorskip("torch._dynamo")
    before = nn.Module.compile

    def quickly(self: nn.Module) -> None:
        before(self, backend="eager")

    nn.Module.compile = quickly  # type: ignore[method-assign]  # a real compiler takes half a minute
    try:
        compiled = train(tmp_path / "x", 6, "dcgan", resolution=16, compile=True)
    finally:
        nn.Module.compile = before  # type: ignore[method-assign]
    plain_run = train(tmp_path / "y", 6, "dcgan", resolution=16)
    for key, value in plain_run.network().state_dict().items():
        assert torch.allclose(value, compiled.network().state_dict()[key], atol=1e-5)
    linear = nn.Linear(2, 2)
    linear.compile(backend="eager")
    with uncompiled([linear]):
        assert linear._compiled_call_impl is None
    assert linear._compiled_call_impl is not None
