"""``cells``: photographs of solar cells under current (electroluminescence), most of them functional, some defective.

2,624 grey images of 300x300 pixels from the package elpv-dataset. Experts gave each cell a probability of being
defective: 0, 1/3, 2/3 or 1. Above 0.5 its class is ``defective``.

The training split holds functional cells alone, for methods that learn what is normal. The test split holds all
defective cells and a fifth of the functional ones, chosen by a hash of their file names.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.packages.installed import file_of, require
from ganzoo.data.resize import check_request, image_dataset
from ganzoo.data.specs import own_spec
from ganzoo.errors import DataError

TEST_SHARE = 5
"""One of so many functional cells is in the test split."""
LIMIT = 0.5
SIDE = 300


def load(request: DataRequest) -> Dataset:
    """Cells with their classes, grey, by default of 300x300.

    Raises:
        DataMissingError: the package is not installed.
        DataError: its table of labels is another one, or an image is of another size.
    """
    spec = own_spec(request.name)
    check_request(request, spec)
    require(spec)
    folder = file_of("elpv-dataset", "elpv_dataset/data")
    chosen = [row for row in rows(folder / "labels.csv") if in_test(*row) == (request.split == "test")]
    images = torch.empty((len(chosen), 1, SIDE, SIDE), dtype=torch.uint8)
    for i, (name, _) in enumerate(chosen):
        with Image.open(folder / name) as image:
            if image.size != (SIDE, SIDE):
                raise DataError(f"{folder / name} has {image.size[0]}x{image.size[1]} pixels, not {SIDE}x{SIDE}.")
            images[i, 0] = torch.from_numpy(np.array(image.convert("L")))
        if i % 64 == 63 or i + 1 == len(chosen):
            request.progress("reading cells", i + 1, len(chosen))
    labels = torch.tensor([int(defective) for _, defective in chosen])
    return image_dataset(request, images, labels, spec.classes or ())


def rows(table: Path) -> list[tuple[str, bool]]:
    """File name of each cell, and whether it is defective.

    Raises:
        DataError: a line of another form.
    """
    found = []
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        try:
            name, probability, _ = line.split()
            found.append((name, float(probability) > LIMIT))
        except ValueError as error:
            raise DataError(f"{table}, line {number}: a name, a probability and a type were expected.") from error
    return found


def in_test(name: str, defective: bool) -> bool:
    """Whether a cell is in the test split."""
    return defective or int(hashlib.sha256(Path(name).name.encode()).hexdigest(), 16) % TEST_SHARE == 0
