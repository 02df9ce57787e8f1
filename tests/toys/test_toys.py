"""Ten kinds of GAN, each written with ``ganzoo.plugin`` alone: the shape of the core holds them without a trick."""

import ast
import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.config.settings import RunConfig
from ganzoo.data.kinds import sides_of
from ganzoo.data.load import load_dataset
from ganzoo.errors import UsageError
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import load_metrics, measure_all
from ganzoo.metrics.targets import DatasetTarget
from ganzoo.report.looks import open_looks
from ganzoo.report.page import write_report
from ganzoo.runs.trained import TrainedRun
from ganzoo.runtime.tensor_files import read_tensors
from ganzoo.testing import check_variant

from ..commands.conftest import Invoke
from ..training.helpers import history, state_of
from .conftest import SITE

NAMES = ("cyclegan", "pix2pix", "progressive", "began", "infogan", "bigan", "text", "waves", "voxels", "style")
DATA = {"text": "toy-captions", "waves": "toy-waves", "voxels": "toy-voxels"}
MORE: dict[str, dict[str, Any]] = {"cyclegan": {"second": "toy-captions"}}
COUNTS = 100


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, toys: None) -> dict[str, TrainedRun]:
    """A short training of each."""
    folder = tmp_path_factory.mktemp("runs")
    common = {"steps": 12, "device": "cpu", "log_every": 3, "metrics": ""}
    return {
        name: ganzoo.train(
            f"toy-{name}", DATA.get(name, "toy-pairs"), out=folder / name, **{**common, **MORE.get(name, {})}
        )
        for name in NAMES
    }


def sources(name: str) -> list[Path]:
    """A toy's own module, and those of the plugin that it imports."""
    path = SITE / "ganzoo_toys" / f"{name}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [path, *(SITE / f"{m.replace('.', '/')}.py" for m in modules if m.startswith("ganzoo_toys."))]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_short_and_imports_the_one_face(name: str) -> None:
    for path in sources(name):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= COUNTS
        for node in ast.walk(ast.parse(text)):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            if module and module.startswith("ganzoo"):
                assert module == "ganzoo.plugin" or module.startswith("ganzoo_toys"), f"{path.name} imports {module}"


def test_many_variants_are_listed_by_family(invoke: Invoke) -> None:
    lines = invoke("list").out.splitlines()
    assert {"first", "modern", "translation"} <= set(lines)
    assert lines[1].startswith("NAME")
    assert lines[lines.index("toys") + 1].startswith("NAME")
    assert "toy-style" in invoke("list").out
    assert invoke("list", "toy-*").out.startswith("NAME"), "few are one table"


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str) -> None:
    """On another embedded set where it can, and resumed around every stage boundary: see ``ganzoo.testing``."""
    said: list[str] = []
    check_variant(f"toy-{name}", say=said.append)
    assert "resumes exactly" in said


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("cyclegan", "pix2pix")])
def test_it_is_sampled_by_the_command_line(
    name: str, invoke: Invoke, runs: dict[str, TrainedRun], tmp_path: Path
) -> None:
    run = runs[name]
    assert invoke("sample", run.path, "-n", 6, "--output", "a.png").out == "a.png\n"
    with Image.open("a.png") as picture:
        assert picture.width > 16
    invoke("sample", run.path, "-n", 6, "--output", "a.npy")
    assert np.allclose(np.load("a.npy"), run.sample(6).numpy(), atol=1e-6)
    assert np.load("a.npy").shape == (6, *run.data.shape)
    invoke("sample", run.path, "--interpolate", "-n", 5, "--rows", 2, "--output", "walk.png")
    invoke("sample", run.path, "-n", 3, "--output", "singles")
    assert len(list((tmp_path / "singles").iterdir())) == 3


def test_sounds_are_written_as_sounds(invoke: Invoke, runs: dict[str, TrainedRun], tmp_path: Path) -> None:
    invoke("sample", runs["waves"].path, "-n", 2, "--output", "a.wav")
    with wave.open(str(tmp_path / "a-0001.wav")) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (8_000, 64, 1)
        found = np.frombuffer(file.readframes(64), dtype=np.int16) / 32_767
    assert np.allclose(found, runs["waves"].sample(2)[1, 0].numpy(), atol=1e-4)
    assert "unknown ending '.wav'" in invoke("sample", runs["style"].path, "--output", "b.wav", code=2).err


