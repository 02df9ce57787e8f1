"""What merely looks at a training can never cost a step: it is saved before, and a failure there is a warning."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import ganzoo
from ganzoo import hookimpl
from ganzoo.cli.drawing.draw import refuse_ending, write
from ganzoo.data.base import DataInfo, Dataset
from ganzoo.data.kinds import Writer
from ganzoo.errors import Interrupted, UsageError
from ganzoo.models.adversarial import GAN
from ganzoo.models.interfaces import Discriminator, Generator
from ganzoo.registry.registry import registry
from ganzoo.runs.run import Run
from ganzoo.runtime.tensor_files import read_header
from ganzoo.training.diagnostics import Diagnostics, TrainingWarning
from ganzoo.training.evaluation import PeriodicEvaluation
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.setup import prepare

from .helpers import TINY, assert_same, history, state_of, train

SETTINGS: dict[str, Any] = {"dataset": "ring", "sample_every": 4, "log_every": 2, "metrics": "modes-2500"}


def fails(*_: Any, **__: Any) -> Any:
    raise ValueError("a look that\nfails")


@pytest.mark.parametrize(
    ("place", "name", "what"),
    [
        ("ganzoo.training.loop", "save_preview", "samples"),
        (PeriodicEvaluation, "_take", "metrics"),
        (Diagnostics, "look", "diagnostics"),
        (Diagnostics, "read", "history"),
    ],
)
def test_a_failing_look_is_a_warning_with_its_reason_and_changes_nothing(
    place: Any, name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tmp_path / "whole", 8, "vanilla", **SETTINGS)
    target = f"{place}.{name}" if isinstance(place, str) else None
    monkeypatch.setattr(target, fails) if target else monkeypatch.setattr(place, name, fails)
    with pytest.warns(TrainingWarning, match=rf"{what}-failed at step \d: ValueError: a look that fails"):
        run = train(tmp_path / "run", 8, "vanilla", **SETTINGS)
    assert run.status == "finished"
    kept = {k: v for k, v in state_of(whole).items() if not k.startswith("best/")}
    assert_same(kept, {k: v for k, v in state_of(run).items() if not k.startswith("best/")})
    said = json.loads((run.path / "run.json").read_text(encoding="utf-8"))["warnings"]
    assert {w["name"] for w in said} == {f"{what}-failed"}


@pytest.mark.parametrize("step", [4, 6])
def test_the_state_is_saved_before_it_is_looked_at(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it looks, a run goes on from that very step, and looks again."""
    more = {**SETTINGS, "checkpoint_every": 2}
    whole = train(tmp_path / "whole", 8, "vanilla", **more)

    class Kill:
        @hookimpl
        def ganzoo_step_logged(self, run: Run, record: dict[str, Any]) -> None:
            if record["step"] == step:
                raise KeyboardInterrupt

    listener = Kill()
    registry().attach(listener, "kill")
    try:
        with pytest.raises(Interrupted):
            train(tmp_path / "cut", 8, "vanilla", **more)
    finally:
        registry().detach(listener)
    header = read_header(sorted((tmp_path / "cut" / "checkpoints").iterdir())[-1])
    assert (header["step"], header["looked"]) == (step, False)
    resumed = ganzoo.train(out=tmp_path / "cut", resume=True)
    assert_same(state_of(whole), state_of(resumed))
    assert history(whole) == history(resumed)
    pictures = sorted(path.name for path in (resumed.path / "samples").iterdir())
    assert pictures == ["step-00000004.png", "step-00000008.png"]


class Line(Generator):
    """Latents to samples of any shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(latent_dim=2)
        self.layer, self.shape = nn.Linear(2, torch.Size(shape).numel()), shape

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.layer(latents).unflatten(1, self.shape)


class Flat(Discriminator):
    """Samples of any shape to logits [N]."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layer = nn.Linear(torch.Size(shape).numel(), 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.layer(samples.flatten(1))[:, 0]


class Anything(GAN):
    """A GAN on samples of any shape, with a network without parameters that is listed first."""

    def networks(self) -> dict[str, nn.Module]:
        return {"nothing": nn.Identity(), "generator": Line(self.data.shape), "discriminator": Flat(self.data.shape)}


