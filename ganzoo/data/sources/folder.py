"""``folder:PATH``: any folder of images, or an archive of one.

Two or more immediate subfolders that hold images are classes, in the order of their names; images are looked for at
any depth. With fewer, or with images beside the subfolders, the set is unlabelled. ``train`` beside ``test`` or ``val``
are no classes but splits, with classes in them. No file is skipped in silence: what is not named like an image is
counted in a warning, and what is named like one but cannot be decoded is an error. A file ``captions.csv`` in it has
texts of the images: see :mod:`ganzoo.data.sources.captions`.
"""

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, MemorySource, Source, digest, tell
from ganzoo.data.decode import Decoder, FileSource, check_all, decode_all, decoder_for
from ganzoo.data.images.facts import Census, remarks
from ganzoo.data.images.remember import Decoded, key_of, remembered
from ganzoo.data.progress import Progress, silent
from ganzoo.data.resize import check_request
from ganzoo.data.sources.archive import ENDINGS, is_archive, unpacked
from ganzoo.data.sources.captions import CAPTIONS, read_captions, with_captions
from ganzoo.data.sources.crops import crop_dataset
from ganzoo.data.sources.labels import read_labels
from ganzoo.data.sources.listing import EXTENSIONS, Listing, list_folder
from ganzoo.data.sources.splits import split_names
from ganzoo.data.specs import own_spec
from ganzoo.errors import ConfigError, DataError, SplitMissingError, UsageError, printable

DEFAULT_RESOLUTION = 64
MINIMUM = 2  # one image has no distribution to learn


def classes_of(images: Sequence[Path]) -> tuple[tuple[str, ...], Tensor | None]:
    """Class names and labels int64 [N] from relative paths; nothing and None when the folder has no classes."""
    if any(len(path.parts) == 1 for path in images):
        return (), None
    names = sorted({path.parts[0] for path in images})
    if len(names) < 2:
        return (), None
    number = {name: i for i, name in enumerate(names)}
    # Names are written to files, which must be UTF-8.
    return tuple(map(printable, names)), torch.tensor([number[path.parts[0]] for path in images])


def open_folder(
    argument: str,
    least: int = MINIMUM,
    root: Path | None = None,
    progress: Progress = silent,
    known: Collection[str] = (),
) -> tuple[Path, Listing]:
    """The folder and its listing; files that are not images are reported in a DataWarning.

    With ``root``, the data root, an archive is unpacked and taken as a folder. Files whose name is ``known`` are used
    by the caller, and not reported.

    Raises:
        UsageError: no path was given.
        DataError: no such folder, not a folder, or fewer than ``least`` images.
    """
    if not argument:
        raise UsageError("'folder' needs the path of a folder of images: folder:PATH.")
    folder = Path(argument).expanduser()
    if root is not None and is_archive(folder) and folder.is_file():
        folder = unpacked(folder, root, progress)
    if not folder.is_dir():
        what = f"is a file, no folder and no archive ({' '.join(ENDINGS)})" if folder.exists() else "does not exist"
        raise DataError(f"the folder {folder} {what}. Give the path of a folder of images as folder:PATH.")
    listing = list_folder(folder)
    if len(listing.images) < least:
        found = f"one image ({listing.images[0]})" if listing.images else "no images"
        beside = f" and {len(listing.ignored):,} other files" if listing.ignored else ""
        raise DataError(
            f"the folder {folder} holds {found}{beside}; at least {least} needed. Files count as images by "
            f"their extension: {' '.join(sorted(EXTENSIONS))}."
        )
    if others := [path for path in listing.ignored if path.name not in known]:
        count, names = len(others), listed(others)
        tell(f"{folder}: {count:,} entries are not images by their names and are passed over ({names}).")
    return folder, listing


@dataclass(frozen=True)
class Part:
    """What is used of a folder: ``images`` relative to ``folder``, and their classes.

    ``labels`` are int64 [N], or None when the folder has no classes. ``prefix`` is where it lies in the folder named.
    """

    folder: Path
    images: list[Path]
    classes: tuple[str, ...] = ()
    labels: Tensor | None = None
    prefix: str = ""


