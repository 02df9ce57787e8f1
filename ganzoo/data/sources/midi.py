"""``midi:PATH``: MIDI files as notes, by mido: one file, or those below a folder.

The tracks of a file are put together, without drums (channel 10). Times are in beats, on a grid of a twelfth of one;
what the files say of the tempo is not kept. A sample is 32 notes, and the next one begins 16 notes later. Folders
``train`` and ``test`` (or ``val``) are splits. A file with fewer notes is passed over with a word; a damaged one is an
error.
"""

import dataclasses
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganzoo.data.base import DataRequest, Dataset, tell
from ganzoo.data.kinds.notes import NOTES, alphabet_of, note_dataset, window
from ganzoo.data.resize import check_request
from ganzoo.data.sources.listing import is_clutter, refuse_special
from ganzoo.data.sources.splits import split_folder
from ganzoo.data.specs import own_spec
from ganzoo.errors import DataError, DataMissingError, SplitMissingError, UsageError, describe

ENDINGS = (".mid", ".midi")
DRUMS = 9
"""The channel of drums, which counts from 0."""
GRID = 12
"""Parts of a beat: sixteenths and triplets fall on them."""
LONGEST = 8.0
"""Beats that a note, or a gap, may have."""
LOUDNESS = 8
"""Intensities are rounded to multiples of this."""
STRIDE = NOTES // 2
Note = tuple[float, float, float, float]


def load(request: DataRequest) -> Dataset:
    """Notes, float32 [N, 32, 4]: length, pitch, intensity, gap.

    Raises:
        UsageError: no path was given.
        DataError: nothing is there, a file is damaged, or all have too few notes.
        DataMissingError: mido is not installed.
        SplitMissingError: no folder is this split.
    """
    check_request(request, own_spec("midi"))
    paths = files_of(request)
    if find_spec("mido") is None:
        raise DataMissingError("midi:PATH is read by mido, which is not installed: pip install 'ganzoo[midi]'")
    found: list[np.ndarray] = []
    short: list[Path] = []
    for i, path in enumerate(paths):
        notes = notes_of(path)
        if len(notes) < NOTES:
            short.append(path)
        found += [window(notes, start) for start in range(0, len(notes) - NOTES + 1, STRIDE)]
        request.progress("reading MIDI files", i + 1, len(paths))
    few = f"fewer than {NOTES} notes beside drums"
    if not found:
        raise DataError(f"{request.argument}: {'its file has' if len(paths) == 1 else 'all its files have'} {few}.")
    if short:
        tell(f"{request.argument}: {len(short):,} files have {few} and are passed over ({short[0].name}).")
    samples = torch.from_numpy(np.stack(found))
    named = dataclasses.replace(request, name=f"midi:{request.argument}")
    return note_dataset(named, samples, alphabet_of(samples))


def files_of(request: DataRequest) -> list[Path]:
    """The MIDI files of a split, in the order of their names.

    Raises:
        UsageError, DataError, SplitMissingError: as :func:`load`.
    """
    if not request.argument:
        raise UsageError("'midi' needs the path of a MIDI file or of a folder of them: midi:PATH.")
    top = Path(request.argument).expanduser()
    if not top.exists():
        raise DataError(f"{top} does not exist. Give the path of a MIDI file or of a folder of them as midi:PATH.")
    place = split_folder(top, request.split) if top.is_dir() else None
    if place is None and request.split != "train":
        raise SplitMissingError(f"{top} has no folder {request.split!r}: all of it is the training split.")
    place = place or top
    if not place.is_dir():
        refuse_special(str(place))
        return [place]
    found = [each for each in sorted(place.rglob("*")) if each.suffix.lower() in ENDINGS and not is_clutter(each.name)]
    if not found:
        raise DataError(f"the folder {place} holds no MIDI files, whose names end in {' or '.join(ENDINGS)}.")
    for path in found:
        refuse_special(str(path))
    return found


def notes_of(path: Path) -> list[Note]:
    """Length, pitch, intensity and gap of the notes of a file, by the time at which they begin, low ones first.

    Raises:
        DataError: it cannot be read as MIDI.
    """
    import mido

    try:
        file = mido.MidiFile(str(path), clip=True)
        if file.ticks_per_beat <= 0:
            raise ValueError("its times are not in beats")
        heard = sorted(each for track in file.tracks for each in _of_track(track))
    except Exception as error:  # readers raise whatever a damaged file leads them to
        reason = "it ends too early" if isinstance(error, EOFError) else describe(error)
        raise DataError(f"{path} cannot be read as MIDI: {reason}.") from error
    found, before = [], None
    for start, pitch, end, velocity in heard:
        begins, length = _on_grid(start / file.ticks_per_beat), _on_grid((end - start) / file.ticks_per_beat)
        gap = 0.0 if before is None else min(LONGEST, begins - before)
        loud = min(127, max(1, round(velocity / LOUDNESS)) * LOUDNESS)
        found.append((min(LONGEST, max(1 / GRID, length)), float(pitch), float(loud), gap))
        before = begins
    return found


def _on_grid(beats: float) -> float:
    return round(beats * GRID) / GRID


def _of_track(track: Any) -> Iterator[tuple[int, int, int, int]]:
    """Start in ticks, pitch, end, velocity of the notes of a track; one that is never ended ends with the track."""
    now, sounding = 0, dict[tuple[int, int], tuple[int, int]]()
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == DRUMS:
            continue
        key = message.channel, message.note
        if key in sounding:  # a tone that begins again has ended
            start, velocity = sounding.pop(key)
            yield start, message.note, now, velocity
        if message.type == "note_on" and message.velocity:
            sounding[key] = now, message.velocity
    for (_, pitch), (start, velocity) in sounding.items():
        yield start, pitch, now, velocity
