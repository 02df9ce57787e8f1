"""A folder of one's own sounds: what becomes of lengths, rates, channels, silence and damage."""

import builtins
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.packages import installed
from ganzoo.data.sources import sounds
from ganzoo.errors import ConfigError, DataError, DataMissingError, SplitMissingError, UsageError

soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
pytest.importorskip("soxr", reason="soxr is not installed")


def sine(length: int, rate: int = 16_000, hertz: float = 500, loud: float = 0.5) -> np.ndarray:
    return loud * np.sin(2 * np.pi * hertz * np.arange(length) / rate)


def write(path: Path, wave: np.ndarray, rate: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate)


def load(folder: Path, name: str = "sounds", **more: Any) -> tuple[Dataset, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = getattr(sounds, f"load_{name}")(
            DataRequest(name, Path("unused"), argument=str(folder), **{"length": 100, **more})
        )
    assert all(issubclass(each.category, DataWarning) for each in caught)
    return found, [str(each.message) for each in caught]


def test_short_ones_are_followed_by_silence_and_long_ones_cut(tmp_path: Path) -> None:
    write(tmp_path / "a" / "long.wav", sine(250))
    write(tmp_path / "b" / "short.flac", sine(60))
    found, said = load(tmp_path)
    assert (found.info.shape, found.info.count, found.info.classes) == ((1, 100), 2, ("a", "b"))
    assert (found.info.kind, found.info.extra) == ("waves", {"sample_rate": 16_000})
    assert found.labels.tolist() == [0, 1]
    long, short = found.fetch("images", torch.arange(2))[:, 0].numpy()
    assert np.allclose(long, sine(100), atol=1e-4)
    assert np.allclose(short, np.pad(sine(60), (0, 40)), atol=1e-4)
    assert any("1 sounds are longer than 100 samples" in each and "-o length=N" in each for each in said)
    assert found.info.digest == load(tmp_path)[0].info.digest
    write(tmp_path / "b" / "short.flac", sine(61))
    assert found.info.digest != load(tmp_path)[0].info.digest


def test_recordings_are_sliced_and_a_short_rest_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a" / "x.wav", sine(249))
    write(tmp_path / "b" / "y.wav", sine(250, hertz=900))
    write(tmp_path / "b" / "z.wav", sine(20))
    found, said = load(tmp_path, "recordings")
    assert found.labels.tolist() == [0, 0, 1, 1, 1, 1]
    waves = found.fetch("images", torch.arange(6))[:, 0].numpy()
    assert np.allclose(waves[:2].flatten(), sine(200), atol=1e-4)
    assert np.allclose(waves[4], np.pad(sine(250, hertz=900)[200:], (0, 50)), atol=1e-4)
    assert not any("longer" in each for each in said)


def test_another_rate_is_resampled_and_channels_are_mixed(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", np.stack([sine(44_100, 44_100), sine(44_100, 44_100, 1_000)], 1), 44_100)
    write(tmp_path / "b.wav", sine(8_000, 8_000), 8_000)
    found, said = load(tmp_path, length=8_000)
    mixed, plain = found.fetch("images", torch.arange(2))[:, 0].numpy()
    inner = slice(500, 7_500)
    assert np.allclose(mixed[inner], (sine(8_000) + sine(8_000, hertz=1_000))[inner] / 2, atol=2e-3)
    assert np.allclose(plain[inner], sine(8_000)[inner], atol=2e-3)
    assert any("1 sounds have several channels, which are mixed" in each for each in said)
    assert [each for each in said if "are resampled" in each] == [
        f"{tmp_path}: 2 sounds have another sample rate and are resampled to 16,000 Hz: "
        "-o sample_rate=N asks for another."
    ]
    slower, said = load(tmp_path, length=400, sample_rate=8_000)
    assert any("1 sounds have another sample rate and are resampled to 8,000 Hz" in each for each in said)
    assert slower.info.extra["sample_rate"] == 8_000
    assert np.allclose(slower.fetch("images", torch.tensor([1]))[0, 0], sine(400, 8_000), atol=1e-4)


def test_silent_and_loud_ones_are_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.wav", sine(100))
    write(tmp_path / "silent.wav", np.zeros(100))
    soundfile.write(tmp_path / "loud.wav", sine(100, loud=3.0), 16_000, subtype="FLOAT")
    (tmp_path / "notes.txt").write_text("x")
    found, said = load(tmp_path)
    assert found.info.count == 3
    assert float(found.fetch("images", torch.arange(3)).abs().max()) == 1
    for text in ("1 sounds are silent and are passed over", "1 sounds are louder than 1 and are clipped",
                 "1 entries are not sounds by their names"):  # fmt: skip
        assert any(text in each for each in said)


def damaged(path: Path, content: bytes | None = None, wave: np.ndarray | None = None) -> Path:
    for name in ("a", "b"):
        write(path / f"{name}.wav", sine(100))
    if content is not None:
        (path / "bad.wav").write_bytes(content)
    if wave is not None:
        soundfile.write(path / "bad.wav", wave, 16_000, subtype="FLOAT")
    return path


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"content": b"no sound at all"}, r"bad.wav cannot be read as a sound: .+\.$"),
        ({"content": b""}, r"bad.wav cannot be read as a sound"),
        ({"wave": np.zeros(0)}, r"bad.wav is empty: it holds no samples"),
        ({"wave": np.array([0.1, np.nan])}, r"bad.wav holds samples that are no numbers"),
    ],
)
def test_what_cannot_be_used_is_named(made: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said) as error:
        load(damaged(tmp_path, **made))
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore::ganzoo.data.base.DataWarning")
def test_a_survey_hears_every_file(tmp_path: Path) -> None:
    damaged(tmp_path / "train" / "x", content=b"no sound at all")
    write(tmp_path / "train" / "y" / "slow.wav", np.stack([sine(8_000, 8_000)] * 2, 1), 8_000)
    write(tmp_path / "train" / "y" / "silent.wav", np.zeros(100))
    for name in ("c", "d"):
        write(tmp_path / "test" / "y" / f"{name}.wav", sine(100))
    found = sounds.survey("sounds", str(tmp_path), Path("unused"))
    lines = found.lines()
    for line in (("sounds, train", "5"), ("sounds, test", "2"), ("classes", "2, of 2 to 3 sounds"),
                 ("8,000 Hz", "1, resampled"), ("16,000 Hz", "5"), ("lengths", "0.00625 to 1 s, 1.03 s in all"),
                 ("several channels", "1"), ("silent", "1")):  # fmt: skip
        assert line in lines
    assert list(found.bad) == ["train/x/bad.wav"]
    assert found.bad["train/x/bad.wav"].startswith("cannot be read as a sound: ")
    assert found.as_json()["rates"] == {"8000": 1, "16000": 5}


