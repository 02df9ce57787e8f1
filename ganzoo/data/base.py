"""The form that data takes between its files and the training step.

A dataset module returns a :class:`Dataset`; :mod:`ganzoo.data.sampler` draws batches from it in an order that is a
function of the seed and of the number of images seen, so that a resumed run continues with the very next image.
"""

import dataclasses
import hashlib
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from ganzoo.data.progress import Progress, silent
from ganzoo.errors import DataError, UsageError, printable
from ganzoo.registry.specs import SECOND

__all__ = [
    "DataInfo", "DataRequest", "DataWarning", "Dataset", "MemorySource", "Progress", "Source",
    "check_images", "digest", "silent", "to_uint8", "to_unit",
]  # fmt: skip


class DataWarning(UserWarning):
    """Data that is used, but not as a user may expect: files passed over, a set shorter than published."""


@dataclass(frozen=True)
class DataRequest:
    """What a dataset's ``load`` function is asked for.

    Attributes:
        name: the data set as typed, without what follows a colon.
        argument: what followed the colon (``folder:PATH`` -> ``PATH``); empty for most.
        root: the data root folder (``GANZOO_DATA``).
        split: ``"train"``, ``"test"`` ...; one of the spec's splits.
        resolution: side in pixels that images are scaled and cropped to; None: as published.
        channels: 1 (grey), 3 (RGB) or, of image files, 4 (RGBA); None: as published.
        background: what transparency of image files is laid on: white, black or #rrggbb.
        levels: the value that is white in image files of more than 8 bits; None: 65535, and floats are refused.
        labels_from: path of a CSV file that says the classes or attributes of a folder's images; empty: none.
        crop: side of square crops at random places, instead of scaling (folders only); None: no crops.
        length: samples of a wave; None: as the data set has them.
        sample_rate: of waves, in Hz; None: as the data set has them.
        seed: for data that is drawn on the spot.
        memory: bytes that decoded images may occupy before they are streamed from disk instead.
        progress: told about long preparations.
    """

    name: str
    root: Path
    argument: str = ""
    split: str = "train"
    resolution: int | None = None
    channels: Literal[1, 3, 4] | None = None
    background: str = "white"
    levels: float | None = None
    labels_from: str = ""
    crop: int | None = None
    length: int | None = None
    sample_rate: int | None = None
    seed: int = 0
    memory: int = 4 * 2**30
    progress: Progress = silent


@dataclass(frozen=True)
class DataInfo:
    """What a variant must know about its data to build networks; saved in every run and every exported network.

    Attributes:
        name: as typed (``mnist``, ``folder:photos``).
        kind: ``"images"``, ``"points"``, ``"waves"``, ``"voxels"``, ``"sequences"``, or a name of a plugin's.
        shape: of a sample: (C, H, W) of an image, (D,) of a point, (C, L) of a wave, (C, D, H, W) of voxels.
        classes: names of the classes; empty when unlabelled.
        count: number of samples in the split.
        split: the split that was loaded.
        digest: SHA-256 over all fields as loaded (for streamed data: over names and sizes of the files).
        fields: names of the fields.
        extra: more that networks need, as plain values: length of an embedding, sample rate, vocabulary ...
        second: the same of the second, unpaired set, where there is one.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    count: int = 0
    split: str = "train"
    digest: str = ""
    fields: tuple[str, ...] = ("images",)
    extra: Mapping[str, Any] = field(default_factory=dict)
    second: "DataInfo | None" = None

    @property
    def labelled(self) -> bool:
        return bool(self.classes)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "DataInfo":
        """From what :func:`dataclasses.asdict` gave, after a detour over JSON.

        Raises:
            TypeError, KeyError, AttributeError: something else, or samples larger than any can be.
        """
        tuples = {name: tuple(plain[name]) for name in ("shape", "classes", "fields")}
        second = None if plain.get("second") is None else cls.from_plain(plain["second"])
        found = cls(**{**plain, **tuples, "second": second})
        sides = [side for side in found.shape if type(side) is int and side > 0]
        if len(sides) != len(found.shape) or not sides or math.prod(sides) > MOST_VALUES:
            raise TypeError(f"shape {found.shape}")
        texts = (found.name, found.kind, found.split, found.digest, *found.classes, *found.fields)
        if not all(isinstance(text, str) for text in texts) or type(found.count) is not int:
            raise TypeError("names of data, kind, classes or fields")
        if not isinstance(found.extra, Mapping):
            raise TypeError("extra")
        return found


KEPT = "kept"
"""In :attr:`DataInfo.extra`: of each class the number that it had before others were left out."""
MOST_VALUES = 2**31
"""Of one sample."""
SHARE = 0.5
"""How much of a GPU's free memory a data set may take; a larger one is sent over batch by batch."""