def test_codes_can_be_asked_for(invoke: Invoke, runs: dict[str, TrainedRun]) -> None:
    run = runs["infogan"]
    asked = run.sample(4, code=2, turn=0.5)
    codes = torch.tensor([[0, 0, 1, 0.5]]).expand(4, -1)
    generator = run.generator()
    rng = torch.Generator().manual_seed(0)
    torch.testing.assert_close(asked, generator(generator.latents(4, rng), codes))
    invoke("sample", run.path, "-n", 4, "-s", "code=2", "-s", "turn=0.5", "--output", "a.npy")
    assert np.allclose(np.load("a.npy"), asked.numpy(), atol=1e-6)
    for words, message in (
        (("-s", "code=3"), "code = 3 is out of range"),
        (("-s", "cod=3"), "did you mean 'code'"),
        (("-s", "code"), "write it as -s KEY=VALUE"),
        (("-s", "code=1", "-s", "code=2"), "-s code is given twice"),
    ):
        assert message in invoke("sample", run.path, *words, "--output", "b.png", code=2).err
    assert "has no sampling settings" in invoke("sample", runs["began"].path, "-s", "code=1", code=2).err


def test_texts_can_be_asked_for(invoke: Invoke, runs: dict[str, TrainedRun]) -> None:
    run = runs["text"]
    asked, other = run.sample(3, text="large red"), run.sample(3, text="small blue")
    assert not torch.allclose(asked, other)
    embedding = torch.tensor([1.0, 0, 0, 0, 1])  # red and large
    torch.testing.assert_close(asked, run.sample(3, embedding))
    with pytest.raises(UsageError, match="give one of them"):
        run.sample(3, embedding, text="red")
    invoke("sample", run.path, "-n", 3, "-s", "text=large red", "--output", "a.npy")
    assert np.allclose(np.load("a.npy"), asked.numpy(), atol=1e-6)
    assert "unknown word 'purple'" in invoke("sample", run.path, "-s", "text=purple", "--output", "b.png", code=2).err
    condition = run.generator().condition
    data = load_dataset("toy-captions", RunConfig(variant="none", dataset="toy-captions"))
    assert torch.equal(condition.examples[:8], data.fetch("embeddings", torch.arange(8))), "kept with the weights"


def test_truncation_goes_to_the_mean_sample(invoke: Invoke, runs: dict[str, TrainedRun]) -> None:
    run = runs["style"]
    at_the_mean = run.sample(4, psi=0.0)
    torch.testing.assert_close(at_the_mean, at_the_mean[:1].expand(4, -1, -1, -1))
    torch.testing.assert_close(run.sample(4, psi=1.0), run.sample(4))
    assert "psi = 1.5 is out of range" in invoke("sample", run.path, "-s", "psi=1.5", code=2).err
    card = json.loads(invoke("info", "toy-style", "--json").out)
    done = invoke("sample", run.path, "--truncation", "0.5", "--output", "t.png", code=2)
    assert "this generator truncates by itself: -s psi=VALUE" in done.err
    (setting,) = [s for s in card["settings"] if s["of"] == "sample -s"]
    assert (setting["key"], setting["default"]) == ("psi", 1.0)


def test_images_are_translated_in_both_directions(invoke: Invoke, runs: dict[str, TrainedRun], tmp_path: Path) -> None:
    run = runs["cyclegan"]
    assert run.roles == ("a2b", "b2a")
    Image.new("L", (17, 11), 200).save("grey.png")
    for direction, mode in (("a2b", "RGB"), ("b2a", "L")):
        invoke("sample", run.path, "--input", "grey.png", "--direction", direction, "--output", f"{direction}.png")
        with Image.open(f"{direction}.png") as picture:
            assert (picture.size, picture.mode) == ((17, 11), mode), "padded to its multiple, and cut back"
    invoke("sample", run.path / "b2a.safetensors", "--input", "grey.png", "--output", "alone.png")
    assert (tmp_path / "alone.png").read_bytes() == (tmp_path / "b2a.png").read_bytes()
    wrong = invoke("sample", run.path, "--input", "grey.png", "--direction", "a2c", code=2).err
    assert "translates in the directions a2b, b2a" in wrong
    assert (
        "draws samples, it translates no images"
        in invoke("sample", runs["began"].path, "--input", "grey.png", code=2).err
    )
    assert "--direction a2b is for --input" in invoke("sample", run.path, "--direction", "a2b", code=2).err


