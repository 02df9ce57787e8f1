"""Draws the pictures of the documentation that come from data alone; the others come from `ganzoo sample`.

python docs/pictures.py
"""

from pathlib import Path

import torch

from ganzoo.data.base import DataRequest, to_unit
from ganzoo.data.sources import glyphs
from ganzoo.report.pictures import save_picture

if __name__ == "__main__":
    digits = glyphs.load(DataRequest(name="glyphs", root=Path(), resolution=32, channels=3))
    save_picture(Path(__file__).parent / "images" / "glyphs.png", to_unit(digits.source.fetch(torch.arange(40))), 10)
