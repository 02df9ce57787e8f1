"""What a record holds of a run, so that a figure can be repeated: settings, command, versions, hardware, measures."""

import json
from pathlib import Path
from typing import Any

from ganzoo.config.files import to_plain
from ganzoo.runs.run import Run
from ganzoo.runs.trained import open_run

KEPT = ("versions", "device", "hardware", "threads", "data", "started", "status", "step", "images")


def read(folder: Path) -> tuple[Run, list[dict[str, Any]]]:
    """The run and the lines of its history."""
    run = open_run(folder)
    lines = (folder / "scalars.jsonl").read_text(encoding="utf-8").splitlines()
    return run, [json.loads(line) for line in lines]


def describe(run: Run, history: list[dict[str, Any]], measures: tuple[str, ...]) -> dict[str, Any]:
    """A record of a run; ``measures`` are the beginnings of the names of what was measured while training."""
    found = [
        {key: value for key, value in line.items() if key in ("step", "stage") or key.startswith(measures)}
        for line in history
        if any(key.startswith(measures) for key in line)
    ]
    return short({
        **{key: run.details[key] for key in KEPT},
        "minutes": round(sum(line["seconds"] for line in history) / 60, 1),
        "command": " ".join(run.details["command"]).replace("__main__.py", "ganzoo", 1),
        "config": to_plain(run.config),
        "weights": "EMA" if run.config.ema_halflife else "raw",
        "warnings": run.details.get("warnings", []),
        "measured": found,
    })  # fmt: skip


def short(value: Any) -> Any:
    """Paths without the folders above them, which are nobody else's."""
    if isinstance(value, dict):
        return {key: short(part) for key, part in value.items()}
    if isinstance(value, list):
        return [short(part) for part in value]
    if isinstance(value, str):
        return " ".join(
            ",".join(part if "/" not in part else named(part) for part in word.split(",")) for word in value.split(" ")
        )
    return value


def named(path: str) -> str:
    """``folder:/a/b`` -> ``folder:b``, ``evaluate=/a/b`` -> ``evaluate=b``, ``/a/b`` -> ``b``."""
    for mark in (":", "="):
        before, found, after = path.partition(mark)
        if found and "/" in after and "/" not in before:
            return f"{before}{mark}{Path(after).name}"
    return Path(path).name


def write(path: Path, record: dict[str, Any]) -> None:
    """As JSON, with a line end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(path)
