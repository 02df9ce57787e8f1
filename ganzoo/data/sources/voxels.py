"""``voxels:PATH``: a folder of shapes in three dimensions; its subfolders are classes, as those of ``folder:PATH``.

Grids of voxels (``.npy``, ``.binvox``) are brought to the resolution that is asked for. Meshes are scaled to fit, put
on the floor, in the middle, and filled. All files are read once, at the start, and what they give is remembered.
"""

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import adaptive_max_pool3d, interpolate

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest, tell
from ganzoo.data.images.facts import Census
from ganzoo.data.images.remember import Decoded, key_of, remembered
from ganzoo.data.progress import Progress, silent
from ganzoo.data.resize import check_request
from ganzoo.data.sources.folder import MINIMUM, listed, part_of_folder
from ganzoo.data.sources.listing import Listing, list_folder
from ganzoo.data.sources.survey import Survey, parts_of
from ganzoo.data.specs import own_spec
from ganzoo.errors import ConfigError, DataError, DataMissingError, UsageError, describe, printable

Grid = NDArray[np.bool_]
"""Which voxels are solid, [depth, height, width]; the first row is the top."""
GRIDS = frozenset({".npy", ".binvox"})
UPRIGHT, ZUP = frozenset({".obj", ".ply", ".glb"}), frozenset({".stl", ".off"})
"""Meshes whose y points upwards, and those whose z does: what programs that write them mostly mean."""
ENDINGS = GRIDS | UPRIGHT | ZUP
DEFAULT_RESOLUTION = 32
LEAST, MOST = 8, 128
"""Sides, in voxels."""
MOST_BYTES = 256 * 2**20
"""Of a file: a larger one would not be read in a time that anyone waits."""
MOST_VOXELS = 1024**3
"""That a grid may hold before it is made smaller."""
REMEMBERED = 20
"""So few files are read each time."""
VERSION = 1
"""Of reading: raised when the same file gives other voxels."""
INSTALL = "pip install 'ganzoo[voxels]'"


class Unreadable(Exception):
    """Why a file is no shape, in words that follow its name."""


def load(request: DataRequest) -> Dataset:
    """The shapes of a folder, by default of 32x32x32 voxels: uint8 [N, 1, side, side, side], 0 or 255.

    Raises:
        UsageError: no path was given.
        ConfigError: a side out of range, settings of images, or shapes that do not fit into memory.
        SplitMissingError: the folder has no such split.
        DataError: no such folder, fewer than two shapes, or a file that is none.
        DataMissingError: a package that reads meshes is not installed.
    """
    check_request(request, own_spec("voxels"))
    side = request.resolution or DEFAULT_RESOLUTION
    if not LEAST <= side <= MOST:
        raise ConfigError(f"resolution = {side}: voxels have {LEAST} to {MOST} a side.")
    for name, value, usual in (("background", request.background, "white"), ("levels", request.levels, None),
                               ("crop", request.crop, None)):  # fmt: skip
        if value != usual:
            raise ConfigError(f"{name} = {value} does nothing: it is for images, and these are voxels.")
    folder, listing = open_folder(request.argument)
    part = part_of_folder(request, folder, listing.images, "shape")
    size = len(part.images) * side**3
    if size > request.memory:
        raise ConfigError(f"resolution = {side}: {len(part.images):,} shapes of this size do not fit into memory.")
    refuse_missing(part.folder, part.images)
    key = key_of(part.folder, part.images, f"voxels {VERSION} {side}", REMEMBERED)
    found = remembered(request.root, key, part.folder, lambda: read_all(request, part.folder, part.images, side), size)
    assert found.samples is not None, "voxels are kept"
    if found.census.open_surfaces:
        tell(
            f"{part.folder}: {found.census.open_surfaces:,} of {len(part.images):,} shapes are meshes with holes that "
            "enclose nothing: their surface is used, not filled."
        )
    info = DataInfo(
        name=f"voxels:{request.argument}",
        kind="voxels",
        shape=tuple(found.samples.shape[1:]),
        classes=part.classes,
        count=len(part.images),
        split=request.split,
        digest=digest(found.samples, part.labels),
    )
    labels = {} if part.labels is None else {"labels": part.labels}
    return Dataset(info, {"images": found.samples, **labels})


def open_folder(argument: str) -> tuple[Path, Listing]:
    """The folder and its shapes; other files are reported in a DataWarning.

    Raises:
        UsageError: no path was given.
        DataError: no such folder, or fewer than two shapes.
    """
    if not argument:
        raise UsageError("'voxels' needs the path of a folder of shapes: voxels:PATH.")
    folder, known = Path(argument).expanduser(), " ".join(sorted(ENDINGS))
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"the folder {folder} {what}. Give the path of a folder of shapes as voxels:PATH.")
    listing = list_folder(folder, ENDINGS)
    if len(listing.images) < MINIMUM:
        found = f"one shape ({listing.images[0]})" if listing.images else "no shapes"
        raise DataError(f"the folder {folder} holds {found}; at least {MINIMUM} needed. Read are {known}.")
    if listing.ignored:
        names = listed(listing.ignored)
        tell(f"{folder}: {len(listing.ignored):,} entries are no shapes by their names and are passed over ({names}).")
    return folder, listing


