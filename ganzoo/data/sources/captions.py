"""Captions of a folder's images, from ``captions.csv`` in it: a line ``file,caption``, then a row for each caption.

An image may have several captions: each is a sample of its own, with the same image. Names are relative to the folder,
or without their folders where no two images share a name. Beside ``train`` and ``test`` the file is of both; one in a
split is of that split alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, Source, tell
from ganzoo.data.derived.chosen import Chosen
from ganzoo.data.sources.labels import content_of, names_of, places_of, table_of
from ganzoo.data.texts import LONGEST, cut, facts, plain_text, to_rows, words_in
from ganzoo.errors import DataError

CAPTIONS = "captions.csv"
LEAST = 32
"""Bytes of a row of text, so that more than very short captions can be asked for."""


@dataclass(frozen=True)
class Captions:
    """What a file says of the images of a folder.

    Attributes:
        path: of the file.
        texts: of each image, by its path relative to the folder of the file.
        length: bytes of the longest text, ``LEAST`` at least.
        sha256: of the file.
    """

    path: Path
    texts: dict[Path, list[str]]
    length: int
    sha256: str


def read_captions(folder: Path, images: Sequence[Path]) -> Captions | None:
    """The captions of images, paths relative to the folder; None where it has no ``captions.csv``.

    Captions that are longer than ``LONGEST`` bytes are cut, and rows for files that are not there are passed over; both
    are told of.

    Raises:
        DataError: the file cannot be read, or is no CSV file of this form; a caption without a word.
    """
    path = folder / CAPTIONS
    if not path.exists() and not path.is_symlink():
        return None
    content = content_of(path)
    header, body = table_of(path, content, "captions", "file,caption")
    if len(header) != 2:
        raise DataError(f"{path}: line 1 has {len(header)} columns: it must have two, file and caption.")
    places = places_of(images)
    if header[0].replace("\\", "/") in places:
        raise DataError(f"{path}: line 1 names an image: the first line must name the columns, file,caption.")
    texts: dict[Path, list[str]] = {}
    unknown: list[str] = []
    unclear: list[str] = []
    long: list[str] = []
    for name, caption in body:
        key, text = name.strip().replace("\\", "/").removeprefix("./"), plain_text(caption).replace("\0", "")
        image = places.get(key)
        if key not in places:
            unknown.append(name)
        elif image is None:
            unclear.append(name)
        elif not words_in(text):
            raise DataError(f"{path}: a caption of {name} holds no word: {caption!r}.")
        else:
            short = cut(text, LONGEST)
            long += [name] if short != text else []
            texts.setdefault(image, []).append(short)
    if unclear:
        said = f"{len(unclear):,} names that several images have: {names_of(unclear)}"
        raise DataError(f"{path} has {said}. Write them with folders.")
    if unknown:
        tell(f"{path} names {len(unknown):,} files that are not there, which are passed over: {names_of(unknown)}.")
    if long:
        tell(f"{path}: {len(long):,} captions have more than {LONGEST} bytes and are cut: {names_of(long)}.")
    length = max(LEAST, *(len(text.encode()) for several in texts.values() for text in several), 0)
    return Captions(path, texts, length, hashlib.sha256(content).hexdigest())


def with_captions(data: Dataset, captions: Captions, images: Sequence[Path]) -> Dataset:
    """A data set with the field ``text``, int64 [N, L]: a sample is an image with one of its captions.

    Args:
        images: of the data set, in its order, relative to the folder of the file.

    Raises:
        DataError: an image has none.
    """
    if bare := [image.as_posix() for image in images if image not in captions.texts]:
        said = f"{len(bare):,} of {len(images):,} images: {names_of(bare)}"
        raise DataError(f"{captions.path} has no caption for {said}. Add them, or move the images away.")
    texts = [text for image in images for text in captions.texts[image]]
    number = torch.tensor([i for i, image in enumerate(images) for _ in captions.texts[image]])
    fields = data.fields
    if len(texts) > len(images):
        fields = {name: repeated(values, number) for name, values in fields.items()}
    extra = {**data.info.extra, **facts(texts, captions.length)}
    checksum = hashlib.sha256(f"{data.info.digest} captions {captions.sha256}".encode()).hexdigest()
    info = replace(data.info, count=len(texts), digest=checksum, extra=extra)
    return Dataset(info, {**fields, "text": to_rows(texts, captions.length)})


def repeated(values: Source | Tensor, indices: Tensor) -> Source | Tensor:
    """The values of images that stand there several times; images themselves are not copied."""
    return values[indices] if isinstance(values, Tensor) else Chosen(values, indices)
