"""``ganzoo bench`` as it is typed: failures that stop nothing, kills at any moment, shards, two runners."""

import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ganzoo.bench import runner
from ganzoo.bench.runner import Progress
from ganzoo.bench.suite import BenchTask, read
from ganzoo.cli.bench import Overview

from ..conftest import Cli

SUITE = """
about = "a test"
seeds = [0, 1]
datasets = ["ring"]
metrics = ["modes-2500"]
[budget]
images = 4000
[settings]
width = 8
batch_size = 40
checkpoint_every = 10
metric_every = 1000
sample_every = 50
[[entries]]
variant = "vanilla"
"""
BROKEN = """
[[entries]]
variant = "vanilla"
label = "broken"
settings = { lr = 1e30 }
"""


def scores(folder: Path) -> list[Any]:
    rows = json.loads((folder / "table.json").read_text(encoding="utf-8"))["rows"]
    return [{key: row[key] for key in ("label", "seeds", "final", "best", "images", "failed")} for row in rows]


def planned(folder: Path) -> BenchTask:
    """A suite of one job, made ready as the runner does it."""
    (folder / "mine.toml").write_text(SUITE.replace("[0, 1]", "[0]"), encoding="utf-8")
    suite = read(folder / "mine.toml")
    runner.claim(folder / "out", suite)
    (job,) = suite.jobs
    plan = json.dumps({**job.as_json(), "device": "cpu"})
    (folder / "out" / "plan" / f"{job.name}.json").write_text(plan)
    return job


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "mine.toml").write_text(SUITE, encoding="utf-8")
    command = [sys.executable, "-m", "ganzoo", "bench", "mine.toml", "--out", "out", "--jobs", "2"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "out"


def test_the_table_is_printed_and_written(whole: Path, ganzoo_cli: Cli) -> None:
    (row,) = scores(whole)
    assert row["seeds"] == [0, 1]
    assert row["final"]["modes-2500"]["values"].keys() == {"0", "1"}
    assert row["images"] == {"0": 4000, "1": 4000}
    for name in ("table.md", "table.csv", "table.tex", "index.html"):
        assert (whole / name).stat().st_size > 100
    run = json.loads((whole / "runs" / "vanilla-ring-s1" / "run.json").read_text())
    assert run["status"] == "finished"


def test_finished_work_is_not_repeated(whole: Path, ganzoo_cli: Cli) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.glob("runs/*/*.safetensors")}
    said = ganzoo_cli("bench", whole.parent / "mine.toml", "--out", whole)
    assert said.stdout == (whole / "table.md").read_text(encoding="utf-8")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_failed_job_stops_no_other_and_is_shown(tmp_path: Path, ganzoo_cli: Cli) -> None:
    (tmp_path / "mine.toml").write_text(SUITE.replace("[0, 1]", "[0]") + BROKEN, encoding="utf-8")
    done = ganzoo_cli("bench", "mine.toml", code=1)
    assert "1 of 2 jobs failed, the first was broken-ring-s0" in done.stderr
    assert "not-finite" in done.stderr
    good, broken = scores(tmp_path / "bench" / "mine")
    assert good["seeds"] == [0]
    assert broken["seeds"] == []
    assert "not-finite" in broken["failed"]["0"]
    assert "seed 0 of broken on ring" in done.stdout


def test_two_processes_at_one_job_do_it_once(tmp_path: Path, whole: Path) -> None:
    """A runner that was killed may have left a job at work that is not to be seen yet; a second one waits for it."""
    job = planned(tmp_path)
    command = [sys.executable, "-m", "ganzoo.bench.task", str(tmp_path / "out"), job.name]
    both = []
    for pause in (0.7, 2.0, 0.0):
        both.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        time.sleep(pause)
    for process in both:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert runner.outcome(tmp_path / "out", job.name)["status"] == "finished"
    found = json.loads((tmp_path / "out" / "runs" / job.name / "run.json").read_text())["metrics"]["final"]
    expected = json.loads((whole / "runs" / job.name / "run.json").read_text())["metrics"]["final"]
    assert [r["values"] for r in found] == [r["values"] for r in expected]


