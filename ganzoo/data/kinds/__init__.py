"""Kinds of samples, a module each: how they are drawn, heard, seen from all sides, and written to files.

images      [N, C, H, W] in [-1, 1]
points      [N, D]
waves       [N, C, L] in [-1, 1]
voxels      [N, C, D, H, W] in [-1, 1]; above 0 is solid
sequences   [N, L] or [N, L, F]; notes [N, L, 4]
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, to_uint8
from ganzoo.data.kinds.notes import write_midi
from ganzoo.data.kinds.points import scatter
from ganzoo.data.kinds.sequences import draw_sequences, hear_sequences
from ganzoo.data.kinds.voxels import SIDES, draw_voxels, write_obj
from ganzoo.data.kinds.waves import draw_waves, one_after_another, sample_rate, write_wav
from ganzoo.errors import PluginError
from ganzoo.runtime.files import replace_file

Writer = Callable[[Tensor, Path, DataInfo], None]
"""Writes samples to a file."""
Sound = tuple[Tensor, int]
"""Waves [N, C, L] in [-1, 1], and their sample rate in Hz."""


@dataclass(frozen=True)
class Kind:
    """What can be done with samples of a kind.

    Attributes:
        draw: samples as pictures, uint8 [N, C, H, W]; a kind may draw all samples as one picture.
        writers: beside ``.npy``, by the ending of the file.
        sound: samples as they are heard; None where they make no sound.
        sides: how many sides they can be seen from, evenly around; 1 for what is flat.
        view: samples as pictures, seen from a side, 0 to ``sides - 1``, or from between two.
        in_time: the steps of walks, [R, S, *shape], as one sample for each walk; None where samples do not last.
    """

    draw: Callable[[Tensor, DataInfo], Tensor]
    writers: Mapping[str, Writer] = field(default_factory=dict)
    sound: Callable[[Tensor, DataInfo], Sound | None] | None = None
    sides: int = 1
    view: Callable[[Tensor, DataInfo, float], Tensor] | None = None
    in_time: Callable[[Tensor], Tensor] | None = None


KINDS: dict[str, Kind] = {
    "images": Kind(lambda images, info: images if images.dtype == torch.uint8 else to_uint8(images)),
    "points": Kind(lambda points, info: scatter(points)),
    "waves": Kind(
        lambda waves, info: draw_waves(waves, sample_rate(info)),
        writers={".wav": write_wav},
        sound=lambda waves, info: (waves, sample_rate(info)),
        in_time=one_after_another,
    ),
    "voxels": Kind(
        lambda voxels, info: draw_voxels(voxels),
        writers={".obj": write_obj},
        sides=SIDES,
        view=lambda voxels, info, side: draw_voxels(voxels, side),
    ),
    "sequences": Kind(draw_sequences, writers={".mid": write_midi}, sound=hear_sequences),
}


def render(samples: Tensor, info: DataInfo) -> Tensor:
    """Samples as pictures, uint8 [N, C, H, W]; points as one picture [1, 1, S, S] of all of them.

    Raises:
        PluginError: a kind that ganzoo does not know; its variant must implement ``render()``.
    """
    if info.kind not in KINDS:
        raise PluginError(f"samples of kind {info.kind!r} cannot be drawn: the variant must implement render(samples).")
    return KINDS[info.kind].draw(samples, info)


def sound_of(samples: Tensor, info: DataInfo) -> Sound | None:
    """Samples as they are heard; None where their kind makes no sound."""
    kind = KINDS.get(info.kind)
    return None if kind is None or kind.sound is None else kind.sound(samples, info)


def in_time(kind: str, suffix: str) -> Callable[[Tensor], Tensor] | None:
    """What joins the steps of a walk, where a file of this ending holds samples that last; None where it does not."""
    found = KINDS.get(kind)
    return found.in_time if found and suffix in found.writers else None


def sides_of(info: DataInfo) -> int:
    """How many sides samples can be seen from; 1 for what is flat."""
    kind = KINDS.get(info.kind)
    return 1 if kind is None else kind.sides


def view(samples: Tensor, info: DataInfo, side: float) -> Tensor:
    """Samples as pictures, uint8 [N, C, H, W], from a side, 0 to ``sides_of(info) - 1``, or from between two."""
    kind = KINDS.get(info.kind)
    return render(samples, info) if kind is None or kind.view is None else kind.view(samples, info, side)


def write_array(samples: Tensor, path: Path, info: DataInfo) -> None:
    """All samples as one NumPy array, float32 [N, *shape]."""
    replace_file(path, lambda temporary: temporary.write_bytes(as_npy(samples)))


def as_npy(samples: Tensor) -> bytes:
    """The content of a ``.npy`` file."""
    out = io.BytesIO()
    np.save(out, samples.cpu().numpy(), allow_pickle=False)
    return out.getvalue()


def writers(kind: str) -> dict[str, Writer]:
    """What samples of a kind can be written to, beside pictures, by the ending of the file."""
    return {".npy": write_array, **(KINDS[kind].writers if kind in KINDS else {})}
