"""Where the official files of data sets lie, whether they are there and right, and how they get there.

Loading never downloads: a loader calls :func:`require`, which names what is missing and how to get it.
"""

import contextlib
import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

import platformdirs

from ganzoo.data.download import TIMEOUT, checksum_of, download, write_error
from ganzoo.data.packages.installed import missing_packages
from ganzoo.data.progress import Progress, silent
from ganzoo.errors import ChecksumError, DataError, DataMissingError
from ganzoo.registry.specs import DataFile, DatasetSpec, Member
from ganzoo.runtime.locks import waiting

State = Literal["missing", "present", "verified", "unverified", "damaged"]
SetState = Literal["embedded", "yours", "missing", "incomplete", "present", "verified", "unverified", "damaged"]
CHUNK = 2**20


def data_root() -> Path:
    """The folder below which data files lie: ``GANZOO_DATA``, else one in the platform's user cache folder."""
    if chosen := os.environ.get("GANZOO_DATA"):
        root = Path(chosen).expanduser()
        if root.is_file():
            raise DataError(f"GANZOO_DATA = {chosen} is a file: it must name a folder.")
        return root
    return platformdirs.user_cache_path("ganzoo", appauthor=False) / "data"


@dataclass(frozen=True)
class FileStatus:
    """One file: ``path`` below the data root, its state, and what is to be said about it.

    ``"present"``: there, with the right size as far as that is known; ``"verified"``: its checksum is right;
    ``"unverified"``: there, but no checksum is published; ``"damaged"``: wrong size or checksum.
    """

    path: str
    state: State
    detail: str = ""


@dataclass(frozen=True)
class SetStatus:
    """A data set: the worst state of its files, and the files. ``"incomplete"``: some are missing.

    ``"embedded"``: drawn on the spot, ``"yours"``: read from a folder of the user's; neither has files.
    """

    name: str
    state: SetState
    files: tuple[FileStatus, ...] = ()
    downloadable: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def status(spec: DatasetSpec, root: Path, check: bool = False, progress: Progress = silent) -> SetStatus:
    """The state of a set's files; ``check`` reads them and compares checksums, otherwise only sizes are looked at."""
    downloadable = spec.download != "none"
    if spec.packages:
        lacking = missing_packages(spec)
        packages = tuple(
            FileStatus(name, "missing", f"a package: pip install {name}")
            if name in lacking
            else FileStatus(name, "present", "an installed package")
            for name in spec.packages
        )
        return SetStatus(spec.name, "missing" if lacking else "present", packages)
    if not spec.files:
        return SetStatus(spec.name, "yours" if spec.argument == "path" else "embedded", downloadable=downloadable)
    files = tuple(entry for file in spec.files for entry in _file_status(file, root, check, progress))
    states = {entry.state for entry in files}
    overall: SetState
    if states == {"missing"}:
        overall = "missing"
    elif "damaged" in states:
        overall = "damaged"
    elif "missing" in states:
        overall = "incomplete"
    elif "unverified" in states:
        overall = "unverified"
    else:
        overall = "verified" if check else "present"
    return SetStatus(spec.name, overall, files, downloadable)


def verify(spec: DatasetSpec, root: Path, progress: Progress = silent) -> SetStatus:
    """Read every file of a set and compare its checksum; nothing is changed."""
    return status(spec, root, check=True, progress=progress)


def _file_status(file: DataFile, root: Path, check: bool, progress: Progress) -> list[FileStatus]:
    """The state of a file, or of what it was unpacked to once any of that is there."""
    members = [_plain_status(member, root, check, progress) for member in file.members]
    there = [entry for entry in members if entry.state != "missing"]
    if there and (len(there) == len(members) or not (root / file.path).exists()):
        return members
    if check and file.path.endswith(".gz") and len(file.members) == 1 and (root / file.path).exists():
        return [_gzip_status(file, root, progress)]
    # Of a .gz packed by someone else the size says nothing.
    size = 0 if file.members and not file.path.endswith((".tar.gz", ".tgz")) else file.size
    own = _plain_status(Member(path=file.path, checksum=file.checksum, size=size), root, check, progress)
    part = root / (file.path + ".part")
    if own.state == "missing" and part.exists():
        own = FileStatus(file.path, "missing", f"{part.stat().st_size:,} bytes downloaded so far")
    return [own]


