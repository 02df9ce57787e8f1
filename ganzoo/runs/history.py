"""The history of a run as ``scalars.jsonl``: the first user of the lifecycle hooks."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RunError
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.runtime.files import replace_file

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

SCALARS = "scalars.jsonl"


def history(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run directory's history, oldest first; none when there is no history yet."""
    path = folder / SCALARS
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def last_step(folder: Path) -> int:
    """The step of the last whole line of a run directory's history; 0 when there is none."""
    path = folder / SCALARS
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    for line in reversed(lines):
        with suppress(ValueError, KeyError, TypeError):
            if line.endswith("\n"):
                return int(json.loads(line)["step"])
    return 0


@hookimpl
def ganzoo_run_started(run: "Run") -> None:
    """A resumed run repeats the steps after its checkpoint: their old lines go."""
    path = run.path / SCALARS
    if not path.exists():
        return
    kept = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), start=1):
        if not line.endswith("\n"):
            continue  # a kill can cut the last line short
        try:
            # The line of a step that was saved but not looked at will be written again.
            if json.loads(line)["step"] < run.step + run.looked:
                kept.append(line)
        except (ValueError, TypeError, KeyError) as error:
            raise RunError(f"{path}, line {number} is not a line of a history: remove it to resume.") from error
    replace_file(path, lambda temporary: temporary.write_text("".join(kept), encoding="utf-8"))


@hookimpl
def ganzoo_step_logged(run: "Run", record: Mapping[str, Any]) -> None:
    """Append one line."""
    path = run.path / SCALARS
    # JSON has no word for NaN and infinity; as texts they can be read by every program.
    plain = {k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(plain) + "\n")
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}. Free some space and resume.") from error
