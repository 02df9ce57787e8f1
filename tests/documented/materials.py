"""The reader's own files that the documentation speaks of, and official data sets, all of them small."""

import struct
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import torch
import trimesh
from PIL import Image

from ganzoo.data.base import DataRequest
from ganzoo.data.drawn import glyphs

from .short import DRAWN

RNG = np.random.default_rng(0)
PHOTOS = ("photos", "Set5", "faces", "cats", "horses", "zebras", "stickers", "folder", "Set14", "BSD100", "BSDS200")
"""Folders of RGB images without classes."""
CLASSES = {"animals": ("cats", "dogs"), "parts": ("fine", "scratched", "broken")}
"""Folders of classes."""
CAPTIONS = "file,caption\n" + "".join(f"{i}.jpg,a {word} on a chair\n" for i, word in enumerate(["cat", "dog"] * 6, 1))


def image(path: Path, mode: str = "RGB", side: int = 96) -> None:
    """An image of noise in soft colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (side // 8, side // 8, len(mode)) if len(mode) > 1 else (side // 8, side // 8)
    pixels = np.clip(RNG.integers(0, 256, shape) + RNG.integers(0, 60), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).resize((side, side)).save(path)


def write_files(folder: Path) -> None:
    """Everything that a reader would have beside the runs."""
    for name in PHOTOS:
        for number in range(1, 13):
            image(folder / name / f"{number}.jpg")
    (folder / "photos" / "captions.csv").write_text(CAPTIONS, encoding="utf-8")
    for name, classes in CLASSES.items():
        for number in range(12):
            image(folder / name / classes[number % len(classes)] / f"{number // 2 + 1 - number % 2}.jpg")
    for number in range(12):
        image(folder / "icons" / f"{number}.png", "RGBA")
        deep = RNG.integers(0, 4096, (64, 64)).astype(np.uint16)
        (folder / "xrays").mkdir(exist_ok=True)
        Image.fromarray(deep).save(folder / "xrays" / f"{number}.png")
        for place in ("pairs/A", "pairs/B", "unpaired/A", "unpaired/B"):
            image(folder / place / f"{number}.png")
    for name in ("digit.png", "more/seven.png", "a.png", "b.png", *(f"digits/{n}.png" for n in range(10))):
        image(folder / name, "L", 32)
    for name in ("drawing.png", "satellite.png", "relief.png", "photo.png", "face.png", "small.jpg"):
        image(folder / name, side=64)
    hole = np.zeros((64, 64), np.uint8)
    hole[16:48, 16:48] = 255
    Image.fromarray(hole).save(folder / "mask.png")
    with zipfile.ZipFile(folder / "photos.zip", "w") as packed:
        for path in sorted((folder / "photos").glob("*.jpg")):
            packed.write(path, path.name)
    rows = [f"{path.relative_to(folder / 'animals').as_posix()},{'tabby' if 'cats' in path.parts else 'poodle'}"
            for path in sorted((folder / "animals").rglob("*.jpg"))]  # fmt: skip
    (folder / "labels.csv").write_text("file,class\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "texts.txt").write_text("a small red star\na large blue circle\n", encoding="utf-8")
    write_other_kinds(folder)


def write_other_kinds(folder: Path) -> None:
    """Sounds, notes and shapes."""
    for name in ("drums", "music", "furniture"):
        (folder / name).mkdir()
    for number in range(12):
        soundfile.write(folder / "drums" / f"{number}.wav", RNG.uniform(-0.5, 0.5, 16_384).astype(np.float32), 16_000)
        trimesh.creation.box((1, 1 + number / 10, 2)).export(folder / "furniture" / f"{number}.obj")
        tune = mido.MidiFile()
        track = mido.MidiTrack()
        tune.tracks.append(track)
        for note in range(64):
            pitch = 60 + (note * (number + 1)) % 12
            track.append(mido.Message("note_on", note=pitch, velocity=90, time=0))
            track.append(mido.Message("note_off", note=pitch, velocity=0, time=240))
        tune.save(folder / "music" / f"{number}.mid")


def write_data(root: Path) -> None:
    """MNIST, Fashion-MNIST and CIFAR-10 as they are published, of drawn digits."""
    parts = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glyphs, "COUNTS", DRAWN)
        patch.setattr(glyphs, "_recent", {})
        for split in DRAWN:
            found = glyphs.load(DataRequest(name="glyphs", split=split, root=root))
            parts[split] = found.fetch("images", torch.arange(DRAWN[split])), found.labels
    for split, stem in (("train", "train"), ("test", "t10k")):
        images, labels = (part.numpy().astype(np.uint8) for part in parts[split])
        for name in ("MNIST", "FashionMNIST"):
            raw = root / name / "raw"
            raw.mkdir(parents=True, exist_ok=True)
            (raw / f"{stem}-images-idx3-ubyte").write_bytes(idx(images[:, 0]))
            (raw / f"{stem}-labels-idx1-ubyte").write_bytes(idx(labels))
        large = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2))).repeat(3, 1)
        large[:, :2] //= 1 + labels[:, None, None, None] % 2  # some blue, some grey
        large[::3, ::2] = 0  # and some green
        large = large.reshape(len(images), -1)
        records = np.concatenate([labels[:, None], large], 1)
        folder = root / "cifar-10-batches-bin"
        folder.mkdir(exist_ok=True)
        names = [f"data_batch_{i}.bin" for i in range(1, 6)] if split == "train" else ["test_batch.bin"]
        for name, part in zip(names, np.array_split(records, len(names)), strict=True):
            (folder / name).write_bytes(part.tobytes())


def idx(array: np.ndarray) -> bytes:
    """An IDX file of bytes."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