def test_folders_that_hold_too_little_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'sounds' needs the path of a folder of sounds: sounds:PATH"):
        sounds.load_sounds(DataRequest("sounds", tmp_path))
    with pytest.raises(DataError, match=r"does not exist\. Give the path of a folder of sounds as sounds:PATH"):
        load(tmp_path / "none")
    write(tmp_path / "one.wav", sine(100))
    with pytest.raises(DataError, match="holds 1 sounds; at least 2 needed"):
        load(tmp_path)
    write(tmp_path / "two.wav", np.zeros(100))
    with pytest.raises(DataError, match="holds nothing but silence: 1 sounds are left"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"do not fit into .* of memory"):
        load(tmp_path, memory=100)
    with pytest.raises(SplitMissingError, match="no split 'test'"):
        load(tmp_path, split="test")
    with pytest.raises(ConfigError, match="say nothing about the waves of data set"):
        load(tmp_path, resolution=8)
    for name, wave in (("a/1", sine(100)), ("a/2", sine(100)), ("b/1", np.zeros(100))):
        write(tmp_path / "sorted" / f"{name}.wav", wave)
    with pytest.raises(DataError, match="nothing is heard in class 'b'"):
        load(tmp_path / "sorted")


def test_splits_are_told_by_their_folders(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("test", 2)):
        for number in range(count):
            write(tmp_path / split / f"{number}.wav", sine(100))
    found, said = load(tmp_path, split="test")
    assert (found.info.count, found.info.split) == (2, "test")
    assert any("3 sounds to train on, 2 to test with" in each for each in said)


def test_missing_libraries_are_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = installed.version_of
    monkeypatch.setattr(installed, "version_of", lambda name: None if name == "soxr" else known(name))
    real = builtins.__import__

    def refuse(name: str, *args: Any, **more: Any) -> Any:
        assert name not in ("soxr", "soundfile"), "nothing is imported before it is known to be there"
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DataMissingError, match=r"soxr is not installed: pip install soxr"):
        load(tmp_path)
