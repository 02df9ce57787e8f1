"""Downloads from a loopback server: interrupted, resumed, damaged, refused, unpacked."""

import errno
import gzip
import io
import os
import random
import socket
import sys
import tarfile
from pathlib import Path

import pytest

from ganzoo.data import download as download_module
from ganzoo.data import store
from ganzoo.errors import ChecksumError, DataError, DataMissingError
from ganzoo.registry.specs import DataFile, DatasetSpec, Member

from .conftest import Server, md5, set_of

CONTENT = random.Random(0).randbytes(1_000_003)


def fetch(spec: DatasetSpec, root: Path, tries: int = 2) -> store.SetStatus:
    return store.fetch(spec, root, tries=tries, wait=0.0, timeout=5.0)


def one_file(server: Server, content: bytes = CONTENT, name: str = "a/data.bin") -> DatasetSpec:
    server.files["data.bin"] = content
    return set_of(DataFile(path=name, urls=(server.url("data.bin"),), checksum=md5(content), size=len(content)))


def leftovers(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if ".part" in path.name)


def test_a_file_is_fetched_and_left_alone_the_second_time(server, tmp_path):
    spec = one_file(server)
    seen = []
    store.fetch(spec, tmp_path, lambda what, done, total: seen.append((what, done, total)))
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT
    assert seen[0] == ("a/data.bin", 0, len(CONTENT))
    assert ("a/data.bin", len(CONTENT), len(CONTENT)) in seen
    assert leftovers(tmp_path) == []
    fetch(spec, tmp_path)
    assert len(server.ranges) == 1


def test_a_connection_cut_halfway_is_resumed_within_one_call(server, tmp_path):
    spec = one_file(server)
    server.cuts = [400_000, 300_000]
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=400000-", "bytes=700000-"]


def test_an_interrupted_download_is_continued_by_the_next_call(server, tmp_path):
    spec = one_file(server)
    server.cuts = [400_000]

    def interrupt(what: str, done: int, total: int) -> None:
        if done >= 400_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fetch(spec, tmp_path, interrupt)
    assert not (tmp_path / "a/data.bin").exists()
    assert (tmp_path / "a/data.bin.part").stat().st_size == 400_000
    assert store.status(spec, tmp_path).files[0].detail == "400,000 bytes downloaded so far"
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=400000-"
    assert leftovers(tmp_path) == []


def test_a_part_that_was_complete_needs_no_byte_more(server, tmp_path):
    spec = one_file(server)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/data.bin.part").write_bytes(CONTENT)
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_a_server_that_ignores_range_sends_all_again(server, tmp_path):
    spec = one_file(server)
    server.obeys_range = False
    server.cuts = [400_000]
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=400000-"]


def test_pieces_of_two_versions_are_not_joined(server, tmp_path):
    old = bytes(len(CONTENT))
    spec = one_file(server)
    server.files["data.bin"] = old
    server.cuts = [400_000, 0, 0]
    with pytest.raises(DataMissingError):
        fetch(spec, tmp_path)
    server.files["data.bin"], server.etag, server.cuts = CONTENT, '"two"', []
    before = len(server.ranges)
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT
    assert len(server.ranges) == before + 1  # If-Range told the server, so one request was enough


def test_without_an_etag_the_checksum_finds_a_joined_file_and_starts_afresh(server, tmp_path):
    spec = one_file(server)
    server.etag = ""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/data.bin.part").write_bytes(bytes(400_000))
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT
    assert server.ranges == ["bytes=400000-", None]


