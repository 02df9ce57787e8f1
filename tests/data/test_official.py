"""MNIST and CIFAR readers on small files made here in the official formats, whole and damaged; STL-10's labels."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from ganzoo.data.base import DataRequest, Dataset, DataWarning
from ganzoo.data.published import cifar, idx, vision
from ganzoo.data.specs import DATASETS
from ganzoo.data.specs.published import CIFAR100_CLASSES
from ganzoo.errors import ConfigError, DataError, DataMissingError, UnknownNameError, UsageError

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
LABELS = np.arange(12, dtype=np.uint8) % 10


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(root: Path, packed: bool = False, images: bytes = b"", labels: bytes = b"") -> Path:
    """MNIST's four files below ``root``; returns the one with the training images."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        for name, data in (
            (f"{split}-images-idx3-ubyte", images or idx_bytes(IMAGES)),
            (f"{split}-labels-idx1-ubyte", labels or idx_bytes(LABELS)),
        ):
            (raw / (name + ".gz" * packed)).write_bytes(gzip.compress(data) if packed else data)
    return raw / ("train-images-idx3-ubyte" + ".gz" * packed)


def mnist(root: Path, **settings: object) -> Dataset:
    return idx.load(DataRequest(name="mnist", root=root, **settings))


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_read_packed_and_unpacked(tmp_path, packed):
    write_mnist(tmp_path, packed)
    data = mnist(tmp_path)
    assert np.array_equal(data.source.fetch(torch.arange(12)).numpy()[:, 0], IMAGES)
    assert data.labels.tolist() == LABELS.tolist()
    assert data.labels.dtype == torch.int64
    assert (data.info.shape, data.info.count, data.info.split) == ((1, 28, 28), 12, "train")
    assert data.info.classes == tuple("0123456789")


def test_the_digest_tells_data_apart(tmp_path):
    changed = IMAGES.copy()
    changed[3, 4, 5] ^= 1
    write_mnist(tmp_path / "a")
    write_mnist(tmp_path / "b", packed=True)
    write_mnist(tmp_path / "c", images=idx_bytes(changed))
    write_mnist(tmp_path / "d", labels=idx_bytes(LABELS[::-1].copy()))
    digests = [mnist(tmp_path / name).info.digest for name in "abcd"]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize("cut", [0, 3, 15, 16, 5000])
def test_a_short_idx_file_is_named_with_its_bytes(tmp_path, cut):
    path = write_mnist(tmp_path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match="cut short") as error:
        mnist(tmp_path)
    assert str(path) in str(error.value)
    assert (f"{12 * 28 * 28:,}" in str(error.value)) == (cut >= 16)


def test_a_short_gz_file_is_named(tmp_path):
    path = write_mnist(tmp_path, packed=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="cannot be unpacked") as error:
        mnist(tmp_path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (idx_bytes(IMAGES) + b"x", b"", "too long"),
        (idx_bytes(LABELS) * 3, b"", "0x00000801, expected 0x00000803"),
        (b"", idx_bytes(LABELS[:7]), "12 images, but .* 7 labels"),
        (b"", idx_bytes(LABELS + 1), "the label 10; mnist has 0 to 9"),
        (idx_bytes(IMAGES[:0]), idx_bytes(LABELS[:0]), "no images"),
    ],
)
def test_files_that_are_something_else_are_refused(tmp_path, images, labels, message):
    write_mnist(tmp_path, images=images, labels=labels)
    with pytest.raises(DataError, match=message):
        mnist(tmp_path)


def test_missing_files_are_named_with_checksums_and_the_command(tmp_path):
    write_mnist(tmp_path).unlink()
    with pytest.raises(DataMissingError) as error:
        mnist(tmp_path)
    for part in ("1 file is", "train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", "data fetch mnist"):
        assert part in str(error.value)
    assert "t10k" not in str(error.value)
    assert mnist(tmp_path, split="test").info.count == 12


def test_resolution_and_channels(tmp_path):
    write_mnist(tmp_path)
    data = mnist(tmp_path, resolution=32, channels=3)
    images = data.source.fetch(torch.arange(12))
    assert images.shape == (12, *data.info.shape) == (12, 3, 32, 32)
    assert images.dtype == torch.uint8
    assert torch.equal(images[:, 0], images[:, 2])


