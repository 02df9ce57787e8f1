"""The logger. What it raises becomes a warning of the training, which goes on."""

import csv
from collections.abc import Mapping
from typing import Any

from ganzoo.plugin import hookimpl


class CSVLogger:
    """Methods with the names of lifecycle hooks are called while a training runs; ``run.path`` is its directory."""

    @hookimpl
    def ganzoo_step_logged(self, run: Any, record: Mapping[str, Any]) -> None:
        path = run.path / "numbers.csv"
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            if new:
                lines.writerow(("step", "images", "name", "value"))
            for name, value in record.items():
                if isinstance(value, int | float) and name not in ("step", "images"):
                    lines.writerow((record["step"], record["images"], name, value))
