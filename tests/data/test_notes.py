"""Notes: melodies that are drawn, folk songs in ABC, MIDI files in and out, piano rolls and sound."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, DataRequest, DataWarning
from ganzoo.data.drawn import melodies
from ganzoo.data.kinds import render, sound_of, writers
from ganzoo.data.kinds.notes import BEAT, RATE, SEMITONE, alphabet_of, played
from ganzoo.data.packages import installed, tunes
from ganzoo.data.sources import midi
from ganzoo.data.specs import own_spec
from ganzoo.errors import DataError, DataMissingError, SplitMissingError, UsageError

needs_mido = pytest.mark.skipif(find_spec("mido") is None, reason="mido is not installed")
needs_tunes = pytest.mark.skipif(
    bool(installed.missing_packages(own_spec("tunes"))), reason="the package of tunes is not installed"
)

SONG = """
T: Kuckuck
M: 3/4
L: 1/8
K: F
 c2 | f3ef2 | ^c2-c=ccz
_B2c2f2
f6
"""


def info(samples: Tensor) -> DataInfo:
    notes = alphabet_of(samples)
    return DataInfo("notes", "sequences", tuple(samples.shape[1:]), extra={"notes": notes, "tempo": 120})


def melody() -> Tensor:
    """A quarter, two together, and one after a rest: C, E with G, high C."""
    rows = [[1.0, 60.0, 100.0, 0.0], [0.5, 64.0, 72.0, 1.0], [0.5, 67.0, 72.0, 0.0], [1.0, 72.0, 127.0, 1.5]]
    return torch.tensor([rows])


# Sets


def test_melodies_are_the_same_on_every_machine_and_end_at_home() -> None:
    found = melodies.tunes(200, "train", 0)
    assert (
        hashlib.sha256(found.tobytes()).hexdigest()  # a change here changes every run on melodies
        == "decc8be0a041d1acfe729bd5f76cdb20d2fec8b1915c0c53c95ea809d2e3125e"
    )
    assert (found[:, -1, 1] == 60).all()
    assert {int(pitch) for pitch in np.unique(found[..., 1])} <= set(melodies.SCALE)
    assert np.array_equal(found[:, :3, 1], found[:, 4:7, 1]), "the bar comes twice"
    assert (found[:, 1:, 3] == found[:, :-1, 0]).all(), "a note begins where the one before ends"
    loaded = melodies.load(DataRequest("melodies", Path("unused"), split="test"))
    assert (loaded.info.kind, loaded.info.shape, loaded.info.count) == ("sequences", (8, 4), 1_000)
    assert list(loaded.info.extra["notes"]) == ["length", "pitch", "intensity", "gap"]


def test_a_song_in_abc() -> None:
    song = tunes.read_song(SONG)
    assert song is not None
    # In F, moved so that F is C, and by octaves to the middle; the flat B of the key, and a sharp to the bar line.
    pitches = [note[1] for note in song.notes]
    assert pitches == [67, 72, 71, 72, 68, 67, 67, 65, 67, 72, 72]
    assert [note[0] for note in song.notes] == [1, 1.5, 0.5, 1, 1.5, 0.5, 0.5, 1, 1, 1, 3]
    assert [note[3] for note in song.notes] == [0, 1, 1.5, 0.5, 1, 1.5, 0.5, 1, 1, 1, 1]
    loud = [i for i, note in enumerate(song.notes) if note[2] == tunes.LOUD]
    assert loud == [0, 1, 4, 7, 10], "the upbeat, and the first note of each bar, written bar line or not"
    assert song.lines == [0, 7, 10]


@pytest.mark.parametrize("change", [("L: 1/8", ""), ("K: F", "K: none"), ("f6", "[fa]6"), ("f6", "(3fff")])
def test_songs_that_are_not_plain_are_left_out(change: tuple[str, str]) -> None:
    assert tunes.read_song(SONG.replace(*change)) is None


def test_keys_and_their_signatures() -> None:
    assert tunes.key_of("C") == (0, {})
    assert tunes.key_of("D") == (2, {"F": 1, "C": 1})
    assert tunes.key_of("Bb") == (10, {"B": -1, "E": -1})
    assert tunes.key_of("Dm") == (2, {"B": -1})
    assert tunes.key_of("F#") == (6, dict.fromkeys("FCGDAE", 1))
    assert tunes.key_of("H") is None


def test_songs_in_halves_have_halves_as_their_beats_and_accidentals_hold_to_the_bar_line() -> None:
    song = tunes.read_song("M: 4/2\nL: 1/4\nK: C\n_E2E2 | E4")
    assert song is not None
    assert [note[:2] for note in song.notes] == [(1, 63), (1, 63), (2, 64)]


@needs_tunes
def test_the_songs_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunes, "LEFT_OUT", tuple(
        path.stem for path in installed.file_of("music21", "music21/corpus/essenFolksong").glob("*.abc")
        if not path.stem.startswith("kinder")
    ))  # fmt: skip
    train, test = (tunes.load(DataRequest("tunes", Path("unused"), split=split)) for split in ("train", "test"))
    assert 100 < train.info.count < 400
    assert 0 < test.info.count < train.info.count / 3
    assert train.info.extra == test.info.extra
    samples = train.fetch("images", torch.arange(train.info.count))
    assert samples.shape[1:] == (32, 4)
    assert (samples[:, 0, 3] == 0).all()
    assert samples[..., 0].unique().tolist() == train.info.extra["notes"]["length"]
    assert not {tuple(row) for row in samples.flatten(1).tolist()} & {
        tuple(row) for row in test.fetch("images", torch.arange(test.info.count)).flatten(1).tolist()
    }


def test_a_package_that_is_missing_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "version_of", lambda package: None)
    with pytest.raises(DataMissingError, match="pip install music21"):
        tunes.load(DataRequest("tunes", Path("unused")))


# Pictures, sound


def test_a_piano_roll_shows_when_and_how_high() -> None:
    samples = melody()
    picture = render(samples, info(samples))[0, 0]
    low, high = 59, 73
    assert picture.shape == ((high - low + 1) * SEMITONE, 4 * BEAT * 5 // 4)
    dark = picture < 200
    assert dark[(high - 60) * SEMITONE, : BEAT - 1].all()
    assert not dark[(high - 60) * SEMITONE, BEAT - 1 :].any()
    rows = {73 - int(row) // SEMITONE for row in dark[:, BEAT].nonzero().flatten()}
    assert rows == {64, 67}, "two at once"
    assert int(picture[(high - 72) * SEMITONE, BEAT * 5 // 2]) < int(picture[(high - 64) * SEMITONE, BEAT]), "louder"


def test_sound_has_the_pitch_and_the_length_of_its_notes() -> None:
    tune = torch.tensor([[[2.0, 69.0, 127.0, 0.0], [2.0, 81.0, 127.0, 2.0]]])
    heard = sound_of(tune, info(tune))
    assert heard is not None
    waves, rate = heard
    assert (rate, waves.shape[:2]) == (RATE, (1, 1))
    assert waves.shape[2] == pytest.approx(2.05 * RATE, abs=2)
    for first, frequency in ((0, 440), (RATE, 880)):  # at 120 beats a minute a note lasts a second
        spectrum = torch.fft.rfft(waves[0, 0, first : first + RATE]).abs()
        assert int(spectrum.argmax()) == frequency
    assert float(waves.abs().max()) <= 1
    assert sound_of(torch.zeros(1, 3, 2), DataInfo("x", "sequences", (3, 2))) is None


def test_notes_of_a_broken_network_are_still_drawn_and_heard() -> None:
    samples = torch.tensor([[[float("nan"), 1e9, -5.0, 1e9], [float("inf"), -3.0, 1e9, float("nan")]]])
    known = info(melody())
    assert render(samples, known).shape[0] == 1
    heard = sound_of(samples, known)
    assert heard is not None
    assert bool(heard[0].isfinite().all())


# MIDI


@needs_mido
def test_what_is_written_as_midi_is_read_again(tmp_path: Path) -> None:
    samples = melody()
    writers("sequences")[".mid"](samples, tmp_path / "a.mid", info(samples))
    found = midi.notes_of(tmp_path / "a.mid")
    assert [note[:2] for note in found] == [(1, 60), (0.5, 64), (0.5, 67), (1, 72)]
    assert [note[3] for note in found] == [0, 1, 0, 1.5]
    assert [note[2] for note in found] == [96, 72, 72, 127], "in eighths of eight"
    writers("sequences")[".mid"](samples.repeat(2, 1, 1), tmp_path / "b.mid", info(samples))
    assert sorted(path.name for path in tmp_path.glob("b*")) == ["b-0000.mid", "b-0001.mid"]
    assert played(samples[0])[:, 0].tolist() == [0, 1, 1, 2.5]


def file_of(path: Path, count: int, channel: int = 0, tracks: int = 1) -> None:
    """``count`` eighths in each track, the later ones a fifth higher."""
    import mido

    file = mido.MidiFile(ticks_per_beat=96)
    for number in range(tracks):
        track = mido.MidiTrack()
        for i in range(count):
            note = 60 + i % 12 + 7 * number
            track.append(mido.Message("note_on", note=note, velocity=80, time=0, channel=channel))
            track.append(mido.Message("note_on", note=note, velocity=0, time=48, channel=channel))
        file.tracks.append(track)
    path.parent.mkdir(exist_ok=True)
    file.save(str(path))


def load(path: Path, split: str = "train") -> object:
    return midi.load(DataRequest("midi", Path("unused"), argument=str(path), split=split))


@needs_mido
def test_tracks_are_put_together_and_drums_are_left_out(tmp_path: Path) -> None:
    file_of(tmp_path / "train" / "two.mid", 32, tracks=2)
    file_of(tmp_path / "test" / "long.MIDI", 50)
    file_of(tmp_path / "train" / "drums.mid", 40, channel=9)
    with pytest.warns(DataWarning, match=r"1 files have fewer than 32 notes beside drums .*\(drums.mid\)"):
        found = midi.load(DataRequest("midi", Path("unused"), argument=str(tmp_path)))
    assert (found.info.name, found.info.count) == (f"midi:{tmp_path}", 3), "64 notes: from 0, 16 and 32 on"
    first = found.fetch("images", torch.tensor([0]))[0]
    assert first[:4].tolist() == [[0.5, 60, 80, 0], [0.5, 67, 80, 0], [0.5, 61, 80, 0.5], [0.5, 68, 80, 0]]
    test = midi.load(DataRequest("midi", Path("unused"), argument=str(tmp_path), split="test"))
    assert test.info.count == 2
    alone = midi.load(DataRequest("midi", Path("unused"), argument=str(tmp_path / "test" / "long.MIDI")))
    assert torch.equal(alone.fetch("images", torch.arange(2)), test.fetch("images", torch.arange(2)))


@needs_mido
def test_midi_files_that_are_missing_damaged_or_empty_are_told_in_one_line(tmp_path: Path) -> None:
    for path, said in (
        ("", "'midi' needs the path of a MIDI file"),
        (tmp_path / "none", "none does not exist"),
        (tmp_path, "holds no MIDI files, whose names end in .mid or .midi"),
    ):
        with pytest.raises((UsageError, DataError), match=said):
            midi.load(DataRequest("midi", Path("unused"), argument=str(path)))
    file_of(tmp_path / "short.mid", 5)
    with pytest.raises(DataError, match=r"short.mid: its file has fewer than 32 notes"):
        load(tmp_path / "short.mid")
    with pytest.raises(SplitMissingError, match="has no folder 'test'"):
        load(tmp_path, "test")
    whole = (tmp_path / "short.mid").read_bytes()
    for content in (b"", b"RIFF0000", whole[:30], whole[:-7]):
        (tmp_path / "short.mid").write_bytes(content)
        with pytest.raises(DataError, match=r"short.mid cannot be read as MIDI: ") as told:
            load(tmp_path)
        assert "\n" not in str(told.value)


def test_without_mido_its_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mid").touch()
    for module in (midi, "ganzoo.data.kinds.notes"):
        monkeypatch.setattr(f"{module if isinstance(module, str) else module.__name__}.find_spec", lambda name: None)
    with pytest.raises(DataMissingError, match=r"pip install 'ganzoo\[midi\]'"):
        load(tmp_path)
    samples = melody()
    with pytest.raises(UsageError, match=r"pip install 'ganzoo\[midi\]'"):
        writers("sequences")[".mid"](samples, tmp_path / "b.mid", info(samples))


def test_sequences_that_are_no_notes_are_not_written_as_midi(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'x' holds sequences that are no notes; write them as .npy"):
        writers("sequences")[".mid"](torch.zeros(1, 3, 2), tmp_path / "b.mid", DataInfo("x", "sequences", (3, 2)))
