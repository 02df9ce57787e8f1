"""What may not cost a user anything: a message that no one reads, signals, odd words, absurd numbers, hostile names."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import ganzoo
from ganzoo.bench import table
from ganzoo.bench.suite import read
from ganzoo.cli.options import without_controls
from ganzoo.errors import ConfigError, UnknownNameError

TRAIN = [sys.executable, "-m", "ganzoo", "train", "vanilla", "--dataset", "ring", "-o", "width=8", "-o", "batch_size=4"]


def test_a_warning_that_cannot_be_written_changes_neither_run_nor_exit_code(tmp_path: Path) -> None:
    """Whether its reader has gone, or the disk behind it is full; and the last line on stdout too."""
    words = [*TRAIN, "--steps", "400", "-o", "log_every=10", "-o", "lr=0.02", "-o", "train_g_above=1e6"]
    for name, stderr, stdout in (("gone", "closed", None), ("full", "/dev/full", "/dev/full")):
        read_end, write_end = os.pipe()
        os.close(read_end)
        err = write_end if stderr == "closed" else os.open(stderr, os.O_WRONLY)
        out = os.open(stdout, os.O_WRONLY) if stdout else subprocess.DEVNULL
        done = subprocess.run([*words, "--out", str(tmp_path / name)], stderr=err, stdout=out, check=False)
        details = json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8"))
        assert (done.returncode, details["status"]) == (0, "finished")
        assert details["warnings"], "it had something to say"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_checkpoint_and_the_command_that_goes_on(number: signal.Signals, tmp_path: Path) -> None:
    words = [*TRAIN, "--steps", "100000", "-o", "log_every=10", "--out", str(tmp_path / "run")]
    # These tests may be run under nohup, whose wish not to be hung up children inherit.
    heard = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    finally:
        signal.signal(signal.SIGHUP, heard)
    with process:
        try:
            for _ in range(600):
                if (tmp_path / "run" / "scalars.jsonl").exists():
                    break
                time.sleep(0.05)
            process.send_signal(number)
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert process.returncode == 128 + number
    assert number.name in said
    assert "--resume" in said
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    assert list((tmp_path / "run" / "checkpoints").iterdir())


def test_code_of_the_current_folder_is_not_run(tmp_path: Path) -> None:
    """By the trainings of a suite, which are processes of their own."""
    (tmp_path / "random.py").write_text("open('RAN', 'w').close()\nraise ImportError('x')\n", encoding="utf-8")
    suite = 'seeds = [0]\ndatasets = ["ring"]\nmetrics = []\n[budget]\nimages = 8\n[settings]\nbatch_size = 4\n'
    (tmp_path / "mine.toml").write_text(f'{suite}[[entries]]\nvariant = "vanilla"\n', encoding="utf-8")
    words = [sys.executable, "-P", "-m", "ganzoo", "bench", "mine.toml", "--out", "out", "--quiet"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "RAN").exists()


def test_what_a_killed_start_has_left_is_swept(tmp_path: Path) -> None:
    kill = (
        "import os\n"
        "from ganzoo.cli import main\n"
        "replace = os.replace\n"
        "def killed(a, b, **more):\n"
        "    os.kill(os.getpid(), 9) if str(b).endswith('run') else replace(a, b, **more)\n"
        "os.replace = killed\n"
        f"main({TRAIN[3:]!r} + ['--steps', '1', '--out', 'run'])\n"
    )
    subprocess.run([sys.executable, "-c", kill], cwd=tmp_path, capture_output=True, check=False)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".run.")], "it was killed in the middle"
    ganzoo.train("vanilla", "ring", out=tmp_path / "run", steps=1, width=8, batch_size=4)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    left = tmp_path / "run" / "checkpoints" / ".tmpAbC123"
    left.write_bytes(b"what safetensors leaves when it is killed")
    ganzoo.train(out=tmp_path / "run", resume=True, steps=2)
    assert not left.exists()


@pytest.mark.parametrize(
    ("word", "setting"),
    [
        ("learning_rate", "lr"), ("leraning_rate", "lr"), ("epochs", "steps"), ("batch", "batch_size"),
        ("ndf", "width"), ("nz", "latent_dim"), ("image_size", "resolution"), ("gpu", "device"),
        ("num-workers", "threads"), ("lambda_gp", "gradient_penalty"), ("bacth_size", "batch_size"),
    ],
)  # fmt: skip
def test_words_of_other_programs_lead_to_the_setting_in_one_line(word: str, setting: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        ganzoo.prepare("vanilla", "ring", texts={word: "1"})
    assert f"did you mean {setting!r}?" in str(caught.value)
    assert len(str(caught.value)) < 150, "and not a list of sixty"


def test_an_option_that_is_a_setting_is_told_how_it_is_written() -> None:
    done = subprocess.run([*TRAIN, "--learning-rate", "0.1"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no option --learning-rate: settings are written as -o lr=VALUE" in done.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threads": 2**31}, "threads = 2147483648 is out of range"),
        ({"g_steps": 10**20}, "g_steps = .* is out of range"),
        ({"width": 10**20}, "width = .* is out of range"),
        ({"latent_dim": 2**62}, "latent_dim = .* is out of range"),
        ({"minibatch_kernels": 2**62}, "minibatch_kernels = .* is out of range"),
        ({"batch_size": 10**400}, "is out of range"),
        ({"instance_noise": 1e300}, "instance_noise = 1e.300 is out of range"),
        ({"train_g_above": 1e308}, "train_g_above = 1e.308 is out of range"),
    ],
)
def test_absurd_numbers_are_refused_before_anything_starts(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ganzoo.prepare("vanilla", "ring", settings=settings)


@pytest.mark.parametrize(
    ("variant", "settings", "message"),
    [
        ("vanilla", {"d_steps": 100}, "player 'generator' is never trained, because it steps in every 100th iteration"),
        ("wgan", {"n_critic": 50}, "player 'generator' is never trained, because it steps in every 50th iteration"),
        ("vanilla", {"lr_warmup": 30}, "lr_warmup = 30: no stage has more than 20 steps"),
    ],
)
def test_a_training_too_short_for_its_settings_is_told(variant: str, settings: dict[str, Any], message: str) -> None:
    with pytest.warns(UserWarning, match=message):
        ganzoo.prepare(variant, "ring", settings={**settings, "steps": 20})


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"images": "x"}', "\x00\xff"])
def test_a_damaged_run_costs_its_own_row_alone(damage: str, tmp_path: Path) -> None:
    text = 'seeds = [0]\ndatasets = ["ring"]\nmetrics = ["modes-2500"]\n[budget]\nimages = 8\n'
    entries = "".join(f'[[entries]]\nvariant = "vanilla"\nlabel = "{name}"\n' for name in ("a", "b"))
    (tmp_path / "mine.toml").write_text(text + entries, encoding="utf-8")
    suite = read(tmp_path / "mine.toml")
    for name in ("a", "b"):
        path = tmp_path / "out" / "runs" / f"{name}-ring-s0"
        path.mkdir(parents=True)
        (tmp_path / "out" / "jobs").mkdir(exist_ok=True)
        result = {"metric": "modes-2500", "values": {"found": 7.0}}
        run = {"images": 8, "device": "cpu", "hardware": "A", "threads": 1, "metrics": {"final": [result], "best": []}}
        (path / "run.json").write_text(json.dumps(run) if name == "b" else damage, encoding="utf-8")
        job = {"status": "finished", "omitted": {}, "parameters": {}}
        (tmp_path / "out" / "jobs" / f"{name}-ring-s0.json").write_text(json.dumps(job), encoding="utf-8")
    first, second = table.collect(tmp_path / "out", suite)
    assert "its run directory is damaged" in first.failed[0]
    assert first.seeds == []
    assert second.final["modes-2500"].mean == 7
    assert "its run directory is damaged" in table.markdown(suite, [first, second])


def test_a_label_cannot_be_a_formula(tmp_path: Path) -> None:
    text = 'seeds = [0]\ndatasets = ["ring"]\nmetrics = []\n[budget]\nimages = 8\n[[entries]]\nvariant = "vanilla"\n'
    (tmp_path / "mine.toml").write_text(text + "label = '=1+1'\n", encoding="utf-8")
    suite = read(tmp_path / "mine.toml")
    rows = table.collect(tmp_path, suite)
    assert "'=1+1,vanilla" in table.comma_separated(suite, rows)


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert without_controls("a\x1b]0;OWNED\x07\x1b[2Jb") == "a\\x1b]0;OWNED\\x07\\x1b[2Jb"
    assert without_controls("\x1b[31mred\x1b[0m\tand\nmore") == "\x1b[31mred\x1b[0m\tand\nmore", "colours stay"
    assert without_controls("\x9b2J") == "\\x9b2J"
