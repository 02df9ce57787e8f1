"""``tunes``: European folk songs of the Essen collection, from the ABC files of the package music21.

The files hold one voice in a small part of ABC, which is read here: music21's own reader would take minutes. The songs
from China are left out, because many of them were composed in the last century, and the files of tests. So are songs
with anything but plain notes, rests and ties. A song is moved so that its key note is C, by octaves too, so that its
middle is near to that C.

A sample is 32 notes from the beginning of a line of a song, which is a line of its text. A tenth of the songs are the
test split; songs of one title are in the same one. ABC has no intensities: the first note of a bar is louder.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import torch

from ganzoo.data.base import DataRequest, Dataset
from ganzoo.data.kinds.notes import NOTES, alphabet_of, note_dataset, window
from ganzoo.data.packages.installed import file_of, require
from ganzoo.data.resize import check_request
from ganzoo.data.specs import own_spec
from ganzoo.errors import DataError

LEFT_OUT = ("han1", "han2", "test0", "test1", "testd", "teste")
"""Files: songs from China, and what was typed to try the format."""
TEST_SHARE = 10
"""One of so many titles is in the test split."""
LENGTHS = (0.125, 0.25, 0.375, 0.5, 0.75, 1, 1.5, 2, 3, 4)
"""Beats of notes; the few windows with others are left out."""
MOST_GAP = 6.0
LOUD, SOFT = 100, 72
"""Intensities of the first note of a bar, and of the others."""
MIDDLE = 65
"""Songs are moved by octaves until their mean pitch is nearest to this."""

TOKEN = re.compile(r"(\^|_|=)?([A-Ga-gz])([,']*)(\d*)(-?)|(\|)|(\S)")
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARPS, FLATS = "FCGDAEB", "BEADGCF"
"""The letters that a signature raises, and lowers, in order."""
FIFTHS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1}
MINOR = -3
"""A minor key has as many sharps as the major one three steps further down the fifths."""


@dataclass
class Song:
    """One song.

    Attributes:
        notes: length, pitch, intensity, gap of each.
        lines: numbers of the notes with which a line begins.
    """

    title: str = ""
    notes: list[tuple[float, float, float, float]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def load(request: DataRequest) -> Dataset:
    """Notes, float32 [N, 32, 4]: length, pitch, intensity, gap.

    Raises:
        DataMissingError: the package is not installed.
        DataError: its files hold no songs that can be read.
    """
    spec = own_spec("tunes")
    check_request(request, spec)
    require(spec)
    folder = file_of("music21", "music21/corpus/essenFolksong")
    paths = [path for path in sorted(folder.glob("*.abc")) if path.stem not in LEFT_OUT]
    found: dict[str, list[np.ndarray]] = {split: [] for split in spec.splits}
    for i, path in enumerate(paths):
        for song in songs(path.read_text(encoding="utf-8", errors="replace")):
            found["test" if in_test(song.title) else "train"] += windows(song)
        request.progress("reading songs", i + 1, len(paths))
    if not all(found.values()):
        raise DataError(f"{folder} holds no songs that can be read.")
    samples = {split: torch.from_numpy(np.stack(rows)) for split, rows in found.items()}
    return note_dataset(request, samples[request.split], alphabet_of(*samples.values()))


def in_test(title: str) -> bool:
    """Whether a song is in the test split."""
    plain = "".join(letter for letter in title.casefold() if letter.isalnum())
    return int(hashlib.sha256(plain.encode()).hexdigest(), 16) % TEST_SHARE == 0


def windows(song: Song) -> list[np.ndarray]:
    """The samples of a song, float32 [32, 4] each: from the beginning of every line that has as many notes after it."""
    found = [window(song.notes, start) for start in dict.fromkeys(song.lines) if start + NOTES <= len(song.notes)]
    return [each for each in found if np.isin(each[:, 0], LENGTHS).all() and each[:, 3].max() <= MOST_GAP]


def songs(text: str) -> Iterator[Song]:
    """The songs of an ABC file that are plain and have a key and a unit."""
    for part in re.split(r"^X:.*$", text, flags=re.MULTILINE)[1:]:
        found = read_song(part)
        if found is not None and found.notes:
            yield found


def read_song(text: str) -> Song | None:
    """One song in ABC, without its ``X:``; None for one with anything but plain notes, rests, ties and bars.

    An accidental holds to the next bar line that is written. At the end of a line none is written, and whether a bar
    ends there follows from the metre.
    """
    fields = dict(re.findall(r"^([A-Z]):[ \t]*(.*?)[ \t]*$", text, flags=re.MULTILINE))
    unit, key = _fraction(fields.get("L", "")), key_of(fields.get("K", ""))
    if not unit or key is None:
        return None
    tonic, signature = key
    # Written in halves or in whole notes, a song has those as its beats.
    metre = _fraction(fields.get("M", ""))
    beat = 4 if metre is None else min(4, int(fields["M"].partition("/")[2]))
    song, held, tied = Song(fields.get("T", "")), dict[str, int](), False
    filled, gap, new_bar = Fraction(0), Fraction(0), True
    for line in text.splitlines():
        if re.match(r"[A-Za-z]:", line) or not line.strip():
            continue
        song.lines.append(len(song.notes))
        new_bar = new_bar or (metre is not None and filled >= metre)
        for accidental, letter, octave, count, tie, bar, other in TOKEN.findall(line):
            if other:
                return None
            if bar:
                held.clear()
                new_bar = True
                continue
            if new_bar:
                filled = Fraction(0)
            length = unit * int(count or 1)
            filled += length
            if letter == "z":
                gap, new_bar, tied = gap + length * beat, False, False
                continue
            if accidental:
                held[letter + octave] = {"^": 1, "_": -1, "=": 0}[accidental]
            raised = held.get(letter + octave, signature.get(letter.upper(), 0))
            height = 12 * (letter.islower() + octave.count("'") - octave.count(","))
            pitch = 60 + SEMITONES[letter.upper()] + height + raised - tonic
            if tied and song.notes and song.notes[-1][1] == pitch:
                first = song.notes.pop()
                note = (first[0] + float(length * beat), *first[1:])
            else:
                note = (float(length * beat), float(pitch), float(LOUD if new_bar else SOFT), float(gap))
                gap = Fraction(0)
            song.notes.append(note)
            gap, tied, new_bar = gap + length * beat, bool(tie), False
    return centred(song)


def centred(song: Song) -> Song:
    """The song moved by octaves, so that its mean pitch is nearest to ``MIDDLE``."""
    if song.notes:
        mean = sum(note[1] for note in song.notes) / len(song.notes)
        octaves = round((MIDDLE - mean) / 12)
        song.notes = [(length, pitch + 12 * octaves, loud, gap) for length, pitch, loud, gap in song.notes]
    return song


def key_of(text: str) -> tuple[int, dict[str, int]] | None:
    """The key note, 0 to 11 semitones above C, and how many semitones its signature raises each letter; None for
    what is no key."""
    found = re.fullmatch(r"([A-G])(#|b)?(m)?", text)
    if not found:
        return None
    letter, sign, minor = found.groups()
    shift = {"#": 1, "b": -1}.get(sign, 0)
    fifths = FIFTHS[letter] + 7 * shift + (MINOR if minor else 0)
    order = SHARPS if fifths > 0 else FLATS
    signature = dict.fromkeys(order[: abs(fifths)], 1 if fifths > 0 else -1)
    return (SEMITONES[letter] + shift) % 12, signature


def _fraction(text: str) -> Fraction | None:
    """``"3/4"``; None for what is no such number, such as ``none``."""
    return Fraction(text) if re.fullmatch(r"[1-9]\d{0,2}/[1-9]\d{0,2}", text) else None
