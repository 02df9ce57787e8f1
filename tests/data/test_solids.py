"""Shapes in voxels: the drawn ones, and a user's own files."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from ganzoo.cli.data import command
from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataRequest, DataWarning, to_unit
from ganzoo.data.drawn import solids
from ganzoo.data.load import load_dataset
from ganzoo.data.loader import BatchLoader
from ganzoo.data.sources import voxels
from ganzoo.data.specs.drawn import SOLIDS
from ganzoo.errors import ConfigError, DataError, DataMissingError, UsageError
from ganzoo.metrics.extractors import open_extractor


def drawn(count: int, side: int = 16) -> np.ndarray:
    return solids.render(np.arange(count) % len(SOLIDS), solids._draw(count, "train", 0), side)


def test_the_bytes_are_those_of_every_machine() -> None:
    # A change here changes every run on solids.
    assert (
        hashlib.sha256(drawn(200).tobytes()).hexdigest()
        == "1d86f27334fd2b6b283636ca9104dc826fba6852b197472fd4b50012ee32dfab"
    )


def test_shapes_stand_on_the_floor_look_forward_and_differ() -> None:
    found = drawn(100, 32)[:, 0] > 0
    for label, name in enumerate(SOLIDS):
        own = found[label::10]
        assert len({each.tobytes() for each in own}) == len(own), name
        assert 0.005 < own.mean() < 0.5, name
        if name != "plane":
            assert own[:, :, -1].any((1, 2)).all(), f"{name} stands on the floor"
    chair = found[SOLIDS.index("chair") :: 10]
    upper = chair[:, :, :14].sum((0, 2, 3))
    assert upper[:16].sum() > 3 * upper[16:].sum(), "its back is at the back, which is far"


def test_nothing_is_too_thin_to_be_there() -> None:
    for side in (16, 64):
        found = drawn(60, side)[SOLIDS.index("table") :: 10, 0] > 0
        assert found.any(3).any(1).sum(1).min() > 0.3 * side, "a table's legs reach from the top to the floor"


def test_the_set_is_labelled_split_and_loaded_at_a_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solids, "COUNTS", {"train": 30, "test": 20})
    config = RunConfig(variant="none", dataset="solids", resolution=16)
    train, test = (load_dataset("solids", config, split) for split in ("train", "test"))
    assert (train.info.kind, train.info.shape, train.info.classes) == ("voxels", (1, 16, 16, 16), SOLIDS)
    assert train.info.digest != test.info.digest
    batch = BatchLoader(train, 0, torch.device("cpu")).draw(0, 8)
    assert batch["images"].unique().tolist() == [-1, 1]
    assert batch["labels"].shape == (8,)


@pytest.mark.parametrize(
    ("request_", "said"),
    [({"resolution": 8}, "resolution = 8: solids have 16 to 64"), ({"channels": 3}, "channels = 3 says nothing"),
     ({"resolution": 64, "memory": 2**20}, "5,000 solids of this size do not fit")],
)  # fmt: skip
def test_sizes_that_solids_do_not_have_are_refused(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        solids.load(DataRequest("solids", Path("unused"), **request_))


def test_the_classifier_of_solids_counts_what_is_solid() -> None:
    shapes = torch.from_numpy(drawn(20, 32))
    extractor = open_extractor("solids", torch.device("cpu"))
    hard = extractor.extract(iter([shapes]), 20, "")
    soft = extractor.extract(iter([to_unit(shapes) * 0.2 + 0.1]), 20, "")
    assert torch.equal(hard["features"], soft["features"])
    assert hard["logits"].argmax(1).tolist() == [*range(10), *range(10)]


# Own files

trimesh = pytest.importorskip("trimesh")


def corner() -> Any:
    """Three bars from a corner: long to the right, shorter up, shortest to the front."""
    bars = [((1, 0.2, 0.2), (0.5, 0.1, 0.1)), ((0.2, 0.6, 0.2), (0.1, 0.3, 0.1)), ((0.2, 0.2, 0.4), (0.1, 0.1, 0.2))]
    return trimesh.util.concatenate([trimesh.creation.box(extents=e).apply_translation(c) for e, c in bars])


def request(folder: Path, **more: Any) -> DataRequest:
    return DataRequest("voxels", folder.parent / "root", argument=str(folder), **{"resolution": 16, **more})


def test_every_format_says_the_same_shape_the_right_way_up(tmp_path: Path) -> None:
    upright = corner()
    lying = upright.copy()
    lying.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0]))
    for ending in voxels.UPRIGHT | voxels.ZUP:
        (upright if ending in voxels.UPRIGHT else lying).export(tmp_path / f"a{ending}")
    grid = voxels.read(tmp_path / "a.obj", 16)[0]
    np.save(tmp_path / "a.npy", np.where(grid, 0.9, -0.9))
    np.save(tmp_path / "b.npy", grid[None].astype(np.uint8) * 255)
    flat = grid[:, ::-1].transpose(2, 0, 1).ravel()
    runs = b"".join(bytes([int(value), 1]) for value in flat)
    (tmp_path / "a.binvox").write_bytes(b"#binvox 1\ndim 16 16 16\ntranslate 0 0 0\nscale 1\ndata\n" + runs)
    found = voxels.load(request(tmp_path)).source.fetch(torch.arange(8))
    assert len(found) == 8
    assert all(torch.equal(each, found[0]) for each in found)
    z, y, x = (found[0, 0] > 0).nonzero(as_tuple=True)
    assert (int(y.max()), int(x.max() - x.min()) + 1) == (15, 15), "on the floor, and as wide as it fits"
    assert x.max() - x.min() > y.max() - y.min() > z.max() - z.min()
    top, right = (y == y.min()), (x == x.max())
    assert x[top].max() <= x.min() + 3, "what is high is at the left"
    assert z[right].max() <= z.min() + 3, "what is far right is at the back"
    assert (found[0, 0] > 0)[tuple(int(v) for v in (z[right][0] + 1, y[right][1], 8))], "filled"


def test_grids_of_another_size_keep_what_is_thin() -> None:
    pole = np.zeros((32, 32, 32), dtype=bool)
    pole[7, :, 9] = True
    small = voxels.fitted(pole, 16)
    assert np.argwhere(small).tolist() == [[3, y, 4] for y in range(16)]
    assert voxels.fitted(small, 32).sum() == 8 * 16
    assert np.argwhere(voxels.fitted(np.ones((1, 1, 1), bool), 1)).tolist() == [[0, 0, 0]]
    flat = voxels.fitted(np.ones((4, 2, 16), dtype=bool), 16)
    assert (flat[6:10, 14:].all(), int(flat.sum())) == (True, 4 * 2 * 16)


def test_classes_are_subfolders_and_what_cannot_be_filled_is_said(tmp_path: Path) -> None:
    for name in ("box", "sheet"):
        (tmp_path / name).mkdir()
    trimesh.creation.box(extents=(1, 1, 1)).export(tmp_path / "box" / "a.ply")
    trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]).export(tmp_path / "sheet" / "a.ply")
    (tmp_path / "box" / "readme.txt").write_text("a note")
    with pytest.warns(DataWarning) as said:
        found = voxels.load(request(tmp_path))
    assert [text for each in said if "1 of 2 shapes are meshes with holes" in (text := str(each.message))]
    assert [text for each in said if "1 entries are no shapes by their names" in (text := str(each.message))]
    assert found.info.classes == ("box", "sheet")
    full, sheet = (found.source.fetch(torch.arange(2)) > 0).flatten(1).sum(1).tolist()
    assert full > 13**3
    assert 0 < sheet < 16**2


def write(path: Path, content: "bytes | np.ndarray") -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    return path


BINVOX = b"#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n"


@pytest.mark.filterwarnings("ignore::ganzoo.data.base.DataWarning")
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.npy", b"rubbish", "is no NumPy array"),
        ("a.npy", np.zeros((2, 3)), r"is an array \[2, 3\] of float64; needed are numbers \[depth, height, width\]"),
        ("a.npy", np.array([[["x"]]]), "is an array"),
        ("a.npy", np.full((2, 2, 2), 7e5), "holds values from 700000 to 700000"),
        ("a.npy", np.full((2, 2, 2), np.nan), "not finite"),
        ("a.npy", np.zeros((2, 2, 2)), "is empty: no voxel is solid"),
        ("a.binvox", b"nothing", "is no binvox file"),
        ("a.binvox", BINVOX + b"\x01\x07", r"is cut off or damaged: its data are not of 2x2x2 voxels"),
        ("a.binvox", BINVOX.replace(b"2 2 2", b"9999 9999 9999"), "has 9999x9999x9999 voxels"),
        ("a.binvox", BINVOX.replace(b"2 2 2", b"a b c"), "names no three sides"),
        ("a.obj", b"# no triangles\n", r"is empty|cannot be read"),
        ("a.obj", b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "has no extent"),
        ("a.glb", b"glTF rubbish", "cannot be read as .glb"),
        ("a.stl", b"\x00" * 50, "cannot be read|is empty"),
    ],
)
def test_a_file_that_is_no_shape_is_one_line(name: str, content: Any, said: str, tmp_path: Path) -> None:
    write(tmp_path / "z.npy", np.ones((2, 2, 2)))
    write(tmp_path / name, content)
    with pytest.raises(DataError, match=said) as found:
        voxels.load(request(tmp_path))
    assert "\n" not in str(found.value)
    assert name in str(found.value)


def test_a_survey_reads_every_file(tmp_path: Path) -> None:
    for name, content in (("a", np.ones((32, 32, 32))), ("b", np.ones((2, 3, 4))), ("empty", np.zeros((2, 2, 2))),
                          ("bad", b"rubbish")):  # fmt: skip
        write(tmp_path / f"{name}.npy", content)
    done = CliRunner().invoke(command, ["verify", f"voxels:{tmp_path}"])
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in ("shapes, train 4", "grids of 2x3x4 1, brought to 32x32x32", "grids of 32x32x32 1",
                 "cannot be used empty.npy: is empty: no voxel is solid"):  # fmt: skip
        assert line in lines
    assert any(line.startswith("cannot be used bad.npy: is no NumPy array") for line in lines)
    assert "2 of its files cannot be used" in str(done.exception)


def test_a_huge_file_and_a_missing_package_are_told_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.npy", "b.npy"):
        write(tmp_path / name, np.ones((2, 2, 2)))
    monkeypatch.setattr(voxels, "MOST_BYTES", 100)
    with pytest.raises(DataError, match=r"a.npy has \d+ bytes; at most 100 are read"):
        voxels.load(request(tmp_path))
    write(tmp_path / "c.obj", b"")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataMissingError, match=r"c.obj is a mesh; .*pip install 'ganzoo\[voxels\]'"):
        voxels.load(request(tmp_path))


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        ({"argument": ""}, UsageError, "voxels:PATH"),
        ({"argument": "nowhere"}, DataError, "nowhere does not exist"),
        ({}, DataError, "holds no shapes; at least 2 needed. Read are .binvox .glb"),
        ({"resolution": 4}, ConfigError, "resolution = 4: voxels have 8 to 128"),
        ({"background": "black"}, ConfigError, "background = black does nothing"),
        ({"crop": 8}, ConfigError, "crop = 8 does nothing"),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    more: dict[str, Any], kind: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=said):
        voxels.load(DataRequest("voxels", tmp_path, **{"argument": str(tmp_path), **more}))


def test_shapes_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shapes").mkdir()
    for i in range(voxels.REMEMBERED):
        write(tmp_path / "shapes" / f"{i}.npy", np.arange(8).reshape(2, 2, 2) % 8 == i % 8)
    first = voxels.load(request(tmp_path / "shapes"))
    monkeypatch.setattr(voxels, "read", None)
    again = voxels.load(request(tmp_path / "shapes"))
    assert again.info == first.info
    with pytest.raises(TypeError):
        voxels.load(request(tmp_path / "shapes", resolution=8))
