"""ganzoo train: what it prints where, and every way to ask for something that cannot be."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from .conftest import Invoke

TINY = ("--batch-size", "4", "--device", "cpu", "-o", "width=4")


def nothing_written(folder: Path) -> bool:
    return not [p for p in folder.rglob("*") if p.name != "photos" and "photos" not in p.parts]


def test_train_prints_the_run_directory_to_stdout_and_the_rest_to_stderr(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("train", "cgan", "--steps", "3", *TINY)
    assert done.out == "runs/cgan-glyphs-s0\n"
    assert "training: cgan on glyphs" in done.err
    for word in ("step 3/3", "discriminator_loss", "D(x)", "D(G(z))", "images/s", "left"):
        assert word in done.err
    assert "ganzoo sample runs/cgan-glyphs-s0" in done.err
    folder = tmp_path / "runs" / "cgan-glyphs-s0"
    assert {p.name for p in folder.iterdir() if p.name != ".lock"} == {
        "config.toml", "run.json", "scalars.jsonl", "samples", "checkpoints", "generator.safetensors",
    }  # fmt: skip
    details = json.loads((folder / "run.json").read_text())
    assert details["status"] == "finished"
    assert details["data"]["count"] == 20_000
    assert {"torch", "ganzoo", "python"} <= details["versions"].keys()


def test_quiet_says_nothing_but_the_result(invoke: Invoke) -> None:
    done = invoke("train", "vanilla", "--dataset", "ring", "--steps", "2", "--quiet", *TINY)
    assert done.err == ""
    assert done.out == "runs/vanilla-ring-s0\n"


def test_dry_run_shows_the_settings_and_writes_nothing(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("train", "dcgan", "--dry-run", "-o", "lr=0.001", "--seed", "7", "--precision", "bf16")
    settings = tomllib.loads(done.out)
    assert (settings["options"]["lr"], settings["seed"], settings["precision"]) == (0.001, 7, "bf16")
    assert "# generator: " in done.out
    assert nothing_written(tmp_path)


def test_a_config_file_repeats_a_run_and_options_change_it(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('variant = "vanilla"\ndataset = "ring"\nsteps = 2\n[options]\nwidth = 5\n')
    settings = tomllib.loads(invoke("train", "--config", "c.toml", "--dry-run", "-o", "width=6").out)
    assert (settings["variant"], settings["dataset"], settings["options"]["width"]) == ("vanilla", "ring", 6)
    assert "'vanilla', not 'dcgan'" in invoke("train", "dcgan", "--config", "c.toml", code=2).err


def test_bf16_trains(invoke: Invoke) -> None:
    invoke("train", "dcgan", "--steps", "2", "--precision", "bf16", *TINY)


def test_a_folder_of_images_trains(invoke: Invoke, tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (40 + i, 50), (i * 40, 9, 200)).save(tmp_path / "photos" / name / f"{i}.jpg")
    done = invoke("train", "cgan", "--dataset", "folder:photos", "-o", "resolution=32", "--steps", "2", *TINY)
    assert done.out == "runs/cgan-photos-s0\n"
    config = tomllib.loads((tmp_path / "runs/cgan-photos-s0/config.toml").read_text())
    assert config["dataset"] == f"folder:{tmp_path / 'photos'}", "a relative path would mean another folder elsewhere"


WRONG = {
    "no variant": ((), "no variant named"),
    "unknown variant": (("cgna",), "did you mean 'cgan'"),
    "unknown data set": (("cgan", "--dataset", "mnits"), "did you mean 'mnist'"),
    "unknown loss": (("cgan", "--loss", "hing"), "did you mean 'hinge'"),
    "unknown setting": (("cgan", "-o", "learning=1"), "unknown setting 'learning'"),
    "nearest setting": (("cgan", "-o", "batchsize=8"), "did you mean 'batch_size'"),
    "no equals sign": (("cgan", "-o", "lr"), "KEY=VALUE"),
    "setting twice": (("cgan", "-o", "lr=1", "-o", "lr=2"), "given twice"),
    "option and setting": (("cgan", "--steps", "3", "-o", "steps=4"), "say the same setting"),
    "unknown option": (("cgan", "--epochs", "2"), "--epochs"),
    "no steps": (("cgan", "--steps", "0"), "steps = 0 is out of range: it must be at least 1"),
    "negative steps": (("cgan", "--steps", "-3"), "steps = -3 is out of range"),
    "steps are not number": (("cgan", "--steps", "nan"), "steps = 'nan' is not a whole number"),
    "lr is not a number": (("cgan", "-o", "lr=nan"), "lr = nan is not a finite number"),
    "negative lr": (("cgan", "-o", "lr=-1"), "lr = -1.0 is out of range"),
    "batch of one": (("cgan", "--batch-size", "1"), "batch_size = 1"),
    "device": (("cgan", "--device", "tpu"), "one of auto, cpu, cuda, mps"),
    "precision": (("cgan", "--precision", "fp8"), "one of auto, fp32, tf32, bf16"),
    "labels of points": (("cgan", "--dataset", "ring"), "it models images, and data set 'ring' has points"),
    "points to convolutions": (("dcgan", "--dataset", "grid"), "'grid' has points"),
    "resolution of points": (("vanilla", "--dataset", "ring", "-o", "resolution=8"), "say nothing about the points"),
    "resolution of a pyramid": (("dcgan", "-o", "resolution=6"), "resolution 6 is too small"),
    "argument of no folder": (("cgan", "--dataset", "mnist:x"), "mnist"),
    "folder without a path": (("dcgan", "--dataset", "folder"), "folder:PATH"),
    "data set as a setting": (("cgan", "-o", "dataset=mnist"), "--dataset NAME"),
    "no such config": (("--config", "none.toml"), "cannot be read"),
    "resume and config": (("--config", "x.toml", "--resume"), "leave --config out"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_told_with_exit_code_2_and_nothing_is_written(case: str, invoke: Invoke, tmp_path: Path) -> None:
    words, message = WRONG[case]
    done = invoke("train", *words, code=2)
    assert message in done.err
    assert done.out == ""
    assert nothing_written(tmp_path)


def test_what_cannot_be_done_has_exit_code_1_and_nothing_is_written(invoke: Invoke, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(4):
        Image.new("RGB", (40, 40), (i * 40, 9, 200)).save(photos / f"{i}.png")
    assert "ganzoo data fetch cifar100" in invoke("train", "dcgan", "--dataset", "cifar100", code=1).err
    assert "needs class labels" in invoke("train", "cgan", "--dataset", "folder:photos", code=1).err
    (photos / "5.png").write_bytes((photos / "0.png").read_bytes()[:60])
    assert "5.png" in invoke("train", "dcgan", "--dataset", "folder:photos", code=1).err
    assert "no-such" in invoke("train", "dcgan", "--dataset", "folder:no-such", code=1).err
    assert "not a run directory" in invoke("train", "--resume", "--out", "nowhere", code=1).err
    assert nothing_written(tmp_path)


def test_an_existing_run_a_file_and_a_folder_in_the_way(invoke: Invoke, tmp_path: Path) -> None:
    invoke("train", "vanilla", "--dataset", "ring", "--steps", "1", "--out", "x", *TINY)
    before = {p: p.read_bytes() for p in (tmp_path / "x").rglob("*") if p.is_file()}
    done = invoke("train", "vanilla", "--dataset", "ring", "--steps", "1", "--out", "x", *TINY, code=1)
    assert "x exists: add --resume to continue it" in done.err
    assert before == {p: p.read_bytes() for p in (tmp_path / "x").rglob("*") if p.is_file()}
    (tmp_path / "file").write_text("mine")
    assert "file exists" in invoke("train", "vanilla", "--out", "file", code=1).err
    assert "is a file" in invoke("train", "vanilla", "--out", "file/deeper", code=1).err
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "note").write_text("mine")
    assert "folder exists: choose another --out" in invoke("train", "vanilla", "--out", "folder", code=1).err


@pytest.mark.parametrize("out", [".", "x" * 300, "runs/" + "y" * 300])
def test_a_run_directory_that_cannot_be(out: str, invoke: Invoke, tmp_path: Path) -> None:
    assert "--out" in invoke("train", "vanilla", "--dataset", "ring", "--steps", "1", *TINY, "--out", out, code=1).err
    assert nothing_written(tmp_path)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that even root cannot write to is Linux's /proc")
def test_an_output_folder_that_cannot_be_written(invoke: Invoke) -> None:
    done = invoke("train", "vanilla", "--dataset", "ring", "--steps", "1", *TINY, "--out", "/proc/run", code=1)
    assert "/proc/run cannot be created" in done.err


def test_training_imports_neither_torchvision_nor_torch_fidelity(tmp_path: Path) -> None:
    """They cost five seconds each, and embedded data needs neither."""
    code = (
        "import sys, ganzoo\n"
        "ganzoo.train('vanilla', 'glyphs', out='x', steps=1, batch_size=4, width=4, device='cpu').sample(1)\n"
        "print([name for name in ('torchvision', 'torch_fidelity', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_that_failed_before_its_first_checkpoint_is_not_offered_for_resuming(
    invoke: Invoke, tmp_path: Path
) -> None:
    words = ("train", "vanilla", "--dataset", "ring", "--steps", "300", "--out", "x", *TINY)
    assert "no checkpoint was saved before" in invoke(*words, "-o", "lr=1e30", code=1).err
    assert invoke(*words, code=1).err.endswith("x exists: choose another --out.\n")
    assert "Remove it, or train to another --out" in invoke("train", "--out", "x", "--resume", code=1).err


def test_damaged_settings_of_a_run_are_told(invoke: Invoke, tmp_path: Path) -> None:
    invoke("train", "vanilla", "--dataset", "ring", "--steps", "2", "--out", "x", *TINY)
    resume = ("train", "--out", "x", "--resume", "--steps", "3")
    for file, content, message in (
        ("run.json", "[]", "run.json is missing or damaged"),
        ("config.toml", "steps = 2", "no variant named"),
        ("config.toml", "variant = 3", "variant = 3 is not a text"),
        ("scalars.jsonl", "nonsense\n", "line 1 is not a line of a history"),
    ):
        path = tmp_path / "x" / file
        before = path.read_text()
        path.write_text(content)
        assert message in invoke(*resume, code=1 if file != "config.toml" else 2).err
        path.write_text(before)
    invoke(*resume)


def test_by_default_a_run_is_resumed_where_it_was_trained(invoke: Invoke) -> None:
    words = ("train", "vanilla", "--dataset", "ring", "--seed", "3")
    invoke(*words, "--steps", "2", *TINY)
    assert invoke(*words, "--resume", "--steps", "3", *TINY).out == "runs/vanilla-ring-s3\n"


def test_when_the_reader_of_stderr_has_gone_training_goes_on(tmp_path: Path) -> None:
    words = ["train", "vanilla", "--dataset", "ring", "--steps", "3", "--out", "x", *TINY]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", *words], stderr=writer, stdout=subprocess.PIPE, cwd=tmp_path, check=False
    )
    os.close(writer)
    assert json.loads((tmp_path / "x" / "run.json").read_text())["status"] == "finished"
    assert done.stdout in (b"x\n", b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_disk_behind_stdout_is_an_error_without_a_traceback() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ganzoo", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_control_c_keeps_a_checkpoint_and_prints_the_command_that_resumes(tmp_path: Path, ganzoo_cli) -> None:
    """The signal comes from outside, to its own process, as from a terminal."""
    words = ["train", "vanilla", "--dataset", "ring", "--steps", "100000000", "--out", "x", "-o", "log_every=10"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ganzoo", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    scalars = tmp_path / "x" / "scalars.jsonl"
    limit = time.monotonic() + 120
    while not (scalars.exists() and scalars.stat().st_size) and time.monotonic() < limit:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "continue with: ganzoo train vanilla --out x --resume" in err
    assert "Traceback" not in err
    details = json.loads((tmp_path / "x" / "run.json").read_text())
    assert details["status"] == "interrupted"
    resumed = ganzoo_cli(
        "train", "vanilla", "--out", "x", "--resume", "--steps", details["step"] + 1, "-o", "log_every=1"
    )  # fmt: skip
    assert f"resuming at step {details['step']:,}" in resumed.stderr
