"""Loggers: what TensorBoard reads back, what Weights & Biases is told, and that neither costs a training."""

import importlib.machinery
import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import ConfigError, Interrupted, UnknownNameError, UsageError
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.registry import PluginWarning, registry
from ganzoo.runs.history import history

TINY = {
    "batch_size": 4, "width": 4, "device": "cpu", "steps": 6, "log_every": 1, "sample_every": 3, "checkpoint_every": 3,
    "metrics": "", "metric_every": 12, "diagnostics": False,
}  # fmt: skip

METRIC = "duplicates-2k"


class StopAt:
    """Ends a training in the middle, as a kill would: without a checkpoint."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_logged(self, run: Any, record: Any) -> None:
        if record["step"] == self.step:
            raise KeyboardInterrupt


def train(out: Path, **settings: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return ganzoo.train(None if settings.get("resume") else "dcgan", out=out, **{**TINY, **settings})


def cut(out: Path, step: int, **settings: Any) -> None:
    listener = StopAt(step)
    registry().attach(listener, "stop")
    try:
        with pytest.raises(Interrupted):
            train(out, **settings)
    finally:
        registry().detach(listener)


def events(run: Path) -> EventAccumulator:
    found = EventAccumulator(str(run / "tensorboard"))
    found.Reload()
    return found


def scalars(found: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in found.Scalars(name)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(train(tmp_path_factory.mktemp("runs") / "whole", loggers="tensorboard", metrics=METRIC).path)


def test_tensorboard_reads_back_numbers_pictures_and_settings(whole):
    found, lines = events(whole), history(whole)
    for name in ("discriminator_loss", "generator_loss", "D(x)", "D(G(z))"):
        assert scalars(found, f"train/{name}") == [(r["step"], pytest.approx(r[name], rel=1e-6)) for r in lines]
    measured = [(r["step"], pytest.approx(r[METRIC])) for r in lines if METRIC in r]
    assert len(measured) == 2
    assert scalars(found, f"metrics/{METRIC}") == measured
    assert all(value > 0 for _, value in scalars(found, "speed/images per second"))
    pictures = found.Images("samples")
    assert [event.step for event in pictures] == [3, 6]
    assert (pictures[0].width, pictures[0].height) == (242, 242)
    assert 'variant = "dcgan"' in found.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()
    assert found.Tensors("status/text_summary")[0].tensor_proto.string_val[0] == b"finished"


def test_tensorboard_goes_on_after_a_resume_and_shows_no_step_twice(whole, tmp_path):
    out = tmp_path / "cut"
    cut(out, 5, loggers="tensorboard")  # steps 4 and 5 are told, and their checkpoint is that of step 3
    train(out, resume=True)
    name = "train/discriminator_loss"
    assert scalars(events(out), name) == scalars(events(whole), name)
    assert [event.step for event in events(out).Images("samples")] == [3, 6]


def test_a_resumed_run_may_get_or_lose_its_logger(tmp_path):
    out = tmp_path / "run"
    train(out, steps=3)
    assert not (out / "tensorboard").exists()
    train(out, resume=True, loggers="tensorboard")
    assert [step for step, _ in scalars(events(out), "train/D(x)")] == [4, 5, 6]


class Told:
    """A stand-in for the package wandb: it notes what it is told. The service itself was never reached."""

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []
        self.lines: list[tuple[int, dict[str, Any]]] = []
        self.ends: list[int] = []
        self.summary: dict[str, Any] = {}

    def init(self, **given: Any) -> "Told":
        self.begun.append(given)
        return self

    def log(self, values: dict[str, Any], step: int) -> None:
        self.lines.append((step, values))

    def finish(self, exit_code: int) -> None:
        self.ends.append(exit_code)


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Told:
    told, module = Told(), types.ModuleType("wandb")
    module.__spec__ = importlib.machinery.ModuleSpec("wandb", None)
    module.init = told.init  # type: ignore[attr-defined]
    module.Image = lambda pixels: ("image", pixels.shape)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.delitem(sys.modules, "ganzoo.loggers.wandb", raising=False)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return told


def test_wandb_is_told_of_settings_numbers_pictures_and_the_end(wandb, tmp_path):
    run = train(tmp_path / "run", loggers="wandb")
    (begun,) = wandb.begun
    assert (begun["project"], begun["name"], begun["resume"]) == ("ganzoo", "run", "allow")
    assert begun["config"]["variant"] == "dcgan"
    assert begun["config"]["width"] == 4
    assert begun["config"]["label_smoothing"] == 0
    lines = {step: values for step, values in wandb.lines if "train/D(x)" in values}
    assert {step: values["train/D(x)"] for step, values in lines.items()} == {
        record["step"]: record["D(x)"] for record in history(run.path)
    }
    assert [step for step, values in wandb.lines if values.get("samples") == ("image", (242, 242, 3))] == [3, 6]
    assert wandb.summary == {"status": "finished"}
    assert wandb.ends == [0]


def test_wandb_goes_on_in_the_same_run(wandb, tmp_path):
    cut(tmp_path / "run", 5, loggers="wandb")
    assert wandb.ends == [1]
    train(tmp_path / "run", resume=True)
    assert wandb.begun[0]["id"] == wandb.begun[1]["id"]
    assert wandb.ends == [1, 0]


def test_a_logger_that_fails_costs_no_training(wandb, tmp_path):
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no network")

    wandb.log = fail
    with pytest.warns(PluginWarning, match="'wandb' of ganzoo raised in ganzoo_step_logged.*no network"):
        run = ganzoo.train("dcgan", out=tmp_path / "run", **TINY, loggers="wandb")
    assert run.status == "finished"
    assert len(history(run.path)) == 6


@pytest.mark.parametrize(
    ("loggers", "error", "said"),
    [
        ("tensorbord", UnknownNameError, "did you mean 'tensorboard'"),
        (" , ", ConfigError, "names no logger"),
        ("wandb", UsageError, "logger 'wandb' needs wandb: pip install 'ganzoo[wandb]'"),
    ],
)
def test_a_logger_that_cannot_be_is_refused_before_anything_is_written(loggers, error, said, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    with pytest.raises(error, match=re.escape(said)):
        train(tmp_path / "run", loggers=loggers)
    assert not (tmp_path / "run").exists()


def test_the_command_line_names_loggers(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    for words, said in (
        (["--logger", "wandb"], "needs wandb: pip install 'ganzoo[wandb]'"),
        (["--logger", " "], "--logger needs the name of a logger"),
        (["--logger", "tensorboard", "-o", "loggers=wandb"], "say the same setting"),
        (["-o", "tensorboard=true"], "did you mean 'loggers'"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["train", "dcgan", "--out", str(tmp_path / "run"), *words])
        assert ended.value.code == 2
        error = capsys.readouterr().err
        assert said in error
        assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_loggers_are_listed(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["list", "loggers"])
    assert not ended.value.code
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["NAME", "tensorboard", "wandb"]
