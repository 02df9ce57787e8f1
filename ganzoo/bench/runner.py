"""Runs the jobs of a suite, each in its own process and in an ordinary run directory, some at once.

FOLDER/suite.json       what the folder belongs to
FOLDER/plan/NAME.json   what each job is
FOLDER/runs/NAME        its run directory
FOLDER/jobs/NAME.json   what became of it

A runner that is killed at any moment is started again and goes on: what is finished is not repeated, what was cut short
is resumed from its checkpoint, and a training that the killed runner has left behind is waited for.
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.bench.suite import BenchTask, Suite
from ganzoo.errors import Interrupted, RunError
from ganzoo.runtime.files import read_json, replace_text
from ganzoo.runtime.locks import locked
from ganzoo.runtime.signals import ending

MARK = "suite.json"
SET_BESIDE = ("about", "published")
"""Parts of a suite that may change when there are results: the next table shows them."""
LINES = 3
"""Last lines of what a job said that stand for its reason when it left none."""


@dataclass
class Progress:
    """Where each job stands: waiting, running, finished or failed; ``reason`` of those that failed."""

    state: dict[str, str]
    reason: dict[str, str] = field(default_factory=dict)


Report = Callable[[Progress, str], None]
"""Called with the progress and the name of the job that has changed."""


def claim(folder: Path, suite: Suite) -> None:
    """Make the folder of a suite, or check that it is one.

    Raises:
        RunError: it belongs to something else, or cannot be written.
    """
    check_mark(folder, suite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MARK).exists():
            _write(folder / MARK, mark_of(suite))  # first, because another shard may look at this very moment
        for name in ("plan", "runs", "jobs", "shards"):
            (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be created: {error.strerror}. Choose another --out.") from error


def mark_of(suite: Suite) -> dict[str, Any]:
    """What a folder says it belongs to: all of a suite that results depend on."""
    content = {key: value for key, value in suite.content.items() if key not in SET_BESIDE}
    found: dict[str, Any] = json.loads(json.dumps({"suite": suite.name, "content": content}))
    return found


def check_mark(folder: Path, suite: Suite) -> None:
    """Raise RunError when a folder is there and belongs to something else."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if MARK in names or (folder / MARK).exists():
        found = _read(folder / MARK)
        content = found.get("content")
        if isinstance(content, dict):  # marks of earlier versions hold all of a suite
            found = {**found, "content": {key: value for key, value in content.items() if key not in SET_BESIDE}}
        if found != mark_of(suite):
            raise RunError(
                f"{folder} holds the results of {found.get('suite', 'another suite')!r} with other content than "
                f"{suite.name!r} has now: choose another --out."
            )
    elif any(not name.startswith(".") for name in names) and not (folder / MARK).exists():
        raise RunError(f"{folder} is not empty and holds no results of a suite: choose another --out.")


def run(
    folder: Path,
    jobs: Iterable[BenchTask],
    device: str,
    shard: str = "1/1",
    at_once: int = 1,
    report: Report = lambda *_: None,
) -> Progress:
    """Do what is left of the jobs of a claimed folder, ``at_once`` at a time.

    Raises:
        RunError: another runner is at work on the same shard.
        Interrupted: stopped by SIGINT or SIGTERM; trainings under way have kept checkpoints.
    """
    todo = list(jobs)
    place = folder / "shards" / "-of-".join(str(int(part)) for part in shard.split("/"))
    place.mkdir(parents=True, exist_ok=True)
    progress, workers = Progress({job.name: "waiting" for job in todo}), Workers(folder)
    with ExitStack() as held:
        try:
            held.enter_context(locked(place))
        except RunError:
            text = f"another runner is at work on {folder} (shard {shard}): wait for it, or stop it."
            raise RunError(text) from None
        for job in todo:
            _write(folder / "plan" / f"{job.name}.json", {**job.as_json(), "device": device})
        with stopped_by_signals(workers), ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda job: _do(job, workers, progress, report), todo))
    if workers.stopping:
        raise Interrupted(f"stopped by {workers.stopping}; the same command goes on.", workers.stopping)
    return progress


def _do(job: BenchTask, workers: "Workers", progress: Progress, report: Report) -> None:
    """One job, to its end or until the runner is stopped; whatever goes wrong with it, the others go on."""
    if workers.stopping:
        return
    try:
        found = outcome(workers.folder, job.name)
        if found.get("status") != "finished":
            progress.state[job.name] = "running"
            report(progress, job.name)
            found = workers.work(job.name)
    except Exception as error:  # no memory for a process, say
        found = {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
    progress.state[job.name] = str(found.get("status", "stopped"))
    progress.reason[job.name] = one_line(found.get("reason", ""))
    report(progress, job.name)


def one_line(text: Any) -> str:
    """A reason as it can stand in a table."""
    return " ".join(str(text).split())


class Workers:
    """The processes that are at work, so that they can be stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stopping = ""
        self._at_work: set[subprocess.Popen[str]] = set()
        self._guard = threading.Lock()

    def stop(self, why: str) -> None:
        """Let every training keep a checkpoint and end; start no other. Safe to call from a signal handler."""
        self.stopping = why
        for process in list(self._at_work):
            process.terminate()

    def work(self, name: str) -> dict[str, Any]:
        """Do a job and return what became of it."""
        # -P: without it Python looks for modules in the current folder first, and would run what lies there.
        command = [sys.executable, "-P", "-m", "ganzoo.bench.task", str(self.folder), name]
        with self._guard:
            if self.stopping:
                return {}
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace", start_new_session=True,
            )  # fmt: skip  # its own session: Ctrl-C reaches the runner alone, which passes it on once
            self._at_work.add(process)
        if self.stopping:  # a signal may have come between the two
            process.terminate()
        said, _ = process.communicate()
        self._at_work.discard(process)
        found = outcome(self.folder, name)
        if process.returncode in (0, 1) and found:
            return found
        if self.stopping:
            return {}
        last = " / ".join(said.strip().splitlines()[-LINES:])
        killed = (
            f"killed by signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
        )
        found = {"status": "failed", "reason": f"{killed}{': ' + last if last else ''}"}
        with suppress(RunError):  # a full disk, say: the reason is told all the same, and the others go on
            _write(self.folder / "jobs" / f"{name}.json", found)
        return found


@contextmanager
def stopped_by_signals(workers: Workers) -> Iterator[None]:
    """Signals that end a program stop the workers; in a thread that is not the main one there is nothing to catch."""
    numbers = ending() if threading.current_thread() is threading.main_thread() else ()
    before = {n: signal.signal(n, lambda number, _: workers.stop(signal.Signals(number).name)) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def outcome(folder: Path, name: str) -> dict[str, Any]:
    """What became of a job; empty when it is not done, or when what is said of it cannot be read."""
    path = folder / "jobs" / f"{name}.json"
    try:
        return _read(path) if path.exists() else {}
    except RunError:
        return {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is damaged ({error}): remove it, and what it says is found out again.") from error


def _write(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1) + "\n"
    replace_text(path, text)
