"""Samples as the .npz file that evaluators elsewhere read."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ganzoo.data.resize import convert_channels
from ganzoo.errors import UsageError
from ganzoo.models.variant import Variant
from ganzoo.report.pictures import drawn
from ganzoo.runtime.files import replace_file


def save_npz(
    path: Path, variant: Variant, batches: Iterable[Tensor], count: int, labels: Sequence[int] | None = None
) -> None:
    """Write ``arr_0``, uint8 [N, H, W, 3], and with labels ``arr_1``, int64 [N], uncompressed.

    The evaluator of arXiv:2105.05233 (guided-diffusion's ``evaluator.py``) reads this layout. Grey images get three
    equal channels, and RGBA is laid on white, because its features are of RGB.

    Args:
        batches: samples as the variant's generator makes them, ``count`` in all.

    Raises:
        UsageError: samples that are no images.
        RunError: the file cannot be written.
    """
    if variant.data.kind != "images":
        raise UsageError(f"{path}: .npz holds images; {variant.data.kind} are written as .npy.")
    pixels: Any = None
    done = 0
    for samples in batches:
        part = convert_channels(drawn(variant, samples), 3).permute(0, 2, 3, 1).cpu().numpy()
        if pixels is None:
            pixels = np.empty((count, *part.shape[1:]), np.uint8)
        pixels[done : done + len(part)] = part
        done += len(part)
    arrays: dict[str, Any] = {"arr_0": pixels}
    if labels is not None:
        arrays["arr_1"] = np.asarray(labels, np.int64)

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:  # savez would add an ending to a name
            np.savez(file, **arrays)

    replace_file(path, write)