def test_a_part_longer_than_the_file_is_given_up(server, tmp_path):
    spec = one_file(server)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/data.bin.part").write_bytes(CONTENT + b"more")
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(server, tmp_path):
    spec = one_file(server)
    server.files["data.bin"] = CONTENT[:-1] + b"?"
    with pytest.raises(ChecksumError) as error:
        fetch(spec, tmp_path)
    assert spec.files[0].checksum in str(error.value)
    assert md5(server.files["data.bin"]) in str(error.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_damaged_file_is_replaced_only_by_a_right_one(server, tmp_path):
    spec = one_file(server)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/data.bin").write_bytes(b"damaged")
    server.errors = [404]
    with pytest.raises(DataMissingError):
        fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == b"damaged"
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT


def test_mirrors_are_tried_in_turn(server, tmp_path):
    server.files["bad"], server.files["good"] = b"something else", CONTENT
    urls = tuple(server.url(name) for name in ("gone", "bad", "good"))
    spec = set_of(DataFile(path="data.bin", urls=urls, checksum=md5(CONTENT)))
    fetch(spec, tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert len(server.ranges) == 3


def test_an_overloaded_server_is_asked_again(server, tmp_path):
    spec = one_file(server)
    server.errors = [503]
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT
    assert len(server.ranges) == 2


def test_no_network_names_every_file_its_checksum_and_its_place(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
    spec = set_of(
        DataFile(path="a/one.bin", urls=(url,), checksum="md5:11"),
        DataFile(path="b.bin", urls=(url,), checksum="md5:22"),
    )
    with pytest.raises(DataMissingError) as error:
        fetch(spec, tmp_path)
    for part in ("a/one.bin", "md5:11", "b.bin", "md5:22", str(tmp_path), "ganzoo data fetch tiny", "efused"):
        assert part in str(error.value)


def test_a_full_disk_is_told_and_what_arrived_is_kept(server, tmp_path, monkeypatch):
    spec = one_file(server)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(download_module.os, "fsync", full)
        with pytest.raises(DataError, match="is full"):
            fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin.part").stat().st_size == len(CONTENT)
    fetch(spec, tmp_path)
    assert (tmp_path / "a/data.bin").read_bytes() == CONTENT


def test_too_little_space_is_told_before_anything_is_sent(server, tmp_path):
    spec = set_of(DataFile(path="big", urls=(server.url("data.bin"),), checksum="md5:0", size=10**18))
    with pytest.raises(DataError, match=r"bytes free, but big needs 1,000,000"):
        fetch(spec, tmp_path)
    assert server.ranges == []


def test_a_root_that_is_a_file_is_told(server, tmp_path):
    (tmp_path / "root").write_text("in the way")
    with pytest.raises(DataError, match="GANZOO_DATA"):
        fetch(one_file(server), tmp_path / "root")


def tar_of(members: dict[str, bytes], *extra: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for info in extra:
            archive.addfile(info)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o777
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def archive_spec(server: Server, packed: bytes, **members: bytes) -> DatasetSpec:
    server.files["set.tar.gz"] = packed
    return set_of(
        DataFile(
            path="set.tar.gz",
            urls=(server.url("set.tar.gz"),),
            checksum=md5(packed),
            members=tuple(
                Member(path=f"set/{name}.bin", checksum=md5(content), size=len(content))
                for name, content in members.items()
            ),
        )
    )


def test_an_archive_yields_its_named_members_and_nothing_else(server, tmp_path):
    link = tarfile.TarInfo("set/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    packed = tar_of({"set/a.bin": b"aaa", "../outside": b"x", "/tmp/ganzoo-absolute": b"x", "set/b.bin": b"bb"}, link)
    spec = archive_spec(server, packed, a=b"aaa", b=b"bb")
    root = tmp_path / "root"
    assert {file.state for file in fetch(spec, root).files} == {"present"}
    found = {path.relative_to(root).as_posix() for path in root.rglob("*")}
    assert found - {".set.tar.gz.lock"} == {"set.tar.gz", "set", "set/a.bin", "set/b.bin"}
    assert [path.name for path in tmp_path.iterdir()] == ["root"]
    assert not (root / "set/a.bin").stat().st_mode & 0o111
    assert store.verify(spec, root).state == "verified"


def test_members_in_place_make_the_archive_needless(server, tmp_path):
    spec = archive_spec(server, tar_of({"set/a.bin": b"aaa"}), a=b"aaa")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.bin").write_bytes(b"aaa")
    fetch(spec, tmp_path)
    assert server.ranges == []
    assert store.verify(spec, tmp_path).state == "verified"


def test_a_damaged_member_is_unpacked_again_without_a_download(server, tmp_path):
    spec = archive_spec(server, tar_of({"set/a.bin": b"aaa"}), a=b"aaa")
    fetch(spec, tmp_path)
    (tmp_path / "set/a.bin").write_bytes(b"xyz")
    assert store.verify(spec, tmp_path).state == "damaged"
    fetch(spec, tmp_path)
    assert (tmp_path / "set/a.bin").read_bytes() == b"aaa"
    assert len(server.ranges) == 1


@pytest.mark.parametrize("members", [{"set/other.bin": b"aaa"}, {"set/a.bin": b"not as published"}])
def test_an_archive_that_lacks_what_the_spec_promises_is_refused(server, tmp_path, members):
    spec = archive_spec(server, tar_of(members), a=b"aaa")
    with pytest.raises(DataError, match=r"set/a\.bin"):
        fetch(spec, tmp_path)
    assert not (tmp_path / "set/a.bin").exists()
    assert leftovers(tmp_path) == []


def test_an_archive_put_there_by_hand_is_unpacked_when_it_is_needed(server, tmp_path):
    packed = tar_of({"set/a.bin": b"aaa"})
    spec = archive_spec(server, packed, a=b"aaa")
    (tmp_path / "set.tar.gz").write_bytes(packed)
    assert store.require(spec, tmp_path, ["set/a.bin"]) == [tmp_path / "set/a.bin"]
    assert (tmp_path / "set/a.bin").read_bytes() == b"aaa"
    assert server.ranges == []


def test_a_wrong_archive_put_there_by_hand_is_not_unpacked(server, tmp_path):
    spec = archive_spec(server, tar_of({"set/a.bin": b"aaa"}), a=b"aaa")
    (tmp_path / "set.tar.gz").write_bytes(tar_of({"set/a.bin": b"bbb"}))
    with pytest.raises(ChecksumError):
        store.require(spec, tmp_path, ["set/a.bin"])
    assert not (tmp_path / "set").exists()


def gzip_spec(server: Server, content: bytes) -> DatasetSpec:
    packed = gzip.compress(content, mtime=0)
    server.files["x.gz"] = packed
    member = Member(path="raw/x", checksum=md5(content), size=len(content))
    file = DataFile(
        path="raw/x.gz", urls=(server.url("x.gz"),), checksum=md5(packed), size=len(packed), members=(member,)
    )
    return set_of(file)


def test_a_gz_is_unpacked_beside_itself(server, tmp_path):
    spec = gzip_spec(server, b"content")
    fetch(spec, tmp_path)
    assert (tmp_path / "raw/x").read_bytes() == b"content"
    assert (tmp_path / "raw/x.gz").exists()


def test_a_gz_that_somebody_else_packed_is_judged_by_its_content(server, tmp_path):
    spec = gzip_spec(server, b"content" * 100)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/x.gz").write_bytes(gzip.compress(b"content" * 100, compresslevel=1, mtime=7))
    [found] = store.verify(spec, tmp_path).files
    assert (found.state, found.detail) == ("verified", "packed differently, the content is right")
    assert store.require(spec, tmp_path, ["raw/x"]) == [tmp_path / "raw/x.gz"]
    (tmp_path / "raw/x.gz").write_bytes(gzip.compress(b"contenT" * 100))
    assert store.verify(spec, tmp_path).state == "damaged"
    (tmp_path / "raw/x.gz").write_bytes(gzip.compress(b"content" * 100)[:-9])
    assert store.verify(spec, tmp_path).state == "damaged"


def test_a_file_without_a_published_checksum_is_never_called_verified(tmp_path):
    spec = set_of(DataFile(path="x", urls=(), checksum=""))
    (tmp_path / "x").write_bytes(b"?")
    assert store.status(spec, tmp_path).state == "present"
    assert store.verify(spec, tmp_path).state == "unverified"


def test_states_of_a_set(tmp_path):
    spec = set_of(*(DataFile(path=name, urls=(), checksum=md5(b"1234"), size=4) for name in "ab"))
    assert store.status(spec, tmp_path).state == "missing"
    (tmp_path / "a").write_bytes(b"1234")
    assert store.status(spec, tmp_path).state == "incomplete"
    (tmp_path / "b").write_bytes(b"123")
    assert store.status(spec, tmp_path).state == "damaged"
    (tmp_path / "b").write_bytes(b"4321")
    assert store.status(spec, tmp_path).state == "present"
    assert store.verify(spec, tmp_path).state == "damaged"
    (tmp_path / "b").write_bytes(b"1234")
    assert store.verify(spec, tmp_path).state == "verified"
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    assert store.verify(spec, tmp_path).files[1].detail == "not a regular file"


def test_the_data_root_is_the_users_choice(monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    assert store.data_root() == tmp_path
    monkeypatch.delenv("GANZOO_DATA")
    if sys.platform != "linux":
        pytest.skip("XDG_CACHE_HOME is Linux's; platformdirs knows the other platforms' folders")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert store.data_root() == tmp_path / "cache" / "ganzoo" / "data"
