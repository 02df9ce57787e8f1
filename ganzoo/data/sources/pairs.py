"""``pairs:PATH`` and ``unpaired:PATH``: two pictures that belong together, and two sets that do not.

Pairs lie in folders ``A`` and ``B`` with equal names, or side by side in one file, A at the left. Unpaired sets lie in
folders ``A`` and ``B``. Splits are folders around them (``train/A``, ``test/A``) or part of their names (``trainA``,
``testA``); without any, everything is the training split. ``val`` stands for ``test`` where there is none.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.decode import Decoder
from ganzoo.data.resize import check_request
from ganzoo.data.sources.crops import crop_dataset
from ganzoo.data.sources.folder import DEFAULT_RESOLUTION, file_dataset, open_folder
from ganzoo.data.specs import own_spec
from ganzoo.errors import DataError, SplitMissingError, UsageError

SIDES = ("A", "B")
SHOWN = 3
"""Files named in a message."""
SPLITS = {"train": ("train",), "test": ("test", "val")}


def load_pairs(request: DataRequest) -> Dataset:
    """Fields ``images`` (A) and ``target`` (B), scaled and cropped alike, by default to 64x64 in RGB.

    Raises:
        UsageError: no path was given.
        DataError: no such folder or split, a file without a partner, or files that cannot be read or decoded.
    """
    check_request(request, own_spec("pairs"))
    top = root_of(request)
    folders = [side_folder(top, request.split, side) for side in SIDES]
    if all(folders):
        first, second = (images_of(folder) for folder in folders if folder)
        check_partners(first, second, *(folder for folder in folders if folder))
        parts = [
            part_of(request, folder, files, Decoder)
            for folder, files in zip(folders, (first, second), strict=True)
            if folder
        ]
    else:
        folder = split_folder(top, request.split) or top
        if folder == top and request.split != "train":
            raise no_split(request)
        files = images_of(folder)
        parts = [part_of(request, folder, files, Decoder, side) for side in ("left", "right")]
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
    top = root_of(request)
    folders = [side_folder(top, request.split, side) for side in SIDES]
    if not all(folders):
        if request.split != "train" and side_folder(top, "train", "A"):
            raise no_split(request)
        missing = next(side for side, folder in zip(SIDES, folders, strict=True) if not folder)
        raise DataError(f"{top} has no folder {missing} of images: unpaired:PATH takes a folder with A and B in it.")
    parts = [part_of(request, folder, images_of(folder), Decoder) for folder in folders if folder]
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
    """The error for a folder without the split that was asked for."""
    return SplitMissingError(f"{request.name}:{request.argument} has no split {request.split!r}.")


def split_folder(top: Path, split: str) -> Path | None:
    """The folder of a split, or None."""
    return next((top / name for name in SPLITS[split] if (top / name).is_dir()), None)


def side_folder(top: Path, split: str, side: str) -> Path | None:
    """The folder of one side of a split, or None. The sides alone are the training split."""
    names = [f"{name}/{side}" for name in SPLITS[split]] + [f"{name}{side}" for name in SPLITS[split]]
    if split == "train":
        names.append(side)
    return next((top / name for name in names if (top / name).is_dir()), None)


def images_of(folder: Path) -> list[Path]:
    """The images below a folder, relative to it; two at least. Raises as ``open_folder``."""
    return open_folder(str(folder))[1].images


def check_partners(first: Sequence[Path], second: Sequence[Path], a: Path, b: Path) -> None:
    """Every file of one folder must have one of the same name, ending aside, in the other.

    Raises:
        DataError: some have none.
    """
    names = [[path.with_suffix("").as_posix() for path in paths] for paths in (first, second)]
    for own, other, folder in ((names[0], names[1], b), (names[1], names[0], a)):
        if alone := sorted(set(own) - set(other)):
            said = ", ".join(alone[:SHOWN]) + (", ..." if len(alone) > SHOWN else "")
            raise DataError(f"{folder} has no partner for {len(alone):,} of the images: {said}.")
    if len(first) != len(second):
        raise DataError(
            f"{a} and {b} hold {len(first):,} and {len(second):,} images: some differ in their ending only."
        )


def part_of(
    request: DataRequest, folder: Path, files: Sequence[Path], decoder: type[Decoder], part: str = "whole"
) -> Dataset:
    """One side of the pairs as a data set of its own; the same index gives the same crop on both sides."""
    if request.crop is not None:
        return crop_dataset(request, str(folder), folder, files, part)  # type: ignore[arg-type]  # a literal by then
    side = request.resolution or DEFAULT_RESOLUTION
    made = decoder(request.channels or 3, side, side, part)  # type: ignore[arg-type]  # as above
    return file_dataset(request, str(folder), folder, files, made)
