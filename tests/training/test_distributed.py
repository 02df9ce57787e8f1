"""Two processes on the CPU, started by torchrun and connected by gloo, against one.

Not tested here, because it takes GPUs: NCCL, synchronised batch normalisation.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.data.loader import BatchLoader
from ganzoo.data.sampler import derived_seed
from ganzoo.errors import ConfigError, UsageError
from ganzoo.runtime.random_state import seed_everything
from ganzoo.runtime.tensor_files import read_header, read_tensors
from ganzoo.training.setup import prepare
from tests.training.helpers import assert_same, history
from tests.training.ranks import COMPARED, IMAGES, POINTS, STOP, double_precision, watched

pytestmark = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="this build of torch has no gloo, by which processes on CPUs are connected",
)
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def torchrun(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*TORCHRUN, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two ranks have done what ``ranks.py all`` says."""
    made = tmp_path_factory.mktemp("ranks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANZOO_DATA", str(made / "data"))
        torchrun(Path(__file__).with_name("ranks.py"), "all", made)
    return made


@pytest.fixture
def by_rank(folder: Path) -> list[dict[str, Any]]:
    """What each rank has found."""
    return [json.loads((folder / f"rank-{rank}.json").read_text(encoding="utf-8")) for rank in (0, 1)]


@pytest.fixture
def two_streams(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Called when a training begins: from then on ``torch.randn`` and ``torch.rand`` of n rows give n/2 rows of what
    rank 0's generator would give, then n/2 of rank 1's."""

    def begin() -> None:
        states = [torch.get_rng_state()]
        seed_everything(derived_seed("rank", POINTS["seed"], 1))
        states.append(torch.get_rng_state())

        def joined(draw: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def drawn(n: int, *shape: int, generator: torch.Generator | None = None, **more: Any) -> Tensor:
                if generator is not None:
                    return draw(n, *shape, generator=generator, **more)
                parts = []
                for rank in (0, 1):
                    torch.set_rng_state(states[rank])
                    parts.append(draw(n // 2, *shape, **more))
                    states[rank] = torch.get_rng_state()
                return torch.cat(parts)

            return drawn

        monkeypatch.setattr(torch, "randn", joined(torch.randn))
        monkeypatch.setattr(torch, "rand", joined(torch.rand))

    return begin


@pytest.mark.parametrize("variant", COMPARED)
def test_two_ranks_compute_what_one_process_does(
    variant: str, folder: Path, tmp_path: Path, two_streams: Callable[[], None]
) -> None:
    """Every gradient and every weight, to 1e-9 of the largest of its tensor; without batch normalisation, in float64.

    The ranks share the batches of one process, but draw latents (and the penalty's places between real and generated
    samples) of their own; so the one process here is made to draw for each half of its batch what that half's rank
    has drawn.
    """
    with double_precision(), watched(before=two_streams) as one:
        ganzoo.train(variant, out=tmp_path / "one", **POINTS)
    two = read_tensors(folder / f"{variant}-0.safetensors")[0]
    assert one.keys() == two.keys()
    assert sum(name.endswith("/0") for name in one) == POINTS["steps"] + POINTS["steps"] // 5  # critic and generator
    for name, tensor in one.items():
        assert tensor.dtype == torch.float64
        # Some gradients of a critic are zero but for rounding.
        assert float((tensor - two[name]).abs().max()) <= 1e-9 * float(tensor.abs().max()) + 1e-15, name


def test_the_parts_of_a_batch_are_the_batch() -> None:
    job = prepare("wgan", settings=POINTS, out="never")
    whole = BatchLoader(job.dataset, 0, job.device)
    parts = [BatchLoader(job.dataset, 0, job.device, rank, 2) for rank in (0, 1)]
    for start in (0, 16):
        halves = [part.draw(start, 16)["images"] for part in parts]
        assert torch.equal(torch.cat(halves), whole.draw(start, 16)["images"])
    indices = torch.arange(10)
    assert torch.equal(torch.cat([part.pick(indices)["images"] for part in parts]), whole.pick(indices)["images"])


@pytest.mark.parametrize("variant", [*COMPARED, "dcgan"])
def test_all_ranks_hold_the_same_networks(variant: str, folder: Path) -> None:
    """Also the running statistics of batch normalisation, of which each rank has seen other samples."""
    one, two = (read_tensors(folder / f"{variant}-{rank}.safetensors")[0] for rank in (0, 1))
    assert_same(one, two)
    assert variant != "dcgan" or any("running_var" in name for name in one)


def test_resume_is_exact(folder: Path, by_rank: list[dict[str, Any]]) -> None:
    """A signal to rank 1 alone stops both after the same step; what follows is as if nothing had been."""
    for found in by_rank:
        assert found["stopped"].startswith(f"Interrupted: stopped by SIGINT at step {STOP} of {IMAGES['steps']};")
        assert "torchrun --standalone --nproc-per-node 2 --no-python ganzoo train dcgan --out" in found["stopped"]
    whole, parts = (folder / name / "checkpoints" / "step-00000012.safetensors" for name in ("whole", "parts"))
    tensors, resumed = read_tensors(whole)[0], read_tensors(parts)[0]
    assert_same(tensors, resumed)
    assert not torch.equal(tensors["rng/torch"], tensors["rank-1/rng/torch"])
    assert [read_header(path)["ranks"] for path in (whole, parts)] == [2, 2]
    assert read_header(whole)["rank-1"] == read_header(parts)["rank-1"]
    assert history(folder / "whole") == history(folder / "parts")
    assert [line["step"] for line in history(folder / "whole")] == [2, 4, 6, 8, 10, 12]  # rank 0's lines only


def test_features_do_not_depend_on_the_number_of_ranks(by_rank: list[dict[str, Any]]) -> None:
    assert [found["features"] for found in by_rank] == [{"features": True, "logits": True}] * 2


def test_memory_is_saved_for_each_rank_and_never_averaged(by_rank: list[dict[str, Any]]) -> None:
    assert [found["memory"] for found in by_rank] == [{"": 4.0, "rank-1/": 8.0}] * 2


def test_an_error_of_one_rank_ends_all(folder: Path, by_rank: list[dict[str, Any]]) -> None:
    """With that rank's explanation; the run says that it has failed."""
    for found in by_rank:
        assert "NotFiniteError: rank 1: not-finite: the loss of 'discriminator' is nan in step 1" in found["broken"]
        assert "the batch's 'images' are not finite" in found["broken"]
        assert found["only rank 0"].startswith("UnknownNameError: unknown variant 'no-such-variant'")
    assert json.loads((folder / "nan" / "run.json").read_text())["status"] == "failed"


@pytest.fixture(params=[1, 0])
def killed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, Path, str]]:
    """(the rank that was killed, the run, what was said)."""
    out = tmp_path / "run"
    done = torchrun(Path(__file__).with_name("ranks.py"), "kill", request.param, out, code=1)
    return request.param, out, done.stderr


