"""pt2 files: sealed with a hash when they are written, read without trusting them.

``torch.export.load`` can run what a file asks for: it opens pickles, among other things. This module takes a file apart
with the standard library, refuses everything of which ganzoo's own files do not consist (:mod:`ganzoo.export.screen`),
writes a new archive of the rest in memory, and hands that to torch. So torch never sees the file itself.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ganzoo.errors import CheckpointError, ExportError
from ganzoo.export.description import MOST_TEXT, free_sides, read_description, refuse_other_inputs
from ganzoo.export.program import DESCRIPTION, Run, first_line, quiet
from ganzoo.export.screen import CONFIGS, GRAPH, SAMPLES, TENSOR, StrangeError, refuse_strange

LARGEST = 4 * 2**30
"""Bytes of a file: it is held in memory, twice for a moment."""
MOST_RECORDS, MOST_JSON = 20_000, 2**28
SEAL = "ganzoo.sha256"
"""The record that holds the hash of all others."""
BOOKKEEPING = ("archive_format", "archive_version", "byteorder", ".data/version", ".data/serialization_id")


def sealed(content: bytes) -> bytes:
    """An archive of torch.export with the SHA-256 of its records in it.

    Raises:
        ExportError: it is larger than any that is read.
    """
    if len(content) > LARGEST:
        raise ExportError(f"{len(content):,} bytes are more than ganzoo.load reads of a pt2 file ({LARGEST:,}).")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = {entry.filename.partition("/")[2]: archive.read(entry) for entry in archive.infolist()}
    return rewritten({**records, f"extra/{SEAL}": digest(records).encode()})


def digest(records: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents of the records that are ours, as hex."""
    total = hashlib.sha256()
    for name in sorted(records.keys() - {*BOOKKEEPING, f"extra/{SEAL}"}):
        total.update(f"{name} {len(records[name])}\n".encode())
        total.update(records[name])
    return total.hexdigest()


def read_pt2(path: Path) -> tuple[dict[str, Any], Run]:
    """The description of a pt2 file that ganzoo wrote, and what calls it.

    Raises:
        CheckpointError: no such archive, damaged, or it holds anything that ganzoo does not write.
    """
    records = read_records(path)
    if not {f"extra/{DESCRIPTION}", f"extra/{SEAL}"} <= records.keys():
        raise CheckpointError(f"{path} is a pt2 file, but ganzoo did not write it: torch.export.load opens it, if you "
                              "trust who made it, because such a file can run code.")  # fmt: skip
    if digest(records).encode() != records[f"extra/{SEAL}"]:
        raise CheckpointError(f"{path} is damaged or was changed: its content is not what was written (SHA-256).")
    try:
        description = read_description(records[f"extra/{DESCRIPTION}"].decode(), path)
        refuse_strange(records)
    except (StrangeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not opened: {error}. Such a file could run code.") from error
    try:
        with quiet():
            program = torch.export.load(io.BytesIO(rewritten(records)))
            run = program_run(program)
            shapes = shapes_of(program)
    except Exception as error:  # torch's many kinds for a file that does not fit together
        raise CheckpointError(f"{path} is damaged, or of another version of torch: {first_line(error)}") from error
    refuse_other_inputs(description, shapes, path)
    return description, run


def run_of(content: bytes) -> Run:
    """What calls a program of our own: tensors in, a tensor out."""
    with quiet():
        return program_run(torch.export.load(io.BytesIO(content)))


def program_run(program: Any) -> Run:
    """What calls a loaded program."""
    module = program.module()

    @torch.no_grad()
    def run(*inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = module(*(value.detach().cpu() for value in inputs))
        return found

    return run


def shapes_of(program: Any) -> list[tuple[list[int | None], str]]:
    """Shape (None: free) and type of each input of a program."""
    names = program.graph_signature.user_inputs
    values = {node.name: node.meta["val"] for node in program.graph_module.graph.nodes if node.op == "placeholder"}
    return [(free_sides(values[name].shape), str(values[name].dtype).removeprefix("torch.")) for name in names]


def read_records(path: Path) -> dict[str, bytes]:
    """The records of an archive by name, without its top folder. Nothing is compressed, so that nothing can grow.

    Raises:
        CheckpointError: no such file, no archive, or one of another form.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file.")
    size = path.stat().st_size
    if size > LARGEST:
        raise CheckpointError(f"{path} has {size:,} bytes: ganzoo.load reads pt2 files of {LARGEST:,} at most.")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_RECORDS:
                raise StrangeError(f"it has {len(entries):,} records")
            if sum(entry.compress_size for entry in entries) > size:
                raise StrangeError("its records overlap")
            found: dict[str, bytes] = {}
            for entry in entries:
                name = entry.filename.partition("/")[2]
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                    raise StrangeError(f"its record {entry.filename[:100]!r} is compressed")
                if name in found or not expected(name):
                    raise StrangeError(f"its record {entry.filename[:100]!r} is none that ganzoo writes")
                if entry.file_size > most(name):
                    raise StrangeError(f"its record {entry.filename[:100]!r} has {entry.file_size:,} bytes")
                found[name] = archive.read(entry)
    except StrangeError as error:
        raise CheckpointError(f"{path} is not opened: {error}. Such a file could run code.") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path} is no pt2 file, or is damaged: {first_line(error)}") from error
    return found


def most(name: str) -> int:
    """Bytes that a record may have."""
    if TENSOR.fullmatch(name):
        return LARGEST
    return MOST_TEXT if name.startswith("extra/") else MOST_JSON


def expected(name: str) -> bool:
    """Whether a record is one of those that our programs consist of."""
    known = (GRAPH, SAMPLES, *CONFIGS.values(), f"extra/{DESCRIPTION}", f"extra/{SEAL}", *BOOKKEEPING)
    return name in known or TENSOR.fullmatch(name) is not None


def rewritten(records: Mapping[str, bytes]) -> bytes:
    """A new archive of these records."""
    from torch.export.pt2_archive import PT2ArchiveWriter

    buffer = io.BytesIO()
    with PT2ArchiveWriter(buffer) as archive:
        for name, content in records.items():
            if name not in BOOKKEEPING:
                archive.write_bytes(name, content)
    return buffer.getvalue()
