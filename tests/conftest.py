"""What all tests share: nothing touches the user's data or the checkout, and `ganzoo` runs as a user runs it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# A slow machine is no fault of what is tested, and the same examples fail everywhere or nowhere.
hypothesis.settings.register_profile(
    "here", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("here")

# Before torch is imported: pytest-xdist already keeps every core busy, and more threads than cores make all slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty data folder; GANZOO_TEST_DATA names a real one instead."""
    given = os.environ.get("GANZOO_TEST_DATA")
    return Path(given) if given else tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True, scope="session")
def no_reports() -> Iterator[Callable[..., Any]]:
    """A page at the end of every training would cost the suite minutes; tests/pages has them written again.

    Gives what writes them.
    """
    from ganzoo.training.session import TrainingSession

    writes = TrainingSession._report
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingSession, "_report", lambda self, run: None)
        yield writes


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> None:
    """Each test works in its own folder, with the data folder above and every plugin switched on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_DATA", str(data_folder))
    monkeypatch.delenv("GANZOO_PLUGINS", raising=False)
    # Messages and tables are compared: no colours, and a width that does not depend on the terminal.
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def ganzoo_cli(tmp_path: Path) -> Cli:
    """``ganzoo_cli("list", "--json")`` runs ``python -m ganzoo list --json`` in ``tmp_path``.

    ``env`` adds to the environment; ``code`` is the exit code that must come (None: any).
    """

    def call(
        *words: object, env: Mapping[str, str] | None = None, code: int | None = 0, python: str = sys.executable
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [python, "-m", "ganzoo", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = f"ganzoo {' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert code is None or done.returncode == code, said
        return done

    return call
