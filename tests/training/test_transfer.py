"""init_from and freeze_d: what is taken from another run, what is told, and that a run begun so resumes exactly."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, RunError, UsageError
from ganzoo.runs.transfer import begin_with, read_origin
from ganzoo.runtime.tensor_files import below, read_tensors
from ganzoo.training.diagnostics import TrainingWarning
from ganzoo.training.loop import new_state
from ganzoo.training.setup import prepare

from .helpers import TINY, assert_same, state_of

SETTINGS: dict[str, Any] = {**TINY, "steps": 4, "log_every": 1, "width": 4, "resolution": 16}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps."""
    return ganzoo.train("dcgan", "glyphs", out=tmp_path_factory.mktemp("transfer") / "run", **SETTINGS).path


def begun(source: Path, out: Path, **more: Any) -> tuple[Any, dict[str, Any], str]:
    job = prepare("dcgan", "glyphs", out=out, settings={**SETTINGS, "init_from": str(source), **more})
    state = new_state(job.variant, job.device)
    return state, *begin_with(read_origin(job.config.init_from), state, job.variant)


def test_a_run_gives_all_its_networks_and_their_averages(trained: Path, tmp_path: Path) -> None:
    state, taken, told = begun(trained, tmp_path / "x", seed=5)
    assert not told
    tensors = read_tensors(ganzoo.open_run(trained).latest())[0]
    for part, networks in (("networks", state.networks), ("ema", state.ema)):
        for name, network in networks.items():
            own = below(tensors, f"{part}/{name}/")
            for key, value in network.state_dict().items():
                assert torch.equal(value, own[key]), f"{part}/{name}/{key}"
    count = len(state.networks["generator"].state_dict())
    assert taken["tensors"]["generator"] == f"{count} of {count}"


def test_what_has_another_shape_begins_anew_and_is_told(trained: Path, tmp_path: Path) -> None:
    plain = new_state(prepare("dcgan", "glyphs", out=tmp_path / "y", settings={**SETTINGS, "latent_dim": 7}).variant,
                      torch.device("cpu"))  # fmt: skip
    state, taken, told = begun(trained, tmp_path / "x", latent_dim=7)
    assert re.search(r"body\.0\.weight of generator \(100x\d+x4x4 there, 7x\d+x4x4 here\)", told)
    first = state.networks["generator"].state_dict()["body.0.weight"]
    assert torch.equal(first, plain.networks["generator"].state_dict()["body.0.weight"])
    count = len(state.networks["generator"].state_dict())
    assert taken["tensors"]["generator"] == f"{count - 1} of {count}"


def test_a_weights_file_gives_its_one_network(trained: Path, tmp_path: Path) -> None:
    state, taken, told = begun(trained / "generator.safetensors", tmp_path / "x")
    assert "all of discriminator, which is not there" in told
    weights = read_tensors(trained / "generator.safetensors")[0]
    assert torch.equal(state.networks["generator"].state_dict()["body.0.weight"], weights["body.0.weight"])
    assert taken["tensors"]["discriminator"].startswith("0 of ")


def test_nothing_that_fits_is_an_error(trained: Path, tmp_path: Path) -> None:
    job = prepare("began", "glyphs", out=tmp_path / "x", settings={**SETTINGS, "init_from": str(trained)})
    with pytest.raises(UsageError, match="nothing there fits variant 'began'; it holds"):
        begin_with(read_origin(job.config.init_from), new_state(job.variant, job.device), job.variant)


@pytest.mark.parametrize(("name", "said"), [("nothing", "no such run or weights file"), ("empty", "no run with a")])
def test_a_path_without_a_run_is_told_at_once(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=said):
        prepare("dcgan", "glyphs", out=tmp_path / "x", settings={**SETTINGS, "init_from": str(tmp_path / name)})


def test_a_run_that_began_so_resumes_exactly_without_its_origin(trained: Path, tmp_path: Path) -> None:
    source = tmp_path / "copy.safetensors"
    source.write_bytes((trained / "generator.safetensors").read_bytes())
    settings = {**SETTINGS, "init_from": str(source), "checkpoint_every": 2}
    with pytest.warns(TrainingWarning, match="begun with"):
        whole = ganzoo.train("dcgan", "glyphs", out=tmp_path / "whole", **settings)
    with pytest.warns(TrainingWarning, match="begun with"):
        ganzoo.train("dcgan", "glyphs", out=tmp_path / "parts", **{**settings, "steps": 2})
    source.unlink()
    parts = ganzoo.train(out=tmp_path / "parts", resume=True, steps=4)
    assert_same(state_of(whole), state_of(parts))
    assert '"init_from"' in (tmp_path / "parts" / "run.json").read_text(encoding="utf-8")


def test_the_first_layers_of_d_can_stay_as_they_are(trained: Path, tmp_path: Path) -> None:
    run = ganzoo.train("dcgan", "glyphs", out=tmp_path / "x", **SETTINGS, init_from=str(trained), freeze_d=2)
    before, after = (below(state_of(each), "networks/discriminator/") for each in (ganzoo.open_run(trained), run))
    same = {key for key in before if key.endswith(("weight", "bias")) and torch.equal(before[key], after[key])}
    assert same == {"body.0.bias", "body.0.weight", "body.2.weight", "body.3.bias", "body.3.weight"}  # 3 normalises
    assert any(not torch.equal(before[key], after[key]) for key in before if key.endswith("weight"))


@pytest.mark.parametrize(("more", "said"), [
    ({"freeze_d": 2}, "without init_from would keep layers as they were drawn"),
    ({"freeze_d": 99, "init_from": "."}, "freeze_d = 99: ConvDiscriminator has 3 layers"),
])  # fmt: skip
def test_freezing_what_makes_no_sense_is_refused(
    more: dict[str, Any], said: str, trained: Path, tmp_path: Path
) -> None:
    if "init_from" in more:
        more = {**more, "init_from": str(trained)}

    def begin() -> None:
        job = prepare("dcgan", "glyphs", out=tmp_path / "x", settings={**SETTINGS, **more})
        new_state(job.variant, job.device)

    with pytest.raises(ConfigError, match=said):
        begin()