def _plain_status(file: Member, root: Path, check: bool, progress: Progress) -> FileStatus:
    path = root / file.path
    try:
        size = path.stat().st_size
        if not path.is_file():
            return FileStatus(file.path, "damaged", "not a regular file")
        if file.size and size != file.size:
            return FileStatus(file.path, "damaged", f"{size:,} bytes, expected {file.size:,}")
        if not check:
            return FileStatus(file.path, "present")
        algorithm, _, expected = file.checksum.partition(":")
        if not expected:
            return FileStatus(file.path, "unverified", "no checksum is published")
        found = checksum_of(path, algorithm, lambda done: progress(file.path, done, size))
    except FileNotFoundError:
        return FileStatus(file.path, "missing")
    except OSError as error:
        return FileStatus(file.path, "damaged", f"cannot be read: {error.strerror or error}")
    if found != expected:
        return FileStatus(file.path, "damaged", f"{algorithm}:{found}, expected {file.checksum}")
    return FileStatus(file.path, "verified")


def _gzip_status(file: DataFile, root: Path, progress: Progress) -> FileStatus:
    """A .gz is right if it is the published one, or if someone else packed the same content."""
    own = _plain_status(Member(path=file.path, checksum=file.checksum), root, True, progress)
    algorithm, _, expected = file.members[0].checksum.partition(":")
    if own.state == "verified" or not expected:
        return own
    content = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with gzip.open(root / file.path) as stream:
            while chunk := stream.read(CHUNK):
                content.update(chunk)
    except (OSError, EOFError, zlib.error) as error:
        return FileStatus(file.path, "damaged", f"{own.detail}; it does not unpack: {error}")
    if content.hexdigest() != expected:
        return own
    return FileStatus(file.path, "verified", "packed differently, the content is right")


def require(spec: DatasetSpec, root: Path, needed: Sequence[str], progress: Progress = silent) -> list[Path]:
    """The paths of ``needed`` files (as in the spec, below ``root``), each there, or as the .gz it is unpacked from.

    An archive that is there but not unpacked (put there by hand, say) is checked and unpacked.

    Raises:
        DataMissingError: some are not there; the message names them, their checksums and the command that gets them.
        ChecksumError: an archive is not the published one.
    """
    sources = {member.path: file for file in spec.files for member in file.members}
    for file in dict.fromkeys(sources[path] for path in needed if path in sources):
        is_archive = file.path.endswith((".tar", ".tar.gz", ".tgz"))
        missing = any(not (root / path).exists() for path in needed if sources.get(path) == file)
        if is_archive and missing and (root / file.path).is_file():
            _check_archive(file, root, progress)
            unpack(file, root, progress)
    paths = []
    for path in needed:
        packed = sources[path].path if path in sources else path
        found = path if (root / path).exists() else packed
        if not (root / found).exists():
            raise missing_error(spec, root)
        paths.append(root / found)
    return paths


def missing_error(spec: DatasetSpec, root: Path, states: Sequence[State] = ("missing",)) -> DataMissingError:
    """The error that says which files of a set are missing and how to get them, with and without a network.

    ``states`` may add ``"damaged"``, for files that are there but have to be replaced.
    """
    missing = {entry.path for entry in status(spec, root).files if entry.state in states}
    files = [f for f in spec.files if f.path in missing or missing & {member.path for member in f.members}]
    lines = []
    for file in files:
        size = f"{file.size:,} bytes, " if file.size else ""
        lines.append(f"  {file.path}  ({size}{file.checksum or 'no published checksum'})")
        lines += [f"    {url}" for url in file.urls]
    number = "1 file is" if len(files) == 1 else f"{len(files)} files are"
    return DataMissingError(
        f"data set {spec.name!r} is not complete on this machine: {number} {' or '.join(states)} below {root} "
        "(GANZOO_DATA sets that folder):\n" + "\n".join(lines)
        + f"\nGet them with 'ganzoo data fetch {spec.name}', or without a network put them there by hand under these "
        f"names; 'ganzoo data verify {spec.name}' checks them."
    )  # fmt: skip


