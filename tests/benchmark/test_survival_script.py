"""``benchmarks/survival.py`` in small: it works, and a fault would be counted."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "survival.py"


def test_a_few_kills_files_and_options(tmp_path: Path) -> None:
    words = ["--variants", "vanilla", "--kills", "1", "--steps", "60", "--files", "1", "--options", "1"]
    out = tmp_path / "survival.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words, "--parts", "kills,files,options", "--out", str(out)],
        env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    assert found["summary"] == {
        "kills": 1, "while a file was written": found["summary"]["while a file was written"], "runs lost": 0,
        "variants resumed exactly": "1 of 1", "faults": 0,
    }  # fmt: skip
    assert found["files"]["tried"] >= 2
    assert found["options"]["tried"] == 1


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("survival_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("status", "said", "ended"),
    [
        (0, "all right", "done"),
        (2 << 8, "error: no such thing", "told"),
        (1 << 8, "Traceback (most recent call last):\nKeyError: 1", "traceback"),
        (11, "", "signal 11"),
        (1 << 8, "", "exit code 1 without a word"),
    ],
)
def test_faults_are_counted(script: ModuleType, status: int, said: str, ended: str, tmp_path: Path) -> None:
    command = script.Command.__new__(script.Command)
    command.said = tmp_path / "said"
    command.said.write_text(said, encoding="utf-8")
    assert command._told(status) == ended