def test_a_set_too_large_once_resized_is_resized_when_fetched(tmp_path):
    write_mnist(tmp_path)
    held, resized = mnist(tmp_path, resolution=64), mnist(tmp_path, resolution=64, memory=10_000)
    assert type(held.source) is not type(resized.source)
    order = torch.tensor([5, 0, 5, 11])
    assert torch.equal(held.source.fetch(order), resized.source.fetch(order))
    assert held.info.shape == resized.info.shape


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"split": "tets"}, UnknownNameError, "did you mean 'test'"),
        ({"argument": "x"}, UsageError, "takes nothing after its name"),
        ({"resolution": 0}, ConfigError, "resolution = 0"),
        ({"channels": 4}, ConfigError, "channels = 4"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_before_files_are_looked_for(tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        mnist(tmp_path, **settings)


def records(count: int, label_bytes: int, classes: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(label_bytes)
    labels = rng.integers(0, classes, (count, label_bytes), dtype=np.uint8)
    images = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
    return np.concatenate([labels, images], axis=1).tobytes(), images.reshape(count, 3, 32, 32), labels[:, -1]


def write_cifar10(root: Path) -> list[Path]:
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    data, _, _ = records(20, 1, 10)
    paths = [folder / f"data_batch_{i}.bin" for i in range(1, 6)]
    for i, path in enumerate(paths):
        path.write_bytes(data[i * 4 * 3073 : (i + 1) * 4 * 3073])
    return paths


def cifar_set(name: str, root: Path, **settings: object) -> Dataset:
    """A set as small as the tests write it, taken for whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cifar, "PUBLISHED", {"train": 20, "test": 6})
        return cifar.load(DataRequest(name=name, root=root, **settings))


def test_a_cifar_training_file_that_lacks_whole_records_is_refused(tmp_path):
    write_cifar10(tmp_path)
    with pytest.raises(DataError, match="holds 20 of 50,000 images: a file is cut short"):
        cifar.load(DataRequest(name="cifar10", root=tmp_path))


def test_a_short_cifar_test_split_loads_with_a_warning_and_an_honest_count(tmp_path):
    write_cifar10(tmp_path)[0].rename(tmp_path / "cifar-10-batches-bin" / "test_batch.bin")
    with pytest.warns(DataWarning, match=r"4 of 10,000 images"):
        assert cifar.load(DataRequest(name="cifar10", root=tmp_path, split="test")).info.count == 4


def test_cifar10_is_read_in_order(tmp_path):
    write_cifar10(tmp_path)
    data = cifar_set("cifar10", tmp_path)
    _, images, labels = records(20, 1, 10)
    assert np.array_equal(data.source.fetch(torch.arange(20)).numpy(), images)
    assert data.labels.tolist() == labels.tolist()
    assert data.info.count == 20


def test_cifar100_has_the_fine_labels(tmp_path):
    data, images, fine = records(6, 2, 20)
    (tmp_path / "cifar-100-binary").mkdir()
    (tmp_path / "cifar-100-binary/test.bin").write_bytes(data)
    loaded = cifar_set("cifar100", tmp_path, split="test")
    assert loaded.labels.tolist() == fine.tolist()
    assert np.array_equal(loaded.source.fetch(torch.arange(6)).numpy(), images)
    assert len(loaded.info.classes) == len(set(CIFAR100_CLASSES)) == 100


def test_grey_is_the_luma(tmp_path):
    write_cifar10(tmp_path)
    grey = cifar_set("cifar10", tmp_path, channels=1).source.fetch(torch.arange(20)).numpy()[:, 0]
    _, images, _ = records(20, 1, 10)
    luma = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    assert np.abs(grey - luma).max() <= 0.501


@pytest.mark.parametrize("size", [0, 1, 3072, 3 * 3073 + 7])
def test_a_cifar_file_that_ends_within_a_record_is_refused(tmp_path, size):
    path = write_cifar10(tmp_path)[2]
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=rf"{path.name} is cut short: {size:,} bytes"):
        cifar.load(DataRequest(name="cifar10", root=tmp_path))


def test_a_cifar_file_with_impossible_labels_is_refused(tmp_path):
    path = write_cifar10(tmp_path)[0]
    path.write_bytes(b"\x0a" + path.read_bytes()[1:])
    with pytest.raises(DataError, match="the label 10, expected 0 to 9"):
        cifar.load(DataRequest(name="cifar10", root=tmp_path))


@pytest.mark.parametrize(
    ("name", "load"),
    [("svhn", vision.load_svhn), ("stl10", vision.load_stl10), ("celeba", vision.load_celeba)],
)
def test_sets_of_torchvision_say_what_is_missing(tmp_path, name, load):
    with pytest.raises(DataMissingError) as error:
        load(DataRequest(name=name, root=tmp_path))
    [spec] = [spec for spec in DATASETS if spec.name == name]
    for file in spec.files:
        assert file.path in str(error.value)
        assert file.checksum in str(error.value)


def test_stl10_damaged_files_are_told_as_ours(tmp_path):
    [spec] = [spec for spec in DATASETS if spec.name == "stl10"]
    for member in spec.files[0].members:
        (tmp_path / member.path).parent.mkdir(exist_ok=True)
        (tmp_path / member.path).write_bytes(b"damaged")
    with pytest.raises(DataError, match="ganzoo data verify stl10"):
        vision.load_stl10(DataRequest(name="stl10", root=tmp_path))


def test_stl10_unlabelled_images_have_no_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(vision, "require", lambda *_: [])

    class Fake:
        data = np.zeros((4, 3, 96, 96), np.uint8)

        def __init__(self, split: str) -> None:
            self.labels = np.full(4, -1) if split == "unlabeled" else np.array([0, 9, 1, 2])

    monkeypatch.setattr(vision, "_torchvision", lambda spec, name, root, split: Fake(split))
    plain = vision.load_stl10(DataRequest(name="stl10", root=tmp_path, split="unlabeled"))
    assert (plain.labels, plain.info.classes) == (None, ())
    labelled = vision.load_stl10(DataRequest(name="stl10", root=tmp_path, resolution=32))
    assert labelled.labels.tolist() == [0, 9, 1, 2]
    assert labelled.info.shape == (3, 32, 32)


def test_specs_are_well_formed():
    for spec in DATASETS:
        for file in spec.files:
            for checksum in (file.checksum, *(member.checksum for member in file.members)):
                algorithm, _, digest = checksum.partition(":")
                assert (algorithm, len(digest)) == ("md5", 32), (spec.name, file.path)
        assert len({member.path for file in spec.files for member in file.members}) == sum(
            len(file.members) for file in spec.files
        )


@pytest.mark.skipif("GANZOO_TEST_DATA" not in os.environ, reason="GANZOO_TEST_DATA names no folder with real MNIST")
def test_the_real_mnist():
    data = mnist(Path(os.environ["GANZOO_TEST_DATA"]))
    assert data.info.count == 60_000
    assert torch.bincount(data.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    mean = data.source.fetch(torch.arange(60_000)).float().mean() / 255
    assert abs(mean.item() - 0.1307) < 1e-4


def test_stacked_mnist_has_three_digits_of_mnist_in_an_image(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    digits = mnist(tmp_path).source.fetch(torch.arange(len(LABELS)))[:, 0]
    found = idx.load_stacked(DataRequest(name="stacked-mnist", root=tmp_path))
    assert found.info.shape == (3, *digits.shape[1:])
    assert found.info.count == len(found.source) == 128_000
    assert found.info.classes == ()
    images = found.source.fetch(torch.tensor([5, 127_999]))
    chosen = found.source.triples[[5, 127_999]]
    assert torch.equal(images, digits[chosen])
    again = idx.load_stacked(DataRequest(name="stacked-mnist", root=tmp_path))
    assert again.info.digest == found.info.digest
    assert found.info.digest != mnist(tmp_path).info.digest
    small = idx.load_stacked(DataRequest(name="stacked-mnist", root=tmp_path, resolution=14))
    assert small.info.shape == (3, 14, 14)
    with pytest.raises(ConfigError, match="channels = 1: each of the three channels"):
        idx.load_stacked(DataRequest(name="stacked-mnist", root=tmp_path, channels=1))
