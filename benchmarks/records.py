"""Records of measurements as JSON files."""

import json
from pathlib import Path
from typing import Any


def short(value: Any) -> Any:
    """Paths without the folders above them, which are no one else's."""
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
