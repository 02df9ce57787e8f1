"""Draws the pictures of the documentation that come from data alone; the others come from `ganzoo sample`.

python docs/pictures.py
"""

from pathlib import Path

import torch

from ganzoo.data.base import DataRequest, to_unit
from ganzoo.data.sources import glyphs
from ganzoo.data.store import data_root
from ganzoo.registry.registry import registry
from ganzoo.report.pictures import save_picture

IMAGES = Path(__file__).parent / "images"
COLUMNS = 12


def save_fields(name: str, *fields: str) -> None:
    """Samples from all over the test split of a data set, a row for each field."""
    found = registry().datasets.load(name)(DataRequest(name=name, root=data_root(), split="test"))
    examples = found.examples(COLUMNS)
    rows = [examples[field].expand(-1, 3, -1, -1) for field in fields]
    save_picture(IMAGES / f"{name}.png", torch.cat(rows), COLUMNS)


if __name__ == "__main__":
    digits = glyphs.load(DataRequest(name="glyphs", root=Path(), resolution=32, channels=3))
    save_picture(IMAGES / "glyphs.png", to_unit(digits.source.fetch(torch.arange(40))), 10)
    save_fields("shapes", "images", "target", "mask")
    save_fields("openmoji", "images", "target")
    save_fields("earth", "images", "target")