def part_of_folder(request: DataRequest, folder: Path, images: list[Path], word: str = "image") -> Part:
    """The split that is requested: of a folder without splits all images, which are then to train on.

    Args:
        word: for a file in it, in messages.

    Raises:
        SplitMissingError: the folder has no such split.
        DataError: fewer than two images in it, or classes of a test split that are not trained on.
    """
    names, beside = split_names(images)
    if not names:
        if request.split != "train":
            raise SplitMissingError(f"data set {request.name!r} has no split {request.split!r}: it has train.")
        if request.labels_from:
            return Part(folder, images)
        if beside:
            tell(f"{folder}: train and test are taken as classes, because {listed(beside)} lies beside them.")
        if any(len(path.parts) == 1 for path in images) and any(len(path.parts) > 1 for path in images):
            tell(f"{folder}: {word}s lie both beside and in subfolders, so the subfolders are not taken as classes.")
        classes, labels = classes_of(images)
        tell_singles(folder, classes, labels, word)
        return Part(folder, images, classes, labels)
    parts = {split: [Path(*p.parts[1:]) for p in images if p.parts[0] == name] for split, name in names.items()}
    own = parts[request.split]
    place = folder / names[request.split]
    unused = len(images) - sum(map(len, parts.values()))
    tell(
        f"{folder}: {names['train']} and {names['test']} are splits, not classes: {len(parts['train']):,} {word}s to "
        f"train on, {len(parts['test']):,} to test with" + (f", and {unused:,} in others not used." if unused else ".")
    )
    if len(own) < MINIMUM:
        raise DataError(f"{place} holds one {word} ({own[0]}); at least {MINIMUM} needed.")
    classes, labels = ((), None) if request.labels_from else classes_of(parts["train"])
    if request.split == "train":
        if not request.labels_from:
            tell_singles(place, classes, labels, word)
        return Part(place, own, classes, labels, names["train"])
    if not classes or any(len(path.parts) == 1 for path in own):
        return Part(place, own, prefix=names[request.split])
    if more := sorted({printable(path.parts[0]) for path in own} - set(classes)):
        raise DataError(f"{place} has classes that are not trained on: {listed(more)}. Move or rename them.")
    number = {name: i for i, name in enumerate(classes)}
    labels = torch.tensor([number[printable(path.parts[0])] for path in own])
    return Part(place, own, classes, labels, names[request.split])


def tell_singles(folder: Path, classes: Sequence[str], labels: Tensor | None, word: str = "image") -> None:
    """Say which classes have one file, of which nothing can be learned: maybe the folders are no classes."""
    if labels is None:
        return
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    single = [name for name, count in zip(classes, counts, strict=True) if count == 1]
    if single:
        tell(f"{folder}: {len(single):,} of {len(classes):,} classes have a single {word} ({listed(single)}).")


def listed(names: Sequence[object], most: int = 3) -> str:
    """The first few names, for a message."""
    return ", ".join(map(str, names[:most])) + (", ..." if len(names) > most else "")


def file_dataset(
    request: DataRequest,
    name: str,
    folder: Path,
    images: Sequence[Path],
    decoder: Decoder,
    labels: Tensor | None = None,
    classes: tuple[str, ...] = (),
) -> Dataset:
    """A Dataset of image files (relative to ``folder``): in memory when they fit ``request.memory``, else streamed.

    Raises:
        DataError: files that cannot be decoded; of streamed ones, those that can be told from their two ends.
    """

    def paths() -> list[Path]:
        return [folder / path for path in images]  # not needed when all is remembered, and it takes a while

    size = len(images) * math.prod(decoder.shape)
    source: Source
    if size <= request.memory:
        key = key_of(folder, images, repr(decoder))

        def decode() -> Decoded:
            samples, census = decode_all(paths(), decoder, folder, request.progress)
            return Decoded(census, samples)

        found = remembered(request.root, key, folder, decode, size)
        assert found.samples is not None, "the key is of decoded images"
        source = MemorySource(found.samples)
        checksum = digest(found.samples, labels)
    else:
        key = key_of(folder, images, f"checked for {decoder!r}")
        found = remembered(
            request.root, key, folder, lambda: Decoded(check_all(paths(), decoder, folder, request.progress)), 0
        )
        source, checksum = FileSource(paths(), decoder), files_digest(images, paths(), decoder)
    tell_of(request, folder, found.census, decoder)
    info = DataInfo(
        name=name,
        kind="images",
        shape=decoder.shape,
        classes=classes,
        count=len(images),
        split=request.split,
        digest=checksum,
    )
    return Dataset(info, {"images": source, **({} if labels is None else {"labels": labels})})


