"""Sequences of notes [N, L, 4]: as a piano roll, as sound, as MIDI files, and how sets of them are made.

A note is four numbers, as in arXiv:1611.09904, section 3: its length in beats, its pitch as a MIDI number (60 is the
middle C, one more is a semitone higher), its intensity (0 to 127), and the gap: beats since the note before it began.
Notes that begin together have a gap of 0. ``info.extra["notes"]`` has the values that each of the four takes in the
data, and ``info.extra["tempo"]`` the beats of a minute.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, Dataset, digest
from ganzoo.errors import UsageError
from ganzoo.runtime.files import replace_file

COLUMNS = ("length", "pitch", "intensity", "gap")
NOTES = 32
"""Notes of a sample."""
GRID = 24
"""Parts of a beat in which notes begin and end when they are written or heard."""
TEMPO = 120
RATE = 8_000
"""Of sounds, in Hz: pages with sounds stay small."""
MOST_SECONDS = 20
HARMONICS = (1.0, 0.5, 0.25, 0.12)
"""How strong each multiple of the base frequency is."""
ATTACK, RELEASE, DECAY = 0.01, 0.05, 0.6
"""Seconds until a note is full, for which it sounds on after its end, and in which it falls to a third."""
BEAT, SEMITONE = 6, 3
"""Pixels of a piano roll."""
PAPER, LINE, FAINTEST = 255, 225, 170
TICKS = 480
"""Of a beat in MIDI files."""
LIMITS = (16.0, 127.0, 127.0, 16.0)
"""What a note may reach: a network in training may ask for a pause of a year."""


def is_notes(info: DataInfo) -> bool:
    """Whether sequences are notes."""
    found = info.extra.get("notes")
    return isinstance(found, Mapping) and tuple(found) == COLUMNS and info.shape[1:] == (len(COLUMNS),)


def note_dataset(request: DataRequest, samples: Tensor, alphabet: Mapping[str, Sequence[float]]) -> Dataset:
    """A data set of notes, float32 [N, L, 4].

    Args:
        alphabet: the values that each column takes, in rising order.
    """
    notes = {name: [float(value) for value in alphabet[name]] for name in COLUMNS}
    info = DataInfo(
        name=request.name,
        kind="sequences",
        shape=tuple(samples.shape[1:]),
        count=len(samples),
        split=request.split,
        digest=digest(samples),
        extra={"notes": notes, "tempo": TEMPO},
    )
    return Dataset(info, {"images": samples})


def alphabet_of(*samples: Tensor) -> dict[str, list[float]]:
    """The values that each column of notes [..., 4] takes, in rising order."""
    together = torch.cat([each.reshape(-1, len(COLUMNS)) for each in samples])
    return {name: together[:, i].unique().tolist() for i, name in enumerate(COLUMNS)}


def window(notes: Sequence[Sequence[float]], start: int) -> NDArray[np.float32]:
    """``NOTES`` notes from ``start`` on, float32 [NOTES, 4]; the first one follows on nothing, and its gap is 0."""
    found = np.array(notes[start : start + NOTES], dtype=np.float32)
    found[0, COLUMNS.index("gap")] = 0
    return found


def played(notes: Tensor) -> NDArray[np.float64]:
    """Notes [L, 4] as they are written: float64 [L, 4] of start and end in beats, on a grid, pitch and intensity, in
    whole numbers."""
    values = notes.detach().cpu().double().nan_to_num().clamp(min=0)
    length, pitch, intensity, gap = torch.minimum(values, torch.tensor(LIMITS, dtype=torch.float64)).t()
    start = (gap.cumsum(0) * GRID).round() / GRID
    length = (length * GRID).round().clamp(min=1) / GRID
    found = torch.stack([start - start[:1], start - start[:1] + length, pitch.round(), intensity.round()], 1)
    return np.asarray(found.numpy())


def draw_notes(samples: Tensor, info: DataInfo) -> Tensor:
    """A piano roll of each sample, uint8 [N, 1, H, W]: time from left to right, pitch upwards, darker where louder.

    Lines mark every C and every fourth beat. As wide as five beats for four notes; what comes later is cut off.
    """
    pitches = info.extra["notes"]["pitch"]
    low, high = math.floor(min(pitches)) - 1, math.ceil(max(pitches)) + 1
    height, width = (high - low + 1) * SEMITONE, samples.shape[1] * BEAT * 5 // 4
    sheet = np.full((len(samples), height, width), PAPER, dtype=np.uint8)
    sheet[:, :, :: 4 * BEAT] = LINE
    for pitch in range(low, high + 1):
        if pitch % 12 == 0:
            sheet[:, (high - pitch) * SEMITONE + SEMITONE - 1] = LINE
    for i, sample in enumerate(samples):
        for start, end, pitch, intensity in played(sample):
            top = int(min(max(high - pitch, 0), high - low)) * SEMITONE
            left, right = round(start * BEAT), max(round(start * BEAT) + 1, round(end * BEAT) - 1)
            sheet[i, top : top + SEMITONE, left:right] = FAINTEST - FAINTEST * int(intensity) // 127
    return torch.from_numpy(sheet)[:, None]


def hear_notes(samples: Tensor, info: DataInfo) -> tuple[Tensor, int]:
    """Samples as sound: waves [N, 1, T] in [-1, 1] as long as the longest sample, and their rate in Hz.

    Each note is a base frequency with a few multiples, which fades like a plucked string.
    """
    beat = 60 / float(info.extra.get("tempo", TEMPO))
    plans = [played(sample) for sample in samples]
    seconds = max((float(plan[:, 1].max()) for plan in plans), default=0.0) * beat + RELEASE
    out = np.zeros((len(plans), max(1, int(min(seconds, MOST_SECONDS) * RATE))), dtype=np.float32)
    for wave, plan in zip(out, plans, strict=True):
        for start, end, pitch, intensity in plan:
            first = int(start * beat * RATE)
            tone = _tone(pitch, (end - start) * beat)[: max(0, len(wave) - first)]
            wave[first : first + len(tone)] += tone * np.float32(intensity / 127)
        wave /= max(1.0, float(np.abs(wave).max()))
    return torch.from_numpy(out)[:, None], RATE


def _tone(pitch: float, seconds: float) -> NDArray[np.float32]:
    """One note, float32 [T], below 1."""
    time = np.arange(int((seconds + RELEASE) * RATE), dtype=np.float32) / RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    # Above half the rate a frequency would be heard as another one.
    parts = [(k, s) for k, s in enumerate(HARMONICS, 1) if k * frequency < RATE / 2]
    wave = sum((s * np.sin(2 * math.pi * k * frequency * time) for k, s in parts), np.zeros_like(time))
    shape = np.minimum(time / ATTACK, 1) * np.exp(-time / DECAY) * np.clip((seconds + RELEASE - time) / RELEASE, 0, 1)
    return np.asarray(wave * shape * 0.5, dtype=np.float32)


def write_midi(samples: Tensor, path: Path, info: DataInfo) -> None:
    """Notes as MIDI files: one as ``path``, more as ``NAME-0000.mid``, ``NAME-0001.mid`` ...

    Raises:
        UsageError: the sequences are no notes, or mido is not installed.
    """
    if not is_notes(info):
        raise UsageError(f"{path}: {info.name!r} holds sequences that are no notes; write them as .npy.")
    if find_spec("mido") is None:
        raise UsageError(f"{path}: MIDI files are written by mido, which is not installed: pip install 'ganzoo[midi]'")
    for i, sample in enumerate(samples):
        target = path if len(samples) == 1 else path.with_name(f"{path.stem}-{i:04d}{path.suffix}")
        replace_file(target, partial(_save_midi, played(sample), float(info.extra.get("tempo", TEMPO))))


def _save_midi(plan: NDArray[np.float64], tempo: float, path: Path) -> None:
    """One sample as a MIDI file of one track."""
    import mido

    file = mido.MidiFile(type=0, ticks_per_beat=TICKS)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))])
    file.tracks.append(track)
    events: list[tuple[int, bool, int, int]] = []
    for start, end, pitch, intensity in plan.tolist():
        # An intensity of 0 would end a note instead of beginning one.
        events.append((round(start * TICKS), True, int(pitch), max(1, int(intensity))))
        events.append((round(end * TICKS), False, int(pitch), 0))
    now = 0
    for tick, begins, pitch, intensity in sorted(events):  # what ends at a time comes before what begins then
        kind: Any = "note_on" if begins else "note_off"
        track.append(mido.Message(kind, note=pitch, velocity=intensity, time=tick - now))
        now = tick
    file.save(str(path))
