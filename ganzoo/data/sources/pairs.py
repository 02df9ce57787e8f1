"""``pairs:PATH`` and ``unpaired:PATH``: two pictures that belong together, and two sets that do not.

Pairs lie in folders ``A`` and ``B`` with equal names, or side by side in one file, A at the left. Unpaired sets lie in
folders ``A`` and ``B``. Splits are folders around them (``train/A``, ``test/A``) or part of their names (``trainA``,
``testA``); without any, everything is the training split. ``val`` stands for ``test`` where there is none.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.decode import Part, decoder_for, stored_shape
from ganzoo.data.resize import check_request
from ganzoo.data.sources.crops import crop_dataset
from ganzoo.data.sources.folder import DEFAULT_RESOLUTION, file_dataset, open_folder
from ganzoo.data.sources.splits import SPLITS, split_folder
from ganzoo.data.specs import own_spec
from ganzoo.errors import DataError, SplitMissingError, UsageError

SIDES = ("A", "B")
HALVES: tuple[Part, Part] = ("left", "right")
SHOWN = 3
"""Files named in a message."""


def load_pairs(request: DataRequest) -> Dataset:
    """Fields ``images`` (A) and ``target`` (B), scaled and cropped alike, by default to 64x64 in RGB.

    Raises:
        UsageError: no path was given.
        DataError: no such folder or split, a file without a partner, or files that cannot be read or decoded.
    """
    check_request(request, own_spec("pairs"))
    request = replace(request, memory=request.memory // 2)  # the two sides share what there is
    top = root_of(request)
    folders = side_folders(top, request.split)
    if folders:
        files = partners(images_of(folders[0]), images_of(folders[1]), *folders)
        check_sizes(folders, files)
        parts = [part_of(request, folder, own) for folder, own in zip(folders, files, strict=True)]
    else:
        folder = split_folder(top, request.split) or top
        if folder == top and request.split != "train":
            raise no_split(request)
        own = images_of(folder)
        check_halves(folder, own)
        parts = [part_of(request, folder, own, side) for side in HALVES]
    images, target = parts
    info = replace(
        images.info,
        name=f"pairs:{request.argument}",
        digest=f"{images.info.digest[:32]}{target.info.digest[:32]}",
        extra={"target_shape": list(target.info.shape)},
    )
    return Dataset(info, {"images": images.source, "target": target.source})


def load_unpaired(request: DataRequest) -> Dataset:
    """Field ``images`` (A), and B as the second set. Raises as :func:`load_pairs`."""
    check_request(request, own_spec("unpaired"))
    request = replace(request, memory=request.memory // 2)
    top = root_of(request)
    folders = side_folders(top, request.split)
    if not folders:
        if request.split != "train" and side_folders(top, "train"):
            raise no_split(request)
        raise DataError(f"{top} has no folders A and B of images: unpaired:PATH takes a folder with both in it.")
    parts = [part_of(request, folder, images_of(folder)) for folder in folders]
    infos = [
        replace(part.info, name=f"unpaired:{request.argument}{'' if side == 'A' else ' (B)'}")
        for part, side in zip(parts, SIDES, strict=True)
    ]
    return Dataset(infos[0], parts[0].fields, Dataset(infos[1], parts[1].fields))


def root_of(request: DataRequest) -> Path:
    """The folder that was named.

    Raises:
        UsageError: none was.
        DataError: it does not exist.
    """
    if not request.argument:
        raise UsageError(f"{request.name!r} needs the path of a folder: {request.name}:PATH.")
    top = Path(request.argument).expanduser()
    if not top.is_dir():
        what = "is a file, not a folder" if top.exists() else "does not exist"
        raise DataError(f"the folder {top} {what}. Give it as {request.name}:PATH.")
    return top


def no_split(request: DataRequest) -> SplitMissingError:
    """The error for a folder without the split that was requested."""
    return SplitMissingError(f"{request.name}:{request.argument} has no split {request.split!r}.")


def side_folders(top: Path, split: str) -> tuple[Path, Path] | None:
    """The folders A and B of a split, both in one place; None where there are none.

    Raises:
        DataError: one of them is there without the other.
    """
    forms = [f"{name}/{{}}" for name in SPLITS[split]] + [f"{name}{{}}" for name in SPLITS[split]]
    for form in [*forms, "{}"] if split == "train" else forms:
        a, b = (top / form.format(side) for side in SIDES)
        if a.is_dir() and b.is_dir():
            return a, b
        if a.is_dir() or b.is_dir():
            here, missing = (a, b) if a.is_dir() else (b, a)
            raise DataError(f"{here} has no {missing.name} beside it: {missing} is missing.")
    return None


def images_of(folder: Path) -> list[Path]:
    """The images below a folder, relative to it; two at least. Raises as ``open_folder``."""
    return open_folder(str(folder))[1].images


def partners(first: Sequence[Path], second: Sequence[Path], a: Path, b: Path) -> tuple[list[Path], list[Path]]:
    """The files of both folders in the same order: each beside the one of the same name, ending aside.

    Raises:
        DataError: some have no partner, or two files of a folder differ in their ending only.
    """
    found = []
    for paths, folder in ((first, a), (second, b)):
        by_name: dict[str, Path] = {}
        for path in paths:
            if (twin := by_name.setdefault(path.with_suffix("").as_posix(), path)) != path:
                raise DataError(
                    f"{folder}: {twin} and {path} differ in their ending only: which one is meant is not clear."
                )
        found.append(by_name)
    for own, other, folder in ((found[0], found[1], b), (found[1], found[0], a)):
        if alone := sorted(own.keys() - other.keys()):
            said = ", ".join(alone[:SHOWN]) + (", ..." if len(alone) > SHOWN else "")
            raise DataError(f"{folder} has no partner for {len(alone):,} of the images: {said}.")
    names = sorted(found[0])
    return [found[0][name] for name in names], [found[1][name] for name in names]


def check_sizes(folders: tuple[Path, Path], files: tuple[list[Path], list[Path]]) -> None:
    """Both pictures of a pair must be of one size: otherwise the same crop is not the same place.

    Raises:
        DataError: the first pair that differs.
    """
    for own, other in zip(*files, strict=True):
        sides = [stored_shape(folder / file)[1:] for folder, file in zip(folders, (own, other), strict=True)]
        if sides[0] != sides[1]:
            said = " and ".join(f"{width}x{height}" for height, width in sides)
            raise DataError(f"{folders[0] / own} and {folders[1] / other} are of {said}: pairs must be of one size.")


def check_halves(folder: Path, files: Sequence[Path]) -> None:
    """Raise DataError for a file that cannot be cut into two equal halves; only its header is read."""
    for file in files:
        if (width := stored_shape(folder / file)[2]) % 2:
            raise DataError(f"{folder / file} is {width} pixels wide, which cannot be two pictures side by side.")


def part_of(request: DataRequest, folder: Path, files: Sequence[Path], part: Part = "whole") -> Dataset:
    """One side of the pairs as a data set of its own; the same index gives the same crop on both sides."""
    if request.crop is not None:
        return crop_dataset(request, str(folder), folder, files, part)
    side = request.resolution or DEFAULT_RESOLUTION
    decoder = decoder_for(request, side, side, part)
    return file_dataset(request, str(folder), folder, files, decoder)