def refuse_missing(folder: Path, shapes: list[Path]) -> None:
    """Raise DataMissingError where there are meshes and what reads them is not installed."""
    mesh = next((path for path in shapes if path.suffix.lower() not in GRIDS), None)
    missing = [name for name in ("trimesh", "scipy") if importlib.util.find_spec(name) is None]
    if mesh is not None and missing:
        raise DataMissingError(
            f"{folder / mesh} is a mesh; {' and '.join(missing)} that fill it are missing: {INSTALL}."
        )


def read_all(request: DataRequest, folder: Path, shapes: list[Path], side: int) -> Decoded:
    """Every file as voxels, uint8 [N, 1, side, side, side].

    Raises:
        DataError: the first file that is no shape, and why.
    """
    out, census = torch.empty((len(shapes), 1, side, side, side), dtype=torch.uint8), Census()
    for i, shape in enumerate(shapes):
        try:
            grid, is_open = read(folder / shape, side)
        except Unreadable as error:
            raise DataError(f"{folder / shape} {error}.") from error
        except OSError as error:
            raise DataError(f"{folder / shape} cannot be read: {error.strerror or error}.") from error
        out[i, 0] = torch.from_numpy(grid) * 255
        census.count += 1
        census.open_surfaces += is_open
        request.progress("reading shapes", i + 1, len(shapes))
    return Decoded(census, out)