def loop_on(dataset: Dataset, out: Path, steps: int, kind: type[GAN] = Anything) -> TrainingLoop:
    """A training of a variant on a data set."""
    job = prepare("vanilla", "ring", out=out, settings={**TINY, "steps": steps, "width": 8, "sample_every": 2})
    variant = kind(job.config, dataset.info, job.variant.loss)
    variant.examples = dataset.examples(8)
    run = Run.create(out, variant, {"versions": {}})
    return TrainingLoop(variant, new_state(variant, job.device), dataset, run, lambda *a, **k: None, job.device)


def test_samples_of_an_unknown_kind_train_and_keep_their_checkpoints(tmp_path: Path) -> None:
    samples = torch.randn(32, 2, 3, 4, 5, 6)
    dataset = Dataset(DataInfo("odd", "crystals", (2, 3, 4, 5, 6), count=32), {"images": samples})
    loop = loop_on(dataset, tmp_path / "x", 4)
    with pytest.warns(TrainingWarning, match=r"samples-failed .*'crystals' cannot be drawn: the variant must"):
        loop.fit()
    assert [path.stem for path in loop.run.checkpoints()] == ["step-00000002", "step-00000004"]


class Crystals(Anything):
    """A variant that knows how its kind of samples is drawn, and written."""

    def render(self, samples: Tensor) -> Tensor:
        return (samples.flatten(2).mean(2)[:, :, None, None] * 0 + 77).expand(-1, 1, 5, 5).to(torch.uint8)

    def writers(self) -> dict[str, Writer]:
        return {".txt": lambda samples, path, info: path.write_text(f"{len(samples)} {info.kind}")}


def test_a_variant_draws_and_writes_its_own_kind(tmp_path: Path) -> None:
    samples = torch.randn(32, 1, 3, 4, 5, 6)
    dataset = Dataset(DataInfo("odd", "crystals", (1, 3, 4, 5, 6), count=32), {"images": samples})
    loop = loop_on(dataset, tmp_path / "x", 2, Crystals)
    loop.fit()
    with Image.open(tmp_path / "x" / "samples" / "step-00000002.png") as picture:
        assert picture.getpixel((4, 4)) == 77
    write(loop.variant, samples[:3], tmp_path / "a.txt", 8, None)
    assert (tmp_path / "a.txt").read_text() == "3 crystals"
    write(loop.variant, samples[:3], tmp_path / "a.png", 8, None)
    refuse_ending(tmp_path / "a.txt", loop.variant)
    with pytest.raises(UsageError, match=r"unknown ending '.wav'; write .png, .gif, .mp4, .npy, .txt or a folder"):
        refuse_ending(tmp_path / "a.wav", loop.variant)


@pytest.mark.parametrize("shape", [(7,), (2, 9), (1, 4, 4), (1, 3, 4, 5)])
def test_samples_of_every_number_of_dimensions_are_drawn(shape: tuple[int, ...], tmp_path: Path) -> None:
    kind = {1: "points", 2: "waves", 3: "images", 4: "voxels"}[len(shape)]
    samples = torch.randint(0, 256, (32, *shape), dtype=torch.uint8) if kind == "images" else torch.randn(32, *shape)
    dataset = Dataset(DataInfo("some", kind, shape, count=32), {"images": samples})
    loop = loop_on(dataset, tmp_path / "x", 2)
    loop.fit()
    assert (tmp_path / "x" / "samples" / "step-00000002.png").exists()


@pytest.mark.parametrize("labels", [torch.rand(32, 3), torch.randint(0, 2, (32, 5)), torch.arange(32)])
def test_labels_that_are_not_classes_end_no_training(labels: Tensor, tmp_path: Path) -> None:
    info = DataInfo("attributes", "images", (1, 8, 8), count=32)
    images = torch.randint(0, 256, (32, 1, 8, 8), dtype=torch.uint8)
    dataset = Dataset(info, {"images": images, "labels": labels})
    loop = loop_on(dataset, tmp_path / "x", 2)
    loop.diagnostics.first_look = 0  # at the first picture, not after 500 steps
    loop.fit()
    assert loop.state.step == 2
    assert not loop.run.details.get("warnings")


def test_a_network_without_parameters_that_is_listed_first_is_resumed(tmp_path: Path) -> None:
    from ganzoo.runs.checkpoint import load_state

    dataset = Dataset(DataInfo("some", "points", (3,), count=32), {"images": torch.randn(32, 3)})
    loop = loop_on(dataset, tmp_path / "x", 2)
    loop.fit()
    state = new_state(loop.variant, loop.device)
    header = load_state(loop.run.latest(), state, "vanilla")
    assert (state.step, header["looked"]) == (2, True)
    assert state.device.type == "cpu"
