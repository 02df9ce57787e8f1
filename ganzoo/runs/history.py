"""The history of a run as ``scalars.jsonl``: the first user of the lifecycle hooks."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RunError
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.runtime.files import replace_text

if TYPE_CHECKING:
    from ganzoo.runs.run import Run

SCALARS = "scalars.jsonl"


def history(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run directory's history, oldest first; none when there is no history yet.

    A last line that a kill has cut short is left out.

    Raises:
        RunError: another line is not one of a history.
    """
    return [record for _, record in _lines(folder / SCALARS)]


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(text, record) of each line."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            continue  # a kill can cut the last line short
        try:
            text = line.decode()
            record = json.loads(text)
            if not isinstance(record, dict) or type(record["step"]) is not int:
                raise ValueError("it has no step")
        except (ValueError, KeyError, RecursionError) as error:
            raise RunError(f"{path}, line {number} is not a line of a history: remove it to resume.") from error
        yield text, record


def seconds_of(folder: Path, step: int) -> float:
    """Seconds that a run had trained for, up to a step, without what it took to look at it."""
    return float(sum(record.get("seconds", 0.0) for record in history(folder) if record["step"] <= step))


def last_step(folder: Path) -> int:
    """The step of the last whole line of a run directory's history; 0 when there is none."""
    with suppress(RunError):
        return max((int(record["step"]) for record in history(folder)), default=0)
    return 0


@hookimpl
def ganzoo_run_started(run: "Run") -> None:
    """A resumed run repeats the steps after its checkpoint: their old lines go."""
    path = run.path / SCALARS
    if not path.exists():
        return
    # The line of a step that was saved but not looked at will be written again.
    kept = [text for text, record in _lines(path) if record["step"] < run.step + run.looked]
    replace_text(path, "".join(kept))


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
