"""What loggers have in common: names for the numbers of a line of the history, settings as plain values, pictures."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.config.settings import RunConfig
from ganzoo.registry.registry import registry

POSITION = ("step", "images", "stage", "seconds", "warnings")
"""What a line of the history holds beside logged values and metrics."""


def numbers(record: Mapping[str, Any], before: int) -> dict[str, float]:
    """The numbers of a line of the history, as ``train/NAME``, ``metrics/NAME`` and ``speed/images per second``.

    Args:
        before: images that had been seen at the line before.
    """
    found: dict[str, float] = {}
    for name, value in record.items():
        if name not in POSITION and isinstance(value, int | float):
            group = "metrics" if name.split(" ")[0].partition("@")[0] in registry().metrics else "train"
            found[f"{group}/{name}"] = float(value)
    if seconds := record.get("seconds"):
        found["speed/images per second"] = (record["images"] - before) / seconds
    return found


def settings(config: RunConfig) -> dict[str, Any]:
    """The settings of a run in one table: those of the variant and the tricks by their own names."""
    plain = dataclasses.asdict(config)
    return {**plain.pop("options"), **plain.pop("tricks"), **plain}


def pixels(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture of samples as uint8 [H, W, 3 or 4]."""
    with Image.open(path, formats=["PNG"]) as picture:
        return np.asarray(picture if picture.mode == "RGBA" else picture.convert("RGB"))
