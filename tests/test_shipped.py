"""Weights that come with ganzoo: zoo:NAME stands for a file, whose hash, card and samples are looked at."""

import hashlib
import json
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.errors import ChecksumError, RunError, UnknownNameError
from ganzoo.models.interfaces import Generator, Translator
from ganzoo.models.translate import translate
from ganzoo.registry.registry import registry
from ganzoo.runs.shipped import located
from ganzoo.runs.weights import describe_weights
from ganzoo.training.diagnostics import TrainingWarning
from ganzoo_zoo.weights import FOLDER

from .commands.conftest import Invoke, invoke  # noqa: F401  # the command line in this process

NAMES = list(registry().weights)
MOST = 20_000_000


def test_files_and_index_are_of_each_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.safetensors")} == set(NAMES)
    assert len(NAMES) >= 2
    assert sum(path.stat().st_size for path in FOLDER.glob("*.safetensors")) < MOST


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_what_their_card_says(name: str) -> None:
    spec = registry().weights.spec(name)
    path = located(f"zoo:{name}")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == spec.sha256
    header, data = describe_weights(path)
    assert (header["config"]["variant"], data.name) == (spec.variant, spec.dataset)
    assert spec.scores
    assert spec.licence
    assert spec.command.startswith(f"ganzoo train {spec.variant} --dataset {spec.dataset}")
    network = ganzoo.load(f"zoo:{name}")
    shape = data.shape
    if isinstance(network, Translator):
        shape = tuple(data.extra.get("target_shape", shape))
        samples = translate(network, torch.rand(2, *data.shape) * 2 - 1)
    else:
        assert isinstance(network, Generator)
        samples = network.sample(2)
    assert samples.shape == (2, *shape)
    assert samples.isfinite().all()
    assert not torch.equal(samples[0], samples[1])


def test_they_are_sampled_listed_and_explained(invoke: Invoke, tmp_path: Path) -> None:  # noqa: F811  # the fixture
    target = tmp_path / "x.png"
    invoke("sample", f"zoo:{NAMES[0]}", "-n", 4, "--output", target)
    assert target.stat().st_size > 500
    listed = json.loads(invoke("list", "weights", "--json").out)
    assert [row["name"] for row in listed] == sorted(NAMES)
    assert f"zoo:{NAMES[0]}" in invoke("list", "weights").out
    said = invoke("info", NAMES[0]).out
    assert invoke("info", f"zoo:{NAMES[0]}").out == said
    for part in (registry().weights.spec(NAMES[0]).sha256, "scores:", "command:", "licence:"):
        assert part in said


def test_a_training_can_begin_with_them(tmp_path: Path) -> None:
    with pytest.warns(TrainingWarning, match="not with all of discriminator, which is not there"):
        run = ganzoo.train(
            "cgan", "glyphs", out=tmp_path / "run", steps=1, batch_size=4, lr=1e-9, device="cpu",
            init_from="zoo:cgan-mnist", width=registered_width(),
        )  # fmt: skip
    given, found = ganzoo.load("zoo:cgan-mnist"), run.generator()
    assert isinstance(given, Generator)
    # Statistics of batch normalisation move at once; what is learned hardly does at this step size.
    for (name, a), (_, b) in zip(found.named_parameters(), given.named_parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0, msg=name)


def registered_width() -> int:
    """Of the networks of zoo:cgan-mnist."""
    return int(describe_weights(located("zoo:cgan-mnist"))[0]["config"]["options"]["width"])


def test_a_name_that_is_not_there_is_told_with_the_nearest(invoke: Invoke) -> None:  # noqa: F811  # the fixture
    with pytest.raises(UnknownNameError, match="unknown weights 'cgan-mnst': did you mean 'cgan-mnist'"):
        located("zoo:cgan-mnst")
    assert "unknown weights 'nothing'" in invoke("sample", "zoo:nothing", "--output", "x.png", code=2).err


def test_another_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry().weights, "load", lambda name: tmp_path)
    with pytest.raises(RunError, match="is missing; install ganzoo again"):
        located(f"zoo:{NAMES[0]}")
    (tmp_path / f"{NAMES[0]}.safetensors").write_bytes(b"something else")
    with pytest.raises(ChecksumError, match="is another file: its SHA-256 is"):
        located(f"zoo:{NAMES[0]}")


def test_a_path_is_a_path(tmp_path: Path) -> None:
    assert located(tmp_path) == tmp_path
    assert located("some/zoo:thing") == Path("some/zoo:thing")
