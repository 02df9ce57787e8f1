"""One file over HTTP: resumable, checked, and put in its place only when it is whole.

What has arrived lies in ``NAME.part``; a later call continues it with a Range request. Beside it, ``NAME.part.etag``
remembers which version of the file it is a part of, so that pieces of two versions are not joined; should the server
give no such mark, the checksum finds out, and the download starts afresh once.
"""

import contextlib
import errno
import hashlib
import http.client
import ipaddress
import os
import shutil
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganzoo.data.progress import Progress
from ganzoo.errors import ChecksumError, DataError, DataMissingError
from ganzoo.registry.specs import DataFile

CHUNK = 256 * 1024
TIMEOUT = 30.0  # seconds without a byte


class _Transient(Exception):
    """The connection failed in a way that another attempt may mend."""


class _Refused(Exception):
    """This mirror does not have the file."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to public hosts by HTTP and HTTPS alone, and never from HTTPS to HTTP."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme == "http"):
            raise _Refused(f"it leads to {newurl}, which is not followed: {old.scheme} may not become {new.scheme}")
        if new.hostname != old.hostname and is_private(new.hostname or ""):
            raise _Refused(f"it leads to {newurl}, which is not followed: that is a host of a private network")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def is_private(host: str) -> bool:
    """Whether a host is this machine or in a private network. One whose address is not known is not."""
    with contextlib.suppress(OSError, ValueError):
        found = socket.getaddrinfo(host, None)
        return any(not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)
    return False


OPENER = urllib.request.build_opener(_Redirects)


def checksum_of(path: Path, algorithm: str, progress: Callable[[int], None] | None = None) -> str:
    """Hex digest of a file; ``progress`` is called with the bytes read so far."""
    total, done = hashlib.new(algorithm, usedforsecurity=False), 0
    with open(path, "rb") as stream:
        while chunk := stream.read(4 * CHUNK):
            total.update(chunk)
            done += len(chunk)
            if progress:
                progress(done)
    return total.hexdigest()


def download(
    file: DataFile, target: Path, progress: Progress, tries: int = 3, wait: float = 1.0, timeout: float = TIMEOUT
) -> None:
    """Bring ``file`` to ``target``, trying its mirrors in turn.

    Args:
        progress: called as ``progress(name, bytes done, bytes in all or 0)``.
        tries: attempts in a row without a single new byte before a mirror is given up.
        wait: seconds before the second attempt; each further one waits twice as long.

    Raises:
        DataMissingError: no mirror could be reached, or none has the file; what arrived is kept for the next call.
        ChecksumError: every mirror that answered sent something else than was published; nothing of it is kept.
        DataError: the disk is full or the folder cannot be written.
    """
    part = target.with_name(target.name + ".part")
    failures: list[str] = []
    mismatches: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_space(file, part)
        for url in file.urls:
            try:
                found = _from_mirror(url, file, part, progress, tries, wait, timeout)
            except (_Transient, _Refused) as error:
                failures.append(f"{url}: {error}")
                continue
            if found is None:
                os.replace(part, target)
                return
            mismatches.append(f"{url}: {found}")
    except OSError as error:
        raise write_error(error, target) from error
    if mismatches:
        raise ChecksumError(
            f"{file.path}: what was downloaded is not the published file (expected {file.checksum}):\n  "
            + "\n  ".join(mismatches + failures)
            + f"\nNothing of it was kept. Try again later, or put the right file at {target} by hand."
        )
    kept = f"\n{_size(part):,} bytes have arrived and are kept: the next call continues." if _size(part) else ""
    raise DataMissingError(
        f"{file.path} could not be downloaded:\n  " + "\n  ".join(failures or ["it has no address"]) + kept
    )


def _from_mirror(
    url: str, file: DataFile, part: Path, progress: Progress, tries: int, wait: float, timeout: float
) -> str | None:
    """Complete ``part`` from one mirror; None when its checksum is right, else the checksum it has."""
    while True:
        resumed = part.exists() and part.stat().st_size > 0
        _transfer(url, file, part, progress, tries, wait, timeout)
        _etag_file(part).unlink(missing_ok=True)
        algorithm, _, expected = file.checksum.partition(":")
        if not expected:
            return None
        found = checksum_of(part, algorithm)
        if found == expected:
            return None
        part.unlink()
        if not resumed:
            return f"{algorithm}:{found}"
        # The part may have come from another version or another mirror: once more, from the first byte.


def _transfer(
    url: str, file: DataFile, part: Path, progress: Progress, tries: int, wait: float, timeout: float
) -> None:
    """Fill ``part`` until the server says that it is complete; attempts that bring bytes are not counted."""
    failed = 0
    while True:
        before = _size(part)
        try:
            _attempt(url, file, part, progress, timeout)
            return
        except _Transient:
            failed = 0 if _size(part) > before else failed + 1
            if failed >= tries:
                raise
            time.sleep(wait * 2 ** max(0, failed - 1))


def _attempt(url: str, file: DataFile, part: Path, progress: Progress, timeout: float) -> None:
    """One request. Returns when all bytes have arrived.

    Raises:
        _Transient: the connection failed or ended early.
        _Refused: the server says no.
    """
    offset = _size(part)
    headers = {"User-Agent": "ganzoo", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if etag := _read_etag(part, url):
            headers["If-Range"] = etag
    try:
        response = OPENER.open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # nothing after our last byte: the part is complete, or of a longer version
            if error.headers.get("Content-Range", "").strip() == f"bytes */{offset}":
                return
            part.unlink()
            raise _Transient("the server has fewer bytes than had arrived; starting afresh") from error
        if error.code in (408, 429) or error.code >= 500:
            raise _Transient(f"HTTP {error.code} {error.reason}") from error
        raise _Refused(f"HTTP {error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise _Transient(str(getattr(error, "reason", None) or error)) from error
    with response:
        partial = getattr(response, "status", 200) == 206
        content_range = response.headers.get("Content-Range", "")
        if partial and not content_range.startswith(f"bytes {offset}-"):
            part.unlink()
            raise _Transient(f"the server answered with another range ({content_range!r}); starting afresh")
        if not partial:
            offset = 0  # the server ignores Range, or the file has changed: these are all of its bytes
        _write_etag(part, url, response.headers.get("ETag", ""))
        length = response.headers.get("Content-Length")
        total = offset + int(length) if length and length.isdigit() else 0
        _receive(response, part, "ab" if partial else "wb", file.path, offset, total or file.size, progress, file.size)
    if total and _size(part) < min(total, file.size or total):
        raise _Transient(f"the connection ended after {_size(part):,} of {total:,} bytes")


def _receive(
    response: http.client.HTTPResponse,
    part: Path,
    mode: str,
    name: str,
    done: int,
    total: int,
    progress: Progress,
    limit: int = 0,
) -> None:
    """Append what arrives; at most a chunk more than ``limit`` bytes, if there is one."""
    with open(part, mode) as out:
        progress(name, done, total)
        while True:
            try:
                chunk = response.read(CHUNK)
            except (http.client.HTTPException, OSError) as error:
                raise _Transient(f"the connection broke after {done:,} bytes: {error}") from error
            if not chunk:
                break
            out.write(chunk)
            done += len(chunk)
            if limit and done > limit:
                break  # more than was published: the checksum will say that it is another file
            progress(name, done, total)
        out.flush()
        os.fsync(out.fileno())


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _etag_file(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _read_etag(part: Path, url: str) -> str:
    """The mark of the version that ``part`` is of, if it came from this address."""
    with contextlib.suppress(OSError):
        known, _, etag = _etag_file(part).read_text(encoding="utf-8").partition("\n")
        return etag if known == url else ""
    return ""


def _write_etag(part: Path, url: str, etag: str) -> None:
    # A weak mark (W/...) may not be used to join bytes: RFC 9110, section 13.1.5.
    if etag and not etag.startswith("W/"):
        _etag_file(part).write_text(f"{url}\n{etag}", encoding="utf-8")
    else:
        _etag_file(part).unlink(missing_ok=True)


def _check_space(file: DataFile, part: Path) -> None:
    needed, free = file.size - _size(part), shutil.disk_usage(part.parent).free
    if needed > free:
        raise DataError(
            f"{part.parent} has {free:,} bytes free, but {file.path} needs {needed:,} more: make room, or set "
            "GANZOO_DATA to a folder on a larger disk."
        )


def write_error(error: OSError, target: Path) -> DataError:
    """Why a file below the data root could not be written, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError(
            f"the disk of {target.parent} is full. What has arrived of {target.name} is kept; make room and call "
            "again, or set GANZOO_DATA to a folder on a larger disk."
        )
    return DataError(
        f"cannot write {target}: {error.strerror or error}. Set GANZOO_DATA to a folder that you may write to."
    )
