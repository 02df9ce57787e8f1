"""``sounds:PATH`` and ``recordings:PATH``: a folder of your own ``.wav``, ``.flac``, ``.aiff`` or
``.ogg`` files.

Of ``sounds`` each file is one sample: its beginning, or all of it and silence. ``recordings`` are cut into slices, one
after the other, and each slice is a sample. Subfolders are classes or splits, as in ``folder:PATH``. Channels are
mixed, other sample rates are resampled. No file is skipped in silence: what is passed over is counted in a warning, and
what is named like a sound but cannot be read is an error.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest, tell
from ganzoo.data.packages.installed import require
from ganzoo.data.progress import Progress, silent
from ganzoo.data.resize import check_request
from ganzoo.data.sources.folder import listed, part_of_folder
from ganzoo.data.sources.listing import list_folder
from ganzoo.data.sources.survey import Survey, parts_of
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


class Unreadable(Exception):
    """Why a file is no sound, in words that follow its name."""


@dataclass
class Found:
    """What was read of a folder, and what a user may not expect of it."""

    waves: list[Wave] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    cut: int = 0
    mixed: int = 0
    resampled: int = 0
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
    folder, files, _ = open_sounds(request)
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


def open_sounds(request: DataRequest) -> tuple[Path, list[Path], int]:
    """The folder, the sounds in it, and how many other files there are, which a DataWarning reports.

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
    return folder, listing.images, len(listing.ignored)


def add(found: Found, path: Path, rate: int, length: int, sliced: bool) -> None:
    """Read a file, and add what is used of it.

    Raises:
        DataError: it cannot be read, is empty, or holds a value that is no number.
    """
    wave, sound, longer = read(path, rate, None if sliced else length)
    found.mixed += sound.channels > 1
    found.resampled += sound.rate != rate
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


@dataclass(frozen=True)
class Sound:
    """What a file holds: values float32 [L, channels] as far as they were read, and ``frames`` of them in all, ``rate``
    a second."""

    values: NDArray[Any]
    rate: int
    frames: int

    @property
    def channels(self) -> int:
        return int(self.values.shape[1])


def read(path: Path, rate: int, length: int | None) -> tuple[Wave, Sound, bool]:
    """(samples float32 [L] at ``rate``, what the file holds, whether more than ``length`` were there).

    Args:
        length: samples that are wanted at most; None: all.

    Raises:
        DataError: as :func:`add`.
    """
    import soxr

    try:
        sound = heard(path, None if length is None else length / rate + MARGIN)
    except Unreadable as error:
        raise DataError(f"{printable(str(path))} {error}.") from error
    wave = sound.values.mean(1, dtype=np.float32)
    if sound.rate != rate:
        wave = soxr.resample(wave, sound.rate, rate)
    longer = length is not None and sound.frames * rate > length * sound.rate
    return wave[:length].astype(np.float32), sound, longer


def heard(path: Path, seconds: float | None = None) -> Sound:
    """A file, or its first seconds.

    Raises:
        Unreadable: it is no sound, is empty, or holds a value that is no number.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            wanted = -1 if seconds is None else round(seconds * file.samplerate)
            sound = Sound(file.read(wanted, dtype="float32", always_2d=True), file.samplerate, file.frames)
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError) as error:
        said = str(getattr(error, "error_string", error)).strip().rstrip(".") or type(error).__name__
        raise Unreadable(f"cannot be read as a sound: {said}") from error
    if not len(sound.values):
        raise Unreadable("is empty: it holds no samples. Remove it")
    if not np.isfinite(sound.values).all():
        raise Unreadable("holds samples that are no numbers. Remove it")
    return sound


def survey(name: str, argument: str, root: Path, progress: Progress = silent) -> Survey:
    """Read every sound of a folder, and count.

    Raises:
        UsageError: no path.
        DataMissingError: soundfile or soxr is not installed.
        DataError: no such folder, or too few sounds.
    """
    require(own_spec(name))
    folder, files, others = open_sounds(DataRequest(name, root, argument))
    splits, classes = parts_of(name, root, argument, folder, files, "sound")
    rates: Counter[int] = Counter()
    seconds, bad, counts = [], {}, {"several channels": 0, "louder than 1": 0, "silent": 0}
    for number, path in enumerate(files):
        progress("reading sounds", number + 1, len(files))
        try:
            sound = heard(folder / path)
        except Unreadable as error:
            bad[printable(path.as_posix())] = str(error)
            continue
        loudest = float(np.abs(sound.values).max())
        rates[sound.rate] += 1
        seconds.append(sound.frames / sound.rate)
        counts["several channels"] += sound.channels > 1
        counts["louder than 1"] += loudest > 1 + SILENT
        counts["silent"] += loudest < SILENT
    told = [(f"{rate:,} Hz", f"{count:,}{'' if rate == DEFAULT_RATE else ', resampled'}") for rate, count in
            sorted(rates.items())]  # fmt: skip
    if seconds:
        told.append(("lengths", f"{min(seconds):.3g} to {max(seconds):.3g} s, {sum(seconds):.3g} s in all"))
    told += [(what, f"{count:,}") for what, count in counts.items() if count]
    counts = {what.replace(" ", "_"): count for what, count in counts.items()}
    facts = {
        "rates": {str(rate): count for rate, count in sorted(rates.items())},
        "seconds": [min(seconds), max(seconds), sum(seconds)] if seconds else [], **counts,
    }  # fmt: skip
    return Survey("sounds", splits, classes, told, facts, others, bad)


def say(request: DataRequest, folder: Path, found: Found, length: int, rate: int) -> None:
    """Say in warnings what a user may not expect."""
    pieces = "slices" if request.name == "recordings" else "sounds"
    for count, what in (
        (found.cut, f"sounds are longer than {length:,} samples ({length / rate:.2g} s) and are cut there: -o length=N "
         "takes more of each, recordings:PATH slices them"),
        (found.mixed, "sounds have several channels, which are mixed"),
        (found.resampled, f"sounds have another sample rate and are resampled to {rate:,} Hz: -o sample_rate=N asks "
         "for another"),
        (found.loud, "sounds are louder than 1 and are clipped"),
        (found.silent, f"{pieces} are silent and are passed over"),
    ):  # fmt: skip
        if count:
            tell(f"{folder}: {count:,} {what}.")