def test_a_killed_rank_ends_the_job_and_it_can_be_resumed(killed: tuple[int, Path, str]) -> None:
    rank, out, text = killed
    who = "" if rank else "rank 1: "
    line = next(line for line in text.splitlines() if "error: another process" in line)
    assert line.startswith(f"{who}error: another process of this training has ended or does not answer (")
    assert str(out / "checkpoints" / "step-00000005.safetensors") in line
    command = f"torchrun --standalone --nproc-per-node 2 --no-python ganzoo train wgan --out {out} --resume"
    assert line.endswith(command)
    assert "ganzoo/" not in text.replace("--no-python ganzoo/", ""), "no traceback of ours"
    if rank == 0:
        return  # once is enough
    assert json.loads((out / "run.json").read_text())["status"] == "failed"
    with pytest.raises(ConfigError, match=r"trained by 2, and only as many continue it.*torchrun .*--nproc-per-node 2"):
        prepare(out=out, resume=True)
    done = torchrun("-m", "ganzoo", *command.split()[6:])
    assert done.stdout == f"{out}\n"
    assert done.stderr.count("resuming at step 5") == done.stderr.count("step 20/20") == 1
    assert [line["step"] for line in history(out)] == [5, 10, 15, 20]


def launched_by_torchrun(monkeypatch: pytest.MonkeyPatch, rank: int, size: int) -> None:
    for name, value in (("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", size), ("LOCAL_WORLD_SIZE", size)):
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize(
    ("size", "settings", "message"),
    [
        (2, {"batch_size": 15}, "batch_size = 15 .* multiple of 2, at least 4, such as 14 or 16"),
        (4, {"batch_size": 4}, "batch_size = 4 .* multiple of 4, at least 8, such as 8"),
        (2, {"sync_batch_norm": True}, "needs GPUs, and this trains on cpu"),
        (1, {"sync_batch_norm": True}, "one process has nothing to synchronise"),
    ],
)
def test_what_cannot_be_divided_or_synchronised_is_refused(
    size: int, settings: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched_by_torchrun(monkeypatch, 0, size)
    with pytest.raises(ConfigError, match=message):
        prepare("wgan", settings={**POINTS, **settings}, out="never")


def test_an_environment_that_is_not_torchruns(monkeypatch: pytest.MonkeyPatch) -> None:
    launched_by_torchrun(monkeypatch, 2, 2)
    with pytest.raises(UsageError, match="start the processes with torchrun"):
        prepare("wgan", settings=POINTS, out="never")