def free_memory(device: torch.device) -> float:
    """Bytes that are free on a GPU; on other devices samples are where they are already, or share its memory."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf


class Source(Protocol):
    """Samples by index: one tensor in memory, or files read from disk."""

    def __len__(self) -> int: ...

    def fetch(self, indices: Tensor) -> Tensor:
        """uint8 images [N, C, H, W] (0..255), or float32 samples of another kind, for int64 ``indices`` [N]."""
        ...

    def prefetch(self, indices: Tensor) -> None:
        """A hint that these indices come next; may be ignored."""
        ...

    def to(self, device: torch.device) -> "Source":
        """The same samples, where possible on ``device``."""
        ...

    def close(self) -> None:
        """Stop workers, close files."""
        ...


class MemorySource:
    """One tensor: uint8 images [N, C, H, W], or float32 samples of another kind; a batch is an index."""

    def __init__(self, samples: Tensor) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def fetch(self, indices: Tensor) -> Tensor:
        # Copies whole rows, where samples[indices] would copy one element after another.
        return self.samples.index_select(0, indices.to(self.samples.device, non_blocking=True))

    def prefetch(self, indices: Tensor) -> None:
        """Nothing to do: everything is in memory."""

    def to(self, device: torch.device) -> "MemorySource":
        """On the device if at most ``SHARE`` of its free memory is taken by that; else they stay where they are."""
        size = self.samples.numel() * self.samples.element_size()
        if device != self.samples.device and size > SHARE * free_memory(device):
            return self
        return MemorySource(self.samples.to(device))

    def close(self) -> None:
        """Nothing to close."""


class Dataset:
    """Samples with all that belongs to each of them, field by field.

    Args:
        info: what is to be known about them; its ``fields`` and ``second`` are filled in here.
        fields: by name, all of one length: a :class:`Source`, or a tensor. ``"images"`` are the samples, of whatever
            kind; ``"labels"`` int64 [N] their classes; ``"target"`` what they are to be turned into.
        second: a second, unpaired set; its fields are in a batch as ``second.NAME``.
        whole: the same split with all its classes, where some were left out (``-o only``, ``-o without``).

    Raises:
        DataError: no samples, or fields of different lengths.
    """

    def __init__(
        self,
        info: DataInfo,
        fields: Mapping[str, "Source | Tensor"],
        second: "Dataset | None" = None,
        whole: "Dataset | None" = None,
    ) -> None:
        if "images" not in fields:
            raise DataError(f"data set {info.name!r} has no field 'images', which holds the samples.")
        lengths = {name: len(values) for name, values in fields.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name}: {length:,}" for name, length in lengths.items())
            raise DataError(f"data set {info.name!r} has fields of different lengths ({said}).")
        # uint8 are images, which batches hold in [-1, 1]; other tensors are used as they are.
        self.fields: dict[str, Source | Tensor] = {
            name: MemorySource(values)
            if isinstance(values, Tensor) and (name == "images" or values.dtype == torch.uint8)
            else values
            for name, values in fields.items()
        }
        self.second, self.whole = second, whole
        names = (*fields, *(f"{SECOND}{name}" for name in (second.fields if second else ())))
        self.info: DataInfo = dataclasses.replace(info, fields=names, second=second.info if second else None)

    @property
    def source(self) -> "Source":
        """The samples."""
        found = self.fields["images"]
        assert not isinstance(found, Tensor), "the constructor wraps tensors"
        return found

    @property
    def labels(self) -> Tensor | None:
        """The class of each sample, int64 [N]; None where there are no classes."""
        found = self.fields.get("labels")
        return found if isinstance(found, Tensor) else None

    def fetch(self, name: str, indices: Tensor) -> Tensor:
        """The values of a field, of the second set too, as they are stored."""
        if name.startswith(SECOND):
            if self.second is None:
                raise DataError(f"data set {self.info.name!r} has no second set, and so no {name!r}.")
            return self.second.fetch(name.removeprefix(SECOND), indices)
        if name not in self.fields:
            raise DataError(f"data set {self.info.name!r} has no field {name!r}; it has {', '.join(self.info.fields)}.")
        found = self.fields[name]
        return found[indices.to(found.device)] if isinstance(found, Tensor) else found.fetch(indices)

    def examples(self, count: int) -> dict[str, Tensor]:
        """``count`` samples from all over the set, or all there are, as a batch holds them: images in [-1, 1], on the
        CPU."""
        number = min(count, len(self.source))
        indices = torch.arange(number) * len(self.source) // number
        found = {name: to_unit(self.fetch(name, indices).cpu()) for name in self.fields}
        if self.second:
            found |= {f"{SECOND}{name}": values for name, values in self.second.examples(count).items()}
        return found

    def close(self) -> None:
        """Stop workers, close files."""
        for values in self.fields.values():
            if not isinstance(values, Tensor):
                values.close()
        if self.second:
            self.second.close()


def digest(*tensors: Tensor | None) -> str:
    """SHA-256 over type, shape and bytes of tensors, as hex; None is left out."""
    return hashed(hashlib.sha256(), *tensors).hexdigest()


def hashed(total: "hashlib._Hash", *tensors: Tensor | None) -> "hashlib._Hash":
    """``total`` after type, shape and bytes of tensors; None is left out."""
    for tensor in (each for each in tensors if each is not None):
        total.update(f"{tensor.dtype} {tuple(tensor.shape)};".encode())
        # .numpy() is a view, and reshape(-1) lets an empty tensor through; nothing is copied.
        total.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total


def tell(text: str) -> None:
    """Warn of data that is used, but not as a user may expect."""
    warnings.warn(printable(text), DataWarning, stacklevel=3)


def to_unit(samples: Tensor) -> Tensor:
    """uint8 0..255 -> float32 [-1, 1]; other samples pass unchanged. Inverse of :func:`to_uint8`."""
    if samples.dtype != torch.uint8:
        return samples
    return samples.to(torch.float32).div_(127.5).sub_(1.0)


def to_uint8(images: Tensor) -> Tensor:
    """[-1, 1] -> uint8 0..255, rounded to nearest and clamped (the quantisation that FID is computed with)."""
    return images.detach().float().add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def check_images(images: Tensor, *shape: int | None) -> None:
    """Raise UsageError unless ``images`` are [N, *shape], uint8 or in [-1, 1]; None stands for any length from 1 on."""
    form = f"[N, {', '.join('CHW'[i] if side is None else str(side) for i, side in enumerate(shape))}]"
    needed = f"give a tensor {form}, uint8 (0 to 255) or of floats from -1 to 1."
    if not isinstance(images, Tensor):
        raise UsageError(f"images are a {type(images).__name__}: {needed}")
    about = f"images are {list(images.shape)} of {str(images.dtype).removeprefix('torch.')}"
    fits = images.dim() == 1 + len(shape) and all(a in (b, None) for a, b in zip(shape, images.shape[1:], strict=True))
    if not fits or not images.numel() or not (images.dtype == torch.uint8 or images.is_floating_point()):
        raise UsageError(f"{about}: {needed}")
    if images.dtype != torch.uint8 and not bool(images.abs().max() <= 1):  # not a number, and it is False too
        raise UsageError(f"{about} from {float(images.min()):g} to {float(images.max()):g}: {needed}")
