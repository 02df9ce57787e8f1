"""The history of a run as ``scalars.jsonl``: the first user of the lifecycle hooks."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RunError
from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.run import Run

SCALARS = "scalars.jsonl"


@hookimpl
def ganzoo_run_started(run: "Run") -> None:
    """A resumed run repeats the steps after its checkpoint: their old lines go."""
    path = run.path / SCALARS
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= run.step]
        path.write_text("".join(kept), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error


@hookimpl
def ganzoo_step_logged(run: "Run", record: Mapping[str, Any]) -> None:
    """Append one line."""
    path = run.path / SCALARS
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(dict(record)) + "\n")
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}. Free some space and resume.") from error