def test_a_kill_during_the_last_metrics_loses_nothing(tmp_path: Path, whole: Path) -> None:
    job = planned(tmp_path)
    code = (
        "import os, sys; from ganzoo.training.evaluation import PeriodicEvaluation\n"
        "from ganzoo.bench.task import main\n"
        "PeriodicEvaluation._report = lambda *_: os._exit(9)\n"
        "main()\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out"), job.name], check=False)
    assert died.returncode == 9
    subprocess.run(
        [sys.executable, "-m", "ganzoo", "bench", "mine.toml", "--out", "out"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    one, other = (
        [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in path.read_text().splitlines()]
        for path in (folder / "runs" / job.name / "scalars.jsonl" for folder in (tmp_path / "out", whole))
    )
    assert one == other
    samples = sorted(path.name for path in (tmp_path / "out" / "runs" / job.name / "samples").iterdir())
    assert samples == sorted(path.name for path in (whole / "runs" / job.name / "samples").iterdir())


def test_a_table_of_another_suite_is_refused(whole: Path, ganzoo_cli: Cli) -> None:
    before = (whole / "table.md").read_text(encoding="utf-8")
    said = ganzoo_cli("bench", "toys", "--table", "--out", whole, code=1).stderr
    assert "with other content" in said
    assert (whole / "table.md").read_text(encoding="utf-8") == before


def test_a_full_disk_fails_the_job_with_a_word(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    (tmp_path / "mine.toml").write_text(SUITE.replace("[0, 1]", "[0]").replace("width = 8", "width = 128"))
    code = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from ganzoo.cli import main\n"
        "main(['bench', 'mine.toml', '--out', 'out'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Free some space" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Free some space" in (tmp_path / "out" / "table.md").read_text(encoding="utf-8")


def test_killed_at_six_random_moments_it_ends_with_the_same_table(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SUITE, encoding="utf-8")
    chance = random.Random(0)
    command = [sys.executable, "-m", "ganzoo", "bench", "mine.toml", "--out", "out"]
    quiet = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for number in range(6):
        process = subprocess.Popen(command, start_new_session=True, **quiet)  # type: ignore[call-overload]
        time.sleep(chance.uniform(0.5, 7))
        if number % 2:
            process.kill()  # the training goes on alone, and must be waited for or picked up
        else:
            listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            children = listed.read_text().split() if listed.exists() else []
            process.kill()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, **quiet)  # type: ignore[call-overload]
    assert scores(tmp_path / "out") == scores(whole)


def test_interrupted_it_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SUITE.replace("4000", "400000"), encoding="utf-8")
    command = [sys.executable, "-m", "ganzoo", "bench", "mine.toml", "--out", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for _ in range(600):
        if list(tmp_path.glob("out/runs/*/checkpoints/*.safetensors")):
            break
        time.sleep(0.1)
    # Meanwhile a second runner is refused.
    second = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "another runner is at work" in second.stderr
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in said
    (run,) = tmp_path.glob("out/runs/*/run.json")
    assert json.loads(run.read_text())["status"] == "interrupted"


def test_shards_do_a_part_each_and_the_table_holds_all(tmp_path: Path, whole: Path, ganzoo_cli: Cli) -> None:
    (tmp_path / "mine.toml").write_text(SUITE, encoding="utf-8")
    ganzoo_cli("bench", "mine.toml", "--out", "out", "--shard", "1/2")
    assert [path.name for path in (tmp_path / "out" / "runs").iterdir()] == ["vanilla-ring-s0"]
    assert scores(tmp_path / "out")[0]["failed"] == {"1": "not done"}
    ganzoo_cli("bench", "mine.toml", "--out", "out", "--shard", "2/2")
    assert scores(tmp_path / "out") == scores(whole)


def test_minutes_become_steps(tmp_path: Path, ganzoo_cli: Cli) -> None:
    text = SUITE.replace("images = 4000", "minutes = 0.03").replace("[0, 1]", "[0]")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    ganzoo_cli("bench", "mine.toml", "--out", "out")
    rows = json.loads((tmp_path / "out" / "table.json").read_text())["rows"]
    # Nothing is exact on a busy machine; steps of another unit (seconds, hours) would be far off.
    assert 0.003 < rows[0]["minutes"]["0"] < 0.3


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nothing"], 2, "unknown suite 'nothing'"),
        (["smoke", "--variants", "nobody"], 2, "unknown entry 'nobody'"),
        (["smoke", "--shard", "3/2"], 2, "write I/N"),
        (["smoke", "--out", "taken"], 1, "holds no results of a suite"),
    ],
)
def test_refusals(tmp_path: Path, ganzoo_cli: Cli, words: list[str], code: int, message: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("precious")
    done = ganzoo_cli("bench", *words, code=code)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_lists_the_jobs_and_writes_nothing(tmp_path: Path, ganzoo_cli: Cli) -> None:
    said = ganzoo_cli("bench", "mnist", "--dry-run", "--seeds", "1").stdout
    assert "dcgan-mnist-s0: dcgan on mnist, seed 0, 128,000 images" in said
    assert not list(tmp_path.iterdir())


def test_the_overview_shows_how_far_running_jobs_are(tmp_path: Path, whole: Path) -> None:
    from rich.console import Console

    (tmp_path / "runs").symlink_to(whole / "runs")
    overview = Overview(tmp_path, quiet=False)
    state = {"vanilla-ring-s0": "running", "not-begun": "running", "broken": "failed", "later": "waiting"}
    overview.report(Progress(state, {"broken": "out of memory"}), "broken")
    console = Console(width=100, file=io.StringIO())
    console.print(overview.table())
    text = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    images = json.loads((whole / "table.json").read_text())["rows"][0]["images"]["0"]
    assert re.search(rf"vanilla-ring-s0 .*running .*{images:,} of {images:,}", text)
    assert re.search(r"not-begun .*running", text)
    assert re.search(r"broken .*failed: out of memory", text)
    assert "2 running, 1 failed, 1 waiting" in text
