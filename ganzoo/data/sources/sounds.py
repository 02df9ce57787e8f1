"""``sounds:PATH`` and ``recordings:PATH``: a folder of your own ``.wav``, ``.flac``, ``.aiff`` or
``.ogg`` files.

Of ``sounds`` each file is one sample: its beginning, or all of it and silence. ``recordings`` are cut into slices, one
after the other, and each slice is a sample. Subfolders are classes or splits, as in ``folder:PATH``. Channels are
mixed, other sample rates are resampled. No file is skipped in silence: what is passed over is counted in a warning, and
what is named like a sound but cannot be read is an error.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest, tell
from ganzoo.data.packages.installed import require
from ganzoo.data.resize import check_request
from ganzoo.data.sources.folder import listed, part_of_folder
from ganzoo.data.sources.listing import list_folder
from ganzoo.data.specs import own_spec
from ganzoo.errors import DataError, UsageError, printable

ENDINGS = frozenset((".wav", ".flac", ".aif", ".aiff", ".ogg"))
DEFAULT_RATE, DEFAULT_LENGTH = 16_000, 4_096
MINIMUM = 2  # one sound has no distribution to learn
MARGIN = 0.25
"""Seconds that are read beyond the part that is used: what resampling looks at."""
SILENT = 2.0**-15
"""What stays below this is silence: the step of 16 bits."""
Wave = NDArray[np.float32]


@dataclass
class Found:
    """What was read of a folder, and what a user may not expect of it."""

    waves: list[Wave] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    cut: int = 0
    mixed: int = 0
    loud: int = 0
    silent: int = 0


def load_sounds(request: DataRequest) -> Dataset:
    """Each file as one sample, by default 4,096 samples at 16 kHz.

    Fields: ``images`` float32 [N, 1, L] in [-1, 1]; ``labels`` where there are classes.

    Raises:
        UsageError: no path was given.
        DataMissingError: soundfile or soxr is not installed.
        DataError: no such folder or split, fewer than two sounds, or files that cannot be read.
    """
    return load(request, sliced=False)


def load_recordings(request: DataRequest) -> Dataset:
    """Slices of files, one after the other. A rest of less than half a slice is left out. Raises as
    :func:`load_sounds`."""
    return load(request, sliced=True)


def load(request: DataRequest, sliced: bool) -> Dataset:
    """A folder of sounds, by name of the request."""
    spec = own_spec(request.name)
    check_request(request, spec)
    require(spec)
    folder, files = open_sounds(request)
    part = part_of_folder(request, folder, files, "sound")
    rate, length = request.sample_rate or DEFAULT_RATE, request.length or DEFAULT_LENGTH
    found = Found()
    for number, path in enumerate(part.images):
        before = len(found.waves)
        add(found, part.folder / path, rate, length, sliced)
        if part.labels is not None:
            found.labels += [int(part.labels[number])] * (len(found.waves) - before)
        if len(found.waves) * length * 4 > request.memory:
            raise DataError(
                f"{folder}: sounds of {length:,} samples do not fit into {request.memory / 2**30:.3g} GiB of memory: "
                "take fewer of them."
            )
        request.progress(f"reading {folder.name}", number + 1, len(part.images))
    say(request, folder, found, length, rate)
    if len(found.waves) < MINIMUM:
        raise DataError(f"{folder} holds nothing but silence: {len(found.waves)} sounds are left.")
    labels = torch.tensor(found.labels) if part.labels is not None else None
    if labels is not None:
        counts = torch.bincount(labels, minlength=len(part.classes)).tolist()
        if empty := [name for name, count in zip(part.classes, counts, strict=True) if not count]:
            raise DataError(f"{folder}: nothing is heard in class {empty[0]!r}: remove it.")
    waves = torch.from_numpy(np.stack(found.waves))[:, None]
    info = DataInfo(
        name=f"{request.name}:{request.argument}",
        kind="waves",
        shape=(1, length),
        classes=part.classes if labels is not None else (),
        count=len(waves),
        split=request.split,
        digest=digest(waves, labels),
        extra={"sample_rate": rate},
    )
    return Dataset(info, {"images": waves, **({} if labels is None else {"labels": labels})})


def open_sounds(request: DataRequest) -> tuple[Path, list[Path]]:
    """The folder, and the sounds in it; what else is there is reported in a DataWarning.

    Raises:
        UsageError: no path was given.
        DataError: no such folder, or fewer than two sounds.
    """
    if not request.argument:
        raise UsageError(f"{request.name!r} needs the path of a folder of sounds: {request.name}:PATH.")
    folder = Path(request.argument).expanduser()
    if not folder.is_dir():
        what = "is a file, no folder" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}. Give the path of a folder of sounds as {request.name}:PATH.")
    listing = list_folder(folder, ENDINGS)
    least = 1 if request.name == "recordings" else MINIMUM
    if len(listing.images) < least:
        others = f" and {len(listing.ignored):,} other files" if listing.ignored else ""
        raise DataError(
            f"the folder {folder} holds {len(listing.images)} sounds{others}; at least {least} needed. Files count as "
            f"sounds by their extension: {' '.join(sorted(ENDINGS))}."
        )
    if listing.ignored:
        count, names = len(listing.ignored), listed(listing.ignored)
        tell(f"{folder}: {count:,} entries are not sounds by their names and are passed over ({names}).")
    return folder, listing.images


def add(found: Found, path: Path, rate: int, length: int, sliced: bool) -> None:
    """Read a file, and add what is used of it.

    Raises:
        DataError: it cannot be read, is empty, or holds a value that is no number.
    """
    wave, channels, longer = read(path, rate, None if sliced else length)
    found.mixed += channels > 1
    found.loud += bool(np.abs(wave).max(initial=0.0) > 1 + SILENT)
    found.cut += longer and not sliced
    wave = np.clip(wave, -1, 1)
    ends = range(0, len(wave), length) if sliced else range(1)
    for start in ends:
        piece = wave[start : start + length]
        if start and 2 * len(piece) < length:
            continue
        if np.abs(piece).max(initial=0.0) < SILENT:
            found.silent += 1
            continue
        found.waves.append(np.pad(piece, (0, length - len(piece))))


def read(path: Path, rate: int, length: int | None) -> tuple[Wave, int, bool]:
    """(samples float32 [L] at ``rate``, channels of the file, whether more than ``length`` were there).

    Args:
        length: samples that are wanted at most; None: all.

    Raises:
        DataError: as :func:`add`.
    """
    import soundfile
    import soxr

    try:
        with soundfile.SoundFile(path) as file:
            wanted = -1 if length is None else round((length / rate + MARGIN) * file.samplerate)
            content: NDArray[Any] = file.read(wanted, dtype="float32", always_2d=True)
            own, channels, frames = file.samplerate, file.channels, file.frames
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError) as error:
        said = str(getattr(error, "error_string", error)).strip().rstrip(".") or type(error).__name__
        raise DataError(f"{printable(str(path))} cannot be read as a sound: {said}.") from error
    if not len(content):
        raise DataError(f"{printable(str(path))} is empty: it holds no samples. Remove it.")
    if not np.isfinite(content).all():
        raise DataError(f"{printable(str(path))} holds samples that are no numbers. Remove it.")
    wave = content.mean(1, dtype=np.float32)
    if own != rate:
        wave = soxr.resample(wave, own, rate)
    longer = length is not None and frames * rate > length * own
    return wave[:length].astype(np.float32), channels, longer


def say(request: DataRequest, folder: Path, found: Found, length: int, rate: int) -> None:
    """Say in warnings what a user may not expect."""
    pieces = "slices" if request.name == "recordings" else "sounds"
    for count, what in (
        (found.cut, f"sounds are longer than {length:,} samples ({length / rate:.2g} s) and are cut there: -o length=N "
         "takes more of each, recordings:PATH slices them"),
        (found.mixed, "sounds have several channels, which are mixed"),
        (found.loud, "sounds are louder than 1 and are clipped"),
        (found.silent, f"{pieces} are silent and are passed over"),
    ):  # fmt: skip
        if count:
            tell(f"{folder}: {count:,} {what}.")
