"""Labels of a folder's images from a CSV file: a class for each image, or several attributes.

The first row names the columns, the first column holds file names: relative to the folder, or without their folders
where no two images share a name. Two columns: file and class. More: file and attributes, each 0 or 1, or -1 or 1. The
file is UTF-8; columns are separated by commas, semicolons or tabs, whichever the first row has.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data.base import tell
from ganzoo.errors import DataError

MOST = 2**30
"""Bytes that are read of a file of labels."""
SHOWN = 3
ATTRIBUTE = {"0": 0.0, "1": 1.0, "-1": 0.0, "0.0": 0.0, "1.0": 1.0, "-1.0": 0.0}


@dataclass(frozen=True)
class Labels:
    """What a file says of all images of a folder.

    Attributes:
        rows: of each image its class number, or its attributes.
        classes: names of the classes; empty where there are attributes.
        attributes: names of the attributes; empty where there are classes.
        sha256: of the file.
    """

    rows: dict[Path, int | list[float]]
    classes: tuple[str, ...]
    attributes: tuple[str, ...]
    sha256: str

    def of(self, images: Sequence[Path]) -> Tensor:
        """int64 [N] classes, or float32 [N, A] attributes of 0 and 1."""
        kind = torch.float32 if self.attributes else torch.int64
        return torch.tensor([self.rows[image] for image in images], dtype=kind)


def read_labels(path: Path, images: Sequence[Path]) -> Labels:
    """The labels of images, paths relative to their folder. A row for a file that is not there is told of.

    Raises:
        DataError: it cannot be read; it is no CSV file of this form; an image without a row, or with two.
    """
    content = content_of(path, "labels_from = ")
    header, body = table_of(path, content, "labels", "file,class")
    places = places_of(images)
    if header[0].replace("\\", "/") in places:
        raise DataError(f"{path}: line 1 names an image: the first line must name the columns, such as file,class.")
    rows: dict[Path, list[str]] = {}
    unknown: list[str] = []
    twice: list[str] = []
    unclear: list[str] = []
    for name, *values in body:
        key = name.strip().replace("\\", "/").removeprefix("./")
        if key not in places:
            unknown.append(name)
        elif (image := places[key]) is None:
            unclear.append(name)
        elif image in rows:
            twice.append(name)
        else:
            rows[image] = [value.strip() for value in values]
    if twice:
        raise DataError(f"{path} names {len(twice):,} images more than once: {names_of(twice)}. Keep one row of each.")
    if unclear:
        raise DataError(
            f"{path} has {len(unclear):,} names that several images have: {names_of(unclear)}. Write them with folders."
        )
    if bare := [image.as_posix() for image in images if image not in rows]:
        also = f" {len(unknown):,} of its names are not there, such as {unknown[0]}." if unknown else ""
        raise DataError(
            f"{path} has no row for {len(bare):,} of {len(images):,} images: {names_of(bare)}. Add them, or move the "
            f"images away.{also}"
        )
    if unknown:
        tell(f"{path} names {len(unknown):,} files that are not there, which are passed over: {names_of(unknown)}.")
    return _labels(path, header[1:], rows, hashlib.sha256(content).hexdigest())


def content_of(path: Path, before: str = "") -> bytes:
    """The bytes of a CSV file.

    Args:
        before: what stands before its name in a message.

    Raises:
        DataError: it cannot be read, or is larger than any that is meant.
    """
    try:
        if not path.is_file():
            raise DataError(f"{before}{path}: {'not a regular file' if path.exists() else 'no such file'}.")
        if (size := path.stat().st_size) > MOST:
            raise DataError(f"{before}{path} has {size:,} bytes, and no more than {MOST:,} are read.")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{before}{path} cannot be read: {error.strerror or error}.") from error


def table_of(path: Path, content: bytes, what: str, columns: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the rows that are not empty, all of one length.

    Args:
        what: the file holds, and with which ``columns``, for messages.

    Raises:
        DataError: it is no CSV file in UTF-8 of two columns at least, or holds no row.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}: line {line} has bytes that are not UTF-8: save it as UTF-8.") from error
    first = text.partition("\n")[0]
    delimiter = next((sign for sign in ",;\t" if sign in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    body = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = [cell.strip() for cell in row]
            elif len(row) != len(header):
                said = f"{len(row)} columns, and line 1 has {len(header)}"
                raise DataError(f"{path}: line {reader.line_num} has {said}.")
            else:
                body.append(row)
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num} is not CSV: {error}.") from error
    if len(header) < 2 or not body:
        raise DataError(f"{path} holds no {what}: it needs a line such as {columns}, and a row for each image.")
    return header, body


def places_of(images: Sequence[Path]) -> dict[str, Path | None]:
    """The image that a name stands for; None for a file name that several have."""
    found: dict[str, Path | None] = {}
    for image in images:
        found[image.name] = None if image.name in found else image
    return {**found, **{image.as_posix(): image for image in images}}


def _labels(path: Path, columns: list[str], rows: dict[Path, list[str]], sha256: str) -> Labels:
    if len(columns) == 1:
        names = {values[0] for values in rows.values()}
        if "" in names:
            empty = [image.as_posix() for image, values in rows.items() if not values[0]]
            raise DataError(f"{path}: {len(empty):,} images have no class: {names_of(empty)}.")
        if len(names) < 2:
            raise DataError(f"{path}: all images have the class {names.pop()!r}: at least two are needed.")
        whole = all(name.isdecimal() for name in names)
        order = sorted(names, key=lambda name: (int(name), name) if whole else (0, name))
        number = {name: i for i, name in enumerate(order)}
        return Labels({image: number[values[0]] for image, values in rows.items()}, tuple(order), (), sha256)
    for image, values in rows.items():
        for column, value in zip(columns, values, strict=True):
            if value not in ATTRIBUTE:
                raise DataError(
                    f"{path}: {column} of {image.as_posix()} is {value!r}: attributes are 0 or 1, or -1 or 1; for "
                    "classes give two columns, file and class."
                )
    attributes: dict[Path, int | list[float]] = {
        image: [ATTRIBUTE[value] for value in values] for image, values in rows.items()
    }
    return Labels(attributes, (), tuple(columns), sha256)


def names_of(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