def read(path: Path, side: int) -> tuple[Grid, bool]:
    """(voxels [side, side, side], whether it is a mesh that encloses nothing) of a file.

    Raises:
        Unreadable: it is no shape.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        raise Unreadable(f"has {size:,} bytes; at most {MOST_BYTES:,} are read: make it simpler")
    if path.suffix.lower() not in GRIDS:
        return voxelised(path, side)
    return fitted(read_grid(path), side), False


def read_grid(path: Path) -> Grid:
    """A file of voxels in its own size.

    Raises:
        Unreadable: it is none, or no voxel is solid.
    """
    grid = read_npy(path) if path.suffix.lower() == ".npy" else read_binvox(path)
    if not grid.any():
        raise Unreadable("is empty: no voxel is solid")
    return grid


def survey(name: str, argument: str, root: Path, progress: Progress = silent) -> Survey:
    """Read every shape of a folder, meshes as voxels of the usual size, and count.

    Raises:
        UsageError: no path.
        DataMissingError: a package that reads meshes is not installed.
        DataError: no such folder, or fewer than two shapes.
    """
    folder, listing = open_folder(argument)
    splits, classes = parts_of(name, root, argument, folder, listing.images, "shape")
    refuse_missing(folder, listing.images)
    sizes: Counter[str] = Counter()
    bad, meshes, holes = {}, 0, 0
    for number, path in enumerate(listing.images):
        progress("reading shapes", number + 1, len(listing.images))
        try:
            if path.suffix.lower() in GRIDS and (folder / path).stat().st_size <= MOST_BYTES:
                sizes["x".join(map(str, read_grid(folder / path).shape))] += 1
            else:
                holes += read(folder / path, DEFAULT_RESOLUTION)[1]
                meshes += 1
        except Unreadable as error:
            bad[printable(path.as_posix())] = str(error)
        except OSError as error:
            bad[printable(path.as_posix())] = f"cannot be read: {error.strerror or error}"
    usual = "x".join([str(DEFAULT_RESOLUTION)] * 3)
    told = [(f"grids of {size}", f"{count:,}{'' if size == usual else f', brought to {usual}'}") for size, count in
            sorted(sizes.items())]  # fmt: skip
    told += [(what, f"{count:,}") for what, count in (("meshes", meshes), ("  with holes, not filled", holes)) if count]
    facts = {"sizes": dict(sorted(sizes.items())), "meshes": meshes, "open": holes}
    return Survey("shapes", splits, classes, told, facts, len(listing.ignored), bad)


def read_npy(path: Path) -> Grid:
    """An array [depth, height, width] or [1, depth, height, width]. Solid is what is true, above 0 where there are
    values below 0, above a half of 0 to 1, or above 127 of 0 to 255."""
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise Unreadable(f"is no NumPy array: {describe(error)}") from error
    if not isinstance(values, np.ndarray):
        raise Unreadable("holds several arrays; save one with numpy.save")
    given = list(values.shape)
    values = values[0] if values.ndim == 4 and len(values) == 1 else values
    if values.ndim != 3 or 0 in values.shape or values.dtype.kind not in "biuf":
        raise Unreadable(f"is an array {given} of {values.dtype}; needed are numbers [depth, height, width]")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise Unreadable("holds values that are not finite")
    low, high = values.min(), values.max()
    if low < -1 or high > 255 or (low < 0 and high > 1):
        raise Unreadable(f"holds values from {low:g} to {high:g}; needed are -1 to 1, 0 to 1 or 0 to 255")
    found: Grid = values > (0 if low < 0 else 127 if high > 1 else 0.5)
    return found


def read_binvox(path: Path) -> Grid:
    """A file of binvox, Patrick Min's format: a header in words, then pairs of a value and how often it comes.

    Voxels are in the order x, z, y, the last the fastest, and y points upwards.
    """
    content = path.read_bytes()
    head, mark, data = content.partition(b"data\n")
    words = head.decode("ascii", errors="replace").split()
    if not mark or words[:1] != ["#binvox"] or "dim" not in words:
        raise Unreadable("is no binvox file: its header is not there")
    place = words.index("dim")
    try:
        x, z, y = (int(word) for word in words[place + 1 : place + 4])
    except ValueError:
        raise Unreadable("is no binvox file: its header names no three sides") from None
    if min(x, y, z) < 1 or x * y * z > MOST_VOXELS:
        raise Unreadable(f"has {x}x{z}x{y} voxels; 1 to {MOST_VOXELS:,} are read")
    pairs = np.frombuffer(data[: len(data) // 2 * 2], dtype=np.uint8).reshape(-1, 2)
    if int(pairs[:, 1].sum(dtype=np.int64)) != x * y * z:
        raise Unreadable(f"is cut off or damaged: its data are not of {x}x{z}x{y} voxels")
    flat = np.repeat(pairs[:, 0] > 0, pairs[:, 1])
    found: Grid = flat.reshape(x, z, y).transpose(1, 2, 0)[:, ::-1]
    return found


def read_mesh(path: Path) -> Any:
    """A mesh with all its parts where they belong, as a trimesh.Trimesh.

    Raises:
        Unreadable: it cannot be read, or nothing can be filled.
    """
    import trimesh

    kind = path.suffix.lower().removeprefix(".")
    more: dict[str, Any] = {"skip_materials": True} if kind == "obj" else {}  # they are in files beside it
    try:
        scene = trimesh.load_scene(path, file_type=kind, **more)
        mesh = scene.to_mesh() if scene.geometry else None
    except Exception as error:  # readers raise whatever a damaged file leads them to
        raise Unreadable(f"cannot be read as .{kind}: {describe(error)}") from error
    if mesh is None or not len(mesh.faces):
        raise Unreadable("is empty: it has no triangles")
    used = np.asarray(mesh.vertices, dtype=np.float64)[np.unique(mesh.faces)]
    if not np.isfinite(used).all():
        raise Unreadable("has corners that are not finite")
    if not np.ptp(used, axis=0).max() > 0:
        raise Unreadable("has no extent: all its corners are one point")
    return mesh


def voxelised(path: Path, side: int) -> tuple[Grid, bool]:
    """A mesh as voxels, filled, as large as the grid allows with a little room around, on the floor.

    Returns:
        (voxels, whether it has holes and encloses nothing, so that the surface is all there is).
    """
    from scipy.ndimage import binary_fill_holes

    mesh = read_mesh(path)
    used = np.asarray(mesh.vertices, dtype=np.float64)[np.unique(mesh.faces)]
    try:
        surface = np.asarray(mesh.voxelized(float(np.ptp(used, axis=0).max()) / (side - 2)).matrix, dtype=bool)
    except Exception as error:  # of triangles that no one has thought of
        raise Unreadable(f"cannot be voxelised: {describe(error)}") from error
    filled: Grid = binary_fill_holes(surface)
    is_open = bool((filled == surface).all()) and not bool(mesh.is_watertight)
    # x, y, z, of which y or z points upwards, to depth, height and width.
    if path.suffix.lower() in UPRIGHT:
        return fitted(filled.transpose(2, 1, 0)[:, ::-1], side), is_open
    return fitted(filled.transpose(1, 2, 0)[::-1, ::-1], side), is_open


def fitted(grid: Grid, side: int) -> Grid:
    """Voxels in a cube of that side: on the floor, in the middle. Where they become fewer, one is solid if any was."""
    largest = max(grid.shape)
    cube = np.zeros((max(largest, 1),) * 3, dtype=bool)
    depth, height, width = grid.shape
    z, x = (largest - depth) // 2, (largest - width) // 2
    cube[z : z + depth, largest - height :, x : x + width] = grid
    if largest == side:
        return cube
    if largest < side and largest >= side - 2:  # a mesh with room around
        room = side - largest
        return np.pad(cube, ((room // 2, room - room // 2), (room, 0), (room // 2, room - room // 2)))
    values = torch.from_numpy(np.ascontiguousarray(cube)).float()[None, None]
    sized = adaptive_max_pool3d(values, side) if largest > side else interpolate(values, size=(side,) * 3)
    found: Grid = (sized[0, 0] > 0.5).numpy()
    return found