def tell_of(request: DataRequest, folder: Path, census: Census, decoder: Decoder) -> None:
    """Say in warnings what files hold that a user may not expect."""
    # One side of a pair may be grey and the other in colour, and the setting is of both.
    chosen = request.channels is not None or request.name != "folder"
    for text in remarks(census, decoder.channels, chosen, request.background, request.levels):
        tell(f"{folder}: {text}.")


def files_digest(images: Sequence[Path], paths: Sequence[Path], decoder: Decoder) -> str:
    """SHA-256 over names and sizes of files, the shape they are brought to, and settings that are not as usual."""
    total = hashlib.sha256(f"{decoder.shape};".encode())
    plain = Decoder(*decoder.shape)
    if (decoder.background, decoder.levels) != (plain.background, plain.levels):
        total.update(f"{decoder.background} {decoder.levels};".encode())
    for name, path in zip(images, paths, strict=True):
        total.update(f"{name.as_posix()}\0{path.stat().st_size}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def load(request: DataRequest) -> Dataset:
    """The images of a folder, by default at 64x64 in RGB (see :mod:`ganzoo.data.decode` for what is done to them).

    With a file ``captions.csv`` there is a field ``text``, int64 [N, L].

    Raises:
        UsageError: no path was given.
        SplitMissingError: the folder has no such split.
        DataError: no such folder, fewer than two images, files that cannot be read or decoded, labels or captions that
            do not fit.
    """
    check_request(request, own_spec("folder"))
    folder, listing = open_folder(request.argument, root=request.root, progress=request.progress, known=(CAPTIONS,))
    name, part = f"folder:{request.argument}", part_of_folder(request, folder, listing.images)
    if request.crop is not None:
        if request.labels_from:
            raise ConfigError(f"labels_from = {request.labels_from!r} does nothing: crops have no labels.")
        return crop_dataset(request, name, part.folder, part.images)
    data = labelled(request, name, part, listing.images)
    if (said := read_captions(part.folder, part.images)) is not None:
        return with_captions(data, said, part.images)
    if part.prefix and (said := read_captions(folder, listing.images)) is not None:
        return with_captions(data, said, [Path(part.prefix, image) for image in part.images])
    return data


def labelled(request: DataRequest, name: str, part: Part, images: Sequence[Path]) -> Dataset:
    """The images of a part of a folder, with classes or attributes.

    Args:
        images: all of the folder.
    """
    resolution = request.resolution or DEFAULT_RESOLUTION
    decoder = decoder_for(request, resolution, resolution)
    if not request.labels_from:
        return file_dataset(request, name, part.folder, part.images, decoder, part.labels, part.classes)
    said = read_labels(Path(request.labels_from).expanduser(), images)
    found = said.of([Path(part.prefix, image) for image in part.images])
    labels = None if said.attributes else found
    data = file_dataset(request, name, part.folder, part.images, decoder, labels, said.classes)
    if said.attributes:
        return with_attributes(data, said.attributes, found, said.sha256)
    if request.split == "train":
        tell_singles(part.folder, said.classes, labels)
    return Dataset(replace(data.info, digest=_with(data, said.sha256)), data.fields)


def with_attributes(data: Dataset, names: Sequence[str], values: Tensor, checksum: str) -> Dataset:
    """A data set with attributes beside its images.

    Args:
        values: 0 or 1 for each image and attribute, float32 [N, attributes].
        checksum: of where they come from.
    """
    extra = {**data.info.extra, "attributes": list(names)}
    info = replace(data.info, digest=_with(data, checksum), extra=extra)
    return Dataset(info, {**data.fields, "attributes": values})


def _with(data: Dataset, checksum: str) -> str:
    """The digest of a data set whose images are the same, with labels of this checksum."""
    return hashlib.sha256(f"{data.info.digest} labels {checksum}".encode()).hexdigest()