def test_an_error_of_a_network_is_not_told_as_one_of_the_file(
    invoke: Invoke, runs: dict[str, TrainedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("a wrong shape inside")

    monkeypatch.setattr(sys.modules["ganzoo_toys.translators"].Painter, "forward", broken)
    Image.new("L", (16, 16)).save("grey.png")
    said = invoke("sample", runs["pix2pix"].path, "--input", "grey.png", code=1).err
    assert "the network raised ValueError: a wrong shape inside" in said
    assert "cannot be read" not in said


def test_an_encoder_is_exported(runs: dict[str, TrainedRun]) -> None:
    run = runs["bigan"]
    samples = run.sample(5)
    assert run.encode(samples).shape == (5, 8)
    torch.testing.assert_close(run.encode(samples), run.encoder()(samples))
    assert (run.path / "encoder.safetensors").exists()
    with pytest.raises(UsageError, match="trains no encoder"):
        runs["style"].encode(samples)


def test_a_controlled_variable_is_saved_logged_and_never_averaged(runs: dict[str, TrainedRun]) -> None:
    run = runs["began"]
    found = state_of(run)["memory/k"]
    assert 0 < float(found) < 1
    assert [line for line in history(run) if "k" in line]
    assert not any(name.rpartition("/")[2] == "k" for name in read_tensors(run.path / "generator.safetensors")[0])


def test_a_pool_fills_and_is_part_of_the_state(runs: dict[str, TrainedRun]) -> None:
    memory = state_of(runs["cyclegan"])
    assert int(memory["memory/a2b.count"]) == int(memory["memory/b2a.count"]) == 12 * 4
    assert memory["memory/a2b"].shape == (50, 3, 16, 16)
    assert memory["memory/a2b"][:48].abs().sum((1, 2, 3)).min() > 0
    assert memory["memory/a2b"][48:].abs().sum() == 0


def test_stages_have_their_own_batch_size_and_are_counted_as_used(runs: dict[str, TrainedRun]) -> None:
    lines = history(runs["progressive"])
    assert [(line["step"], line["stage"], line["images"]) for line in lines] == [
        (3, "4px", 48), (6, "8px", 80), (9, "16px", 100), (12, "16px", 112),
    ]  # fmt: skip


def test_a_run_made_longer_stays_in_the_stage_it_is_in(runs: dict[str, TrainedRun], tmp_path: Path) -> None:
    """Its first two stages keep their length, though a third of 24 steps would be 8."""
    common = {"device": "cpu", "log_every": 1, "metrics": ""}
    ganzoo.train("toy-progressive", "toy-pairs", out=tmp_path / "x", steps=12, **common)
    longer = ganzoo.train(out=tmp_path / "x", resume=True, steps=24)
    stages = [line["stage"] for line in history(longer)]
    assert stages == ["4px"] * 4 + ["8px"] * 4 + ["16px"] * 16
    assert int(state_of(longer)["networks/generator/level"]) == 2


def test_two_updates_of_one_player_have_their_own_names(runs: dict[str, TrainedRun]) -> None:
    lines = history(runs["style"])
    assert {"discriminator_loss", "r1_loss", "generator_loss", "path_loss"} <= lines[1].keys()
    assert lines[1]["r1_loss"] != lines[1]["discriminator_loss"]


def test_shared_weights_stand_once_in_an_optimizer(runs: dict[str, TrainedRun]) -> None:
    """The discriminator's body belongs to the reader too, and its parameters to two players."""
    from ganzoo.training.loop import new_state

    session = ganzoo.prepare(out=runs["infogan"].path, resume=True, settings={"steps": 13})
    state = new_state(session.variant, session.device)
    for optimizer in state.optimizers.values():
        parameters = [id(p) for group in optimizer.param_groups for p in group["params"]]
        assert len(parameters) == len(set(parameters))
    assert state.networks["reader"].body is state.networks["discriminator"].body


@pytest.mark.parametrize("name", NAMES)
def test_it_is_measured(name: str, invoke: Invoke, runs: dict[str, TrainedRun]) -> None:
    asked = {
        "cyclegan": ["toy-change@a2b", "toy-change@b2a"] , "pix2pix": ["psnr-pairs", "ssim-pairs"],
    }.get(name, ["toy-mean-100"])  # fmt: skip
    words = [word for metric in asked for word in ("--metric", metric)]
    results = json.loads(invoke("evaluate", runs[name].path, *words, "--json").out)
    assert [result["metric"] for result in results] == asked
    assert all(np.isfinite(result["value"]) for result in results)


def test_an_extractor_of_a_plugin_serves_the_formulas_there_are(runs: dict[str, TrainedRun]) -> None:
    """The Fréchet distance on features that the toys bring: the data itself is nearer than a barely trained run."""
    (result,) = ganzoo.evaluate(runs["style"].path, ["toy-fd-60"])
    assert result.about["extractor"] == {"name": "toy-pixels"}
    (other,) = ganzoo.evaluate(runs["style"].path, ["toy-fd-60"], seed=1)
    assert result.value > 0
    assert other.value != result.value
    data = load_dataset("toy-pairs", RunConfig(variant="none", dataset="toy-pairs"))
    target = DatasetTarget("data", {}, data.info.shape, dataset=data)
    context = EvaluationContext(target, "toy-pairs", lambda split: data, torch.device("cpu"))
    (real,) = measure_all(load_metrics(["toy-fd-60"]), context)
    assert real.value < 0.2 * result.value


def test_a_role_that_is_not_there_is_told(invoke: Invoke, runs: dict[str, TrainedRun]) -> None:
    said = invoke("evaluate", runs["cyclegan"].path, "--metric", "toy-change@c", code=2).err
    assert "has no network in the role 'c'; it has: a2b, b2a" in said
    said = invoke("evaluate", runs["cyclegan"].path, "--metric", "psnr", code=2).err
    assert "this network's scale is 1" in said, "a translator of scale 1 enlarges nothing"


def test_metrics_of_pairs_are_taken_of_the_test_split(runs: dict[str, TrainedRun]) -> None:
    (result,) = ganzoo.evaluate(runs["pix2pix"].path, ["psnr-pairs"])
    assert result.about["reference"]["splits"] == {"test": 64}
    (other,) = ganzoo.evaluate(runs["cyclegan"].path, ["toy-change"])
    assert other.value > 0
    with pytest.raises(Exception, match="unpaired"):
        ganzoo.evaluate(runs["cyclegan"].path, ["psnr-pairs"])


def test_what_data_lacks_is_told_before_it_is_loaded() -> None:
    for variant, dataset, message in (
        ("toy-cyclegan", "glyphs", r"it needs a second, unpaired data set: add --second NAME"),
        ("toy-pix2pix", "glyphs", r"it needs pairs \(a field 'target'\), and data set 'glyphs' has none"),
        ("toy-text", "glyphs", "it needs a field 'embeddings'"),
        ("toy-waves", "toy-voxels", "it models waves, and data set 'toy-voxels' has voxels"),
        ("toy-style", "unpaired:x", "it learns from one set, and data set 'unpaired' holds two"),
    ):
        with pytest.raises(UsageError, match=message):
            ganzoo.prepare(variant, dataset)


def test_a_second_set_is_part_of_what_a_resume_compares(tmp_path: Path) -> None:
    common = {"device": "cpu", "metrics": ""}
    ganzoo.train("toy-cyclegan", "toy-pairs", out=tmp_path / "x", second="toy-captions", steps=2, **common)
    with pytest.raises(UsageError, match="second = 'toy-pairs' contradicts the run to resume"):
        ganzoo.train(out=tmp_path / "x", resume=True, second="toy-pairs", steps=4)
    header = read_tensors(next((tmp_path / "x" / "checkpoints").iterdir()))[1]
    assert header["data"]["second"]["digest"]


@pytest.mark.parametrize(
    ("name", "tricks", "message"),
    [
        ("pix2pix", {"minibatch_kernels": 3}, "gives a map of logits"),
        ("began", {"label_smoothing": 0.1}, "has no effect on variant 'toy-began'"),
        ("bigan", {"r1": 1.0}, "has no effect on variant 'toy-bigan'"),
        ("progressive", {"loss": "wasserstein", "label_smoothing": 0.1}, "has no targets"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*needs a critic of bounded slope")
def test_a_trick_that_does_not_fit_is_refused_before_the_training(
    name: str, tricks: dict[str, Any], message: str, tmp_path: Path
) -> None:
    settings = {"device": "cpu", "steps": 6, "metrics": "", **tricks}
    with pytest.raises(UsageError, match=message):
        ganzoo.train(f"toy-{name}", DATA.get(name, "toy-pairs"), out=tmp_path / "x", **settings)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "tricks"),
    [
        ("cyclegan", {"minibatch_std": True, "spectral_norm": True, "r1": 1.0, "instance_noise": 0.1}),
        ("pix2pix", {"minibatch_std": True, "label_smoothing": 0.1, "gradient_penalty": 1.0}),
        ("progressive", {"accumulate": 2, "lr_schedule": "linear", "diffaugment": "translation"}),
    ],
)
def test_tricks_act_on_every_game(name: str, tricks: dict[str, Any], tmp_path: Path) -> None:
    common = {"device": "cpu", "steps": 6, "metrics": "", **MORE.get(name, {})}
    changed = ganzoo.train(f"toy-{name}", "toy-pairs", out=tmp_path / "x", **common, **tricks)
    plain = ganzoo.train(f"toy-{name}", "toy-pairs", out=tmp_path / "y", **common)
    after, before = state_of(changed), state_of(plain)
    if name == "cyclegan":
        for judge in ("judge_a", "judge_b"):
            own = [k for k in after if k.startswith(f"networks/{judge}/") and k not in before]
            assert own, "spectral_norm and minibatch_std give both networks other parameters"
    generators = ["a2b", "b2a"] if name == "cyclegan" else ["generator"]
    for generator in generators:
        keys = [k for k in before if k.startswith(f"networks/{generator}/") and before[k].is_floating_point()]
        assert any(not torch.equal(after[k], before[k]) for k in keys)


TRAINED = ["toy-text", "toy-waves", "toy-voxels"]
"""Of each kind of samples one; the others are trained by tests above."""


def test_each_has_a_row_in_a_suite(tmp_path: Path) -> None:
    """By the command line, in processes of its own, which find the toys as users' machines find plugins."""
    environment = {**os.environ, "PYTHONPATH": str(SITE)}
    listed = subprocess.run(
        [sys.executable, "-m", "ganzoo", "list", "toy-*", "--json"], env=environment, capture_output=True, check=True
    )
    assert {row["name"] for row in json.loads(listed.stdout)} == {f"toy-{name}" for name in NAMES}
    words = [sys.executable, "-m", "ganzoo", "bench", "toy-kinds", "--out", str(tmp_path / "b")]
    planned = subprocess.run([*words, "--dry-run"], env=environment, capture_output=True, text=True, check=True)
    assert all(f": toy-{name} on " in planned.stdout for name in NAMES), planned.stdout
    done = subprocess.run(
        [*words, "--variants", ",".join(TRAINED), "--jobs", "2", "--quiet"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "b" / "table.json").read_text(encoding="utf-8"))["rows"]
    assert [row["label"] for row in rows] == TRAINED
    for row in rows:
        assert row["seeds"] == [0], row
        assert row["final"], f"{row['label']} is measured"
        assert list(row["images"].values()) == [32]


@pytest.mark.parametrize("name", ["text", "infogan", "waves"])
def test_films_and_arithmetic_of_other_conditions_and_kinds(
    name: str, invoke: Invoke, runs: dict[str, TrainedRun]
) -> None:
    run = runs[name].path
    words = ("--interpolate", "--waypoints", 3, "--frames", 6, "--rows", 2)
    invoke("sample", run, *words, "--output", "walk.gif")
    with Image.open("walk.gif") as film:
        assert film.format == "GIF"
    invoke("sample", run, "--arithmetic", "1,2 - 3,4 + 5,6", "--output", "sum.png")
    with Image.open("sum.png") as picture:
        assert picture.mode == "RGB"
    assert "no classes to go through" in invoke("sample", run, "--morph", "0,1", "--output", "m.gif", code=2).err


def test_in_reports_sounds_are_heard_and_solids_turn(runs: dict[str, TrainedRun]) -> None:
    heard, solid, flat = (open_looks(runs[name].path) for name in ("waves", "voxels", "style"))
    assert len(heard.sounds) == 20
    assert heard.sounds[0][0] == "sample 1"
    assert heard.sounds[0][1][:4] == b"RIFF"
    assert solid.turned is not None
    assert solid.turned.shape[:2] == (sides_of(runs["voxels"].data), 8)
    assert not torch.equal(solid.turned[0], solid.turned[1])
    assert (flat.sounds, flat.turned, solid.sounds, heard.turned) == ([], None, [], None)
    text = write_report([runs["waves"].path]).read_text(encoding="utf-8")
    assert text.count("<audio controls") == 20
    assert 'src="data:audio/wav;base64,UklGR' in text
    assert "From all sides" in write_report([runs["voxels"].path]).read_text(encoding="utf-8")


def test_the_report_shows_every_direction_and_no_target_of_unpaired_images(runs: dict[str, TrainedRun]) -> None:
    looks = open_looks(runs["cyclegan"].path)
    found = [(t.role, t.columns) for t in looks.translations]
    assert found == [("a2b", ("input", "output")), ("b2a", ("input", "output"))]
    (paired,) = open_looks(runs["pix2pix"].path).translations
    assert paired.columns == ("input", "output", "target")


@pytest.mark.parametrize("name", NAMES)
def test_the_report_leaves_nothing_out(name: str, runs: dict[str, TrainedRun], tmp_path: Path) -> None:
    text = write_report([runs[name].path], tmp_path / "a.html").read_text(encoding="utf-8")
    assert "Not shown" not in text
    assert "<polyline" in text