def fetch(
    spec: DatasetSpec,
    root: Path,
    progress: Progress = silent,
    tries: int = 3,
    wait: float = 1.0,
    timeout: float = TIMEOUT,
) -> SetStatus:
    """Download and unpack what is missing or damaged; files that are right are left alone.

    Raises:
        DataError: the set is not fetched by ganzoo, or the disk refuses it (see also :mod:`ganzoo.data.download`).
    """
    if spec.download != "files":
        raise DataError(f"ganzoo has no files to fetch for data set {spec.name!r}: {spec.summary}.")
    for file in spec.files:
        target = root / file.path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with waiting(target.with_name(f".{target.name}.lock")):  # another process may be at the same file
                _fetch_file(file, root, progress, tries, wait, timeout)
        except DataMissingError as error:
            raise DataMissingError(f"{error}\n{missing_error(spec, root, ('missing', 'damaged'))}") from error
        except OSError as error:
            raise write_error(error, target) from error
    return status(spec, root)


def _fetch_file(file: DataFile, root: Path, progress: Progress, tries: int, wait: float, timeout: float) -> None:
    """One file, unless it is there and right."""
    if all(entry.state in ("verified", "unverified") for entry in _file_status(file, root, True, progress)):
        # Checked .gz files are read as they are; an archive has to be unpacked to be of use.
        if file.path.endswith((".tar", ".tar.gz", ".tgz")) and not _unpacked(file, root):
            unpack(file, root, progress)
        return
    algorithm, _, expected = file.checksum.partition(":")
    target = root / file.path
    if not (expected and target.is_file() and checksum_of(target, algorithm) == expected):
        download(file, target, progress, tries, wait, timeout)
    if file.members:
        unpack(file, root, progress)


def _unpacked(file: DataFile, root: Path) -> bool:
    return all((root / member.path).exists() for member in file.members)


def _check_archive(file: DataFile, root: Path, progress: Progress) -> None:
    own = _plain_status(Member(path=file.path, checksum=file.checksum), root, True, progress)
    if own.state == "damaged":
        raise ChecksumError(f"{root / file.path} is not the published archive: {own.detail}. Get it again.")


def unpack(file: DataFile, root: Path, progress: Progress = silent) -> None:
    """Unpack the members that the spec names, each checked and renamed into place when it is whole.

    Only regular files are taken, by exact name, and written under names of our own: nothing that an archive says
    about paths, links or permissions has any effect.

    Raises:
        DataError: the archive is cut short, lacks a member, or the disk unsupported.
        ChecksumError: a member is not what was published.
    """
    packed = root / file.path
    wanted = {member.path: member for member in file.members}
    try:
        if not file.path.endswith((".tar", ".tar.gz", ".tgz")):
            with gzip.open(packed) as stream:
                _write_member(stream, file.members[0], root, progress)
            return
        with tarfile.open(packed) as archive:
            for entry in archive:
                path = (Path(file.path).parent / entry.name).as_posix()
                if entry.isreg() and path in wanted:
                    content = archive.extractfile(entry)
                    assert content is not None, "a regular member has content"
                    _write_member(content, wanted.pop(path), root, progress)
                    if not wanted:
                        return
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{packed} cannot be unpacked ({error}): delete it and fetch it again.") from error
    except OSError as error:
        raise DataError(f"cannot unpack {packed} below {root}: {error.strerror or error}.") from error
    raise DataError(f"{packed} lacks {', '.join(sorted(wanted))}: delete it and fetch it again.")


def _write_member(stream: IO[bytes] | gzip.GzipFile, member: Member, root: Path, progress: Progress) -> None:
    target = root / member.path
    part = target.with_name(target.name + ".part")
    algorithm, _, expected = member.checksum.partition(":")
    content, done = hashlib.new(algorithm or "md5", usedforsecurity=False), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as out:
            while chunk := stream.read(CHUNK):
                out.write(chunk)
                content.update(chunk)
                done += len(chunk)
                progress(f"unpacking {member.path}", done, member.size)
            out.flush()
            os.fsync(out.fileno())
        if expected and content.hexdigest() != expected:
            raise ChecksumError(
                f"{member.path} as unpacked has {algorithm}:{content.hexdigest()}, expected {member.checksum}: "
                "delete the archive and fetch it again."
            )
        os.replace(part, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def used_bytes(spec: DatasetSpec, root: Path) -> int:
    """Bytes that the files of a set occupy below ``root``, parts of downloads included."""
    names = [file.path for file in spec.files] + [m.path for file in spec.files for m in file.members]
    paths = [root / name for name in names] + [root / f"{name}.part" for name in names]
    return sum(path.stat().st_size for path in paths if path.is_file())
