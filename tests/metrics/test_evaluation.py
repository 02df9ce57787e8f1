"""Exams: what is remembered, what stands beside a number, what is refused; and the whole path of Inception."""

import dataclasses
import functools
import hashlib
import http.server
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataInfo, Dataset
from ganzoo.data.load import load_dataset
from ganzoo.errors import ChecksumError, DataError, DataMissingError, PluginError, UnknownNameError, UsageError
from ganzoo.metrics import extractors
from ganzoo.metrics.base import Metric, take
from ganzoo.metrics.cache import ReferenceWarning, entries, remembered
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.evaluate import evaluate, open_context
from ganzoo.metrics.measure import applicable, check, load_metrics
from ganzoo.metrics.measures.diversity import Duplicates
from ganzoo.metrics.measures.features import (
    ClassAccuracy,
    ClassBalance,
    FrechetDistance,
    IntraClassDistance,
    KernelDistance,
    PrecisionRecall,
    Score,
)
from ganzoo.metrics.measures.modes import ModesFound
from ganzoo.metrics.measures.neighbours import Copies
from ganzoo.metrics.targets import DatasetTarget, NetworkTarget
from ganzoo.models.interfaces import Generator
from ganzoo.registry.specs import MetricSpec

COUNT = 1_000  # the least that the kernel distance takes


def small(metric: type[Metric], extractor: str = "glyphs", count: int = COUNT, **more: Any) -> Metric:
    """A metric for fewer samples than any that is shipped."""
    return metric(MetricSpec(name="small", load="a:b", summary="", extractor=extractor, count=count, **more))


def glyphs(split: str = "") -> Dataset:
    """A tenth of the digits, so that a test is short."""
    found = load_dataset("glyphs", RunConfig(variant="none", dataset="glyphs"), split or None)
    kept = torch.arange(found.info.count // 10)
    assert found.labels is not None
    info = dataclasses.replace(found.info, count=len(kept), digest=f"tenth of {found.info.digest}")
    return Dataset(info, {"images": found.source.fetch(kept), "labels": found.labels[kept]})


def context(target: Any, cache: Path | None = None, against: str = "glyphs") -> EvaluationContext:
    return EvaluationContext(target, against, glyphs, torch.device("cpu"), cache=cache)


def real(change: Callable[[Tensor], Tensor] = lambda images: images, split: str = "") -> DatasetTarget:
    """Real digits in place of generated ones, changed or not."""
    dataset = glyphs(split)
    changed = Dataset(dataset.info, {"images": change(dataset.source.fetch(torch.arange(dataset.info.count)))})
    return DatasetTarget("digits", {"kind": "data"}, dataset.info.shape, dataset=changed)


class Drawer(Generator):
    """A conditional generator that has learned digits by heart: it looks one of the class up."""

    def __init__(self, wrong: bool = False) -> None:
        super().__init__(4, 10)
        data = glyphs()
        assert data.labels is not None
        images = data.source.fetch(torch.arange(data.info.count)).float() / 127.5 - 1
        self.register_buffer("images", torch.stack([images[data.labels == k][:100] for k in range(10)]))
        self.scale = torch.nn.Parameter(torch.ones(()))
        self.shift = 1 if wrong else 0

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        assert labels is not None
        which = (latents[:, 0].abs() * 1e4).long() % 100
        found: Tensor = self.images[(labels + self.shift) % 10, which]  # type: ignore[index]  # a buffer
        return found * self.scale


def drawer(wrong: bool = False) -> NetworkTarget:
    return NetworkTarget("drawer", {"kind": "test"}, (1, 28, 28), generator=Drawer(wrong))


# What numbers say


def test_real_samples_are_near_and_damaged_ones_far() -> None:
    def noisy(images: Tensor) -> Tensor:
        noise = 64 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
        return (images + noise).clamp(0, 255).to(torch.uint8)

    good, bad = context(real()), context(real(noisy))
    for metric, lower in ((FrechetDistance, True), (KernelDistance, True), (PrecisionRecall, False), (Score, False)):
        near, far = take(small(metric), good).value, take(small(metric), bad).value
        assert (near < far) if lower else (near > far), metric.__name__
    found = take(small(PrecisionRecall), good).values
    assert found["precision"] > 0.95
    assert found["recall"] > 0.95


def test_dropped_classes_show_in_the_balance() -> None:
    data = glyphs()
    assert data.labels is not None
    few = DatasetTarget("few", {}, data.info.shape, dataset=data, indices=(data.labels < 6).nonzero().flatten())
    found = take(small(ClassBalance), context(few)).values
    assert found["distance"] == pytest.approx(0.4, abs=0.03)
    assert found["rarest share"] < 0.01
    assert take(small(ClassBalance), context(real())).value < 0.06  # 1,000 of 2,000, at random


def test_a_conditional_generator_is_held_to_the_class_it_is_asked_for() -> None:
    assert take(small(ClassAccuracy), context(drawer())).value > 0.97
    assert take(small(ClassAccuracy), context(drawer(wrong=True))).value < 0.03
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 100 samples a class are too few for 96 features
        right, wrong = (take(small(IntraClassDistance), context(drawer(w))).value for w in (False, True))
    assert right < wrong / 3
    plain = take(small(FrechetDistance), context(drawer(wrong=True))).value
    assert plain < wrong / 3, "without labels no one would notice"


def test_copies_and_duplicates_are_found() -> None:
    assert take(small(Copies), context(real())).value == 1, "training images are copies of training images"
    assert take(small(Copies, count=300), context(real(split="test"))).value < 0.1
    same = real(lambda images: images[:1].expand_as(images).clone())
    assert take(small(Duplicates), context(same)).value == 1
    assert take(small(Duplicates), context(real())).value < 0.05


def test_modes_are_counted_on_toys_alone() -> None:
    ring = load_dataset("ring", RunConfig(variant="none", dataset="ring"))
    target = DatasetTarget("ring", {}, (2,), "points", dataset=ring)
    held = EvaluationContext(target, "ring", lambda split: ring, torch.device("cpu"))
    found = take(small(ModesFound, "", 2_500, of="points"), held).values
    assert (found["found"], found["of"]) == (8, 8)
    assert "has images" in small(ModesFound, "", 2_500, of="points").unsuitable(context(real()))


# What stands beside a number, and that it is the same again


def test_a_result_says_what_it_depends_on(tmp_path: Path) -> None:
    held = context(drawer(), tmp_path / "cache")
    about = take(small(KernelDistance), held).about
    assert about["samples"] == {
        "count": COUNT, "latents": 0, "quantisation": "round((x + 1) * 127.5), clamped to 0..255",
    }  # fmt: skip
    assert about["labels"] == "as frequent as in the reference"
    assert about["reference"]["splits"] == {"train": 2_000}
    assert about["reference"]["chosen"] == {"count": COUNT, "seed": 0}
    assert len(about["extractor"]["sha256"]) == 64
    # The features were there already: what they depend on is said again.
    again = take(small(Score), held).about
    assert again["samples"] == about["samples"]
    assert again["extractor"] == about["extractor"]
    assert "chosen" not in again["reference"]
    assert again["reference"]["digest"] == about["reference"]["digest"]


def test_two_exams_give_the_same_number_to_the_last_bit(tmp_path: Path) -> None:
    first, second = (
        take(small(FrechetDistance), context(drawer(), cache)).value for cache in (None, tmp_path / "cache")
    )
    third = take(small(FrechetDistance), context(drawer(), tmp_path / "cache")).value  # from what is remembered
    assert first == second == third
    held = context(drawer())
    held.seed = 1
    assert take(small(FrechetDistance), held).value != first


# What is remembered


def test_a_damaged_entry_is_computed_anew_with_a_word(tmp_path: Path) -> None:
    expected = take(small(FrechetDistance), context(real(), tmp_path)).value
    (entry,) = tmp_path.glob("*.safetensors")
    whole = entry.read_bytes()
    for damage in (whole[:-10], whole[:-1] + bytes([whole[-1] ^ 1]), b"nothing"):
        entry.write_bytes(damage)
        with pytest.warns(ReferenceWarning, match="computed again"):
            assert take(small(FrechetDistance), context(real(), tmp_path)).value == expected
        assert entry.read_bytes() == whole


def test_other_data_has_entries_of_its_own(tmp_path: Path) -> None:
    key = {"what": "statistics", "data": "x", "digest": "a"}
    made = [remembered(tmp_path, {**key, "digest": d}, lambda d=d: {"v": torch.tensor([float(ord(d))])}) for d in "ab"]
    again = [remembered(tmp_path, {**key, "digest": d}, lambda: pytest.fail("computed twice")) for d in "ab"]
    assert [m["v"] for m in made] == [a["v"] for a in again]
    root = tmp_path / "root"
    root.mkdir()
    tmp_path.joinpath("reference").mkdir()
    for path in tmp_path.glob("*.safetensors"):
        path.rename(tmp_path / "reference" / path.name)
    assert [entry.state for entry in entries(tmp_path, "x", check=True)] == ["verified", "verified"]
    assert entries(tmp_path, "y", check=True) == []


def test_two_processes_compute_an_entry_once(tmp_path: Path) -> None:
    code = (
        "import sys, time, torch\n"
        "from pathlib import Path\n"
        "from ganzoo.metrics.cache import remembered\n"
        "folder = Path(sys.argv[1])\n"
        "def slow():\n"
        "    time.sleep(1)\n"
        "    with (folder / 'computed').open('a') as file:\n"
        "        file.write('x')\n"
        "    return {'v': torch.arange(10.0)}\n"
        "print(remembered(folder, {'what': 'features'}, slow)['v'].sum().item())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=120)[0] for process in both] == ["45.0\n", "45.0\n"]
    assert (tmp_path / "computed").read_text() == "x"


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(ReferenceWarning, match="not remembered"):
        found = remembered(tmp_path / "file" / "cache", {"what": "features"}, lambda: {"v": torch.ones(2)})
    assert torch.equal(found["v"], torch.ones(2))


# What is refused


def test_fewer_samples_than_the_protocol_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"holds 400 samples, and the protocol takes 1,000"):
        take(small(Score), context(real(split="test")))
    held = context(drawer())
    with pytest.raises(DataError, match=r"2,000 train samples, and the protocol takes 5,000"):
        take(small(PrecisionRecall, count=5_000), held)
    # All of it before anything is computed.
    never = drawer()
    never.generator = None
    monkeypatch.setattr(NetworkTarget, "draws", True)
    for metric in (PrecisionRecall, KernelDistance, Duplicates):
        with pytest.raises(DataError, match=r"2,000 train samples, and the protocol takes 5,000"):
            check([small(metric, count=5_000)], context(never))
    with pytest.raises(DataError, match=r"holds 400 samples"):
        check([small(FrechetDistance)], context(real(split="test")))


def test_sizes_that_differ_are_refused() -> None:
    odd = NetworkTarget("odd", {}, (1, 32, 32), generator=Drawer())
    with pytest.raises(
        DataError, match=r"odd has images of 1x32x32, and the feature classifier of 'glyphs' takes 1x28x28"
    ):
        take(small(FrechetDistance), context(odd))
    with pytest.raises(DataError, match=r"1x32x32 and 'glyphs' of 1x28x28: they cannot be compared"):
        take(small(Duplicates), context(odd))


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("psnr", drawer, "does not turn images into images"),
        ("test-accuracy", drawer, "has no classifier"),
        ("modes-2500", drawer, "it measures points, and drawer has images"),
        ("fd-mnist-10k", drawer, "learned from 'mnist', and the samples are compared with 'glyphs'"),
        ("accuracy-glyphs-10k", real, "takes no labels"),
    ],
)
def test_a_metric_that_makes_no_sense_is_refused_with_those_that_do(name: str, target: Any, message: str) -> None:
    held = context(target())
    with pytest.raises(UsageError, match=message) as caught:
        check(load_metrics([name]), held)
    assert "fd-glyphs-10k" in str(caught.value)
    assert name not in applicable(held)


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'fid-10k'"):
        load_metrics(["fid-1ok"])
    with pytest.raises(UnknownNameError, match="unknown extractor 'x'"):
        extractors.open_extractor("x", torch.device("cpu"))


def test_a_metric_must_give_numbers() -> None:
    class Odd(Metric):
        def measure(self, context: EvaluationContext) -> Any:
            return self.gives

    for gives in ({}, {"a": "b"}, None):
        metric = small(Odd, "", 0)
        metric.gives = gives  # type: ignore[attr-defined]  # of the test's own
        with pytest.raises(PluginError, match="gave"):
            take(metric, context(real()))
    metric.gives = {"a": torch.tensor(2)}  # type: ignore[attr-defined]
    assert take(metric, context(real())).values == {"a": 2.0}


# Folders of images


def pictures(folder: Path, count: int, side: int = 28) -> Path:
    folder.mkdir()
    images = glyphs().source.fetch(torch.arange(count))
    for i, image in enumerate(images):
        Image.fromarray(image[0].numpy()).resize((side, side)).save(folder / f"{i:04}.png")
    return folder


def test_a_folder_is_measured_as_the_images_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pictures(tmp_path / "digits", 1_100)
    held = open_context(folder, ["fd-glyphs-10k"])
    assert held.against == "glyphs", "known from the metric"
    held.load = glyphs
    found = take(small(FrechetDistance), held)
    assert found.value < 20
    assert found.about["samples"]["files"] == 1_100
    with pytest.raises(DataError, match=r"holds 1,100 samples, and the protocol takes 10,000"):
        evaluate(folder, ["fd-glyphs-10k"])


def test_folders_that_cannot_be_measured_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images"):
        evaluate(tmp_path / "empty", ["fd-glyphs-10k"])
    with pytest.raises(UsageError, match="no such run, weights file or folder"):
        evaluate(tmp_path / "nothing", ["fd-glyphs-10k"])
    folder = pictures(tmp_path / "digits", 1_000)
    with pytest.raises(UsageError, match="name the data set to compare it with"):
        evaluate(folder, ["duplicates-2k"])
    Image.new("L", (30, 28)).save(folder / "0001.png")
    held = open_context(folder, ["fd-glyphs-10k"])
    with pytest.raises(DataError, match=r"0001.png is of \(1, 28, 30\).* sizes differ"):
        take(small(FrechetDistance), held)


def test_two_folders_are_compared_as_they_are_stored(tmp_path: Path) -> None:
    own, other, large = (pictures(tmp_path / n, 30, side) for n, side in (("own", 30), ("other", 30), ("large", 60)))
    held = open_context(own, [], f"folder:{other}")
    assert held.reference().info.shape == (1, 30, 30)
    assert take(small(Duplicates, "", 30), held).values["of real ones"] < 0.5
    with pytest.raises(DataError, match=r"large.*is of \(1, 60, 60\).*sizes differ"):
        open_context(own, [], f"folder:{large}").reference()


# Inception and VGG


def tiny(source: str) -> Dataset:
    rng = torch.Generator().manual_seed(len(source))
    images = torch.randint(0, 256, (12, 3, 16, 16), generator=rng, dtype=torch.uint8)
    return Dataset(DataInfo("noise", "images", (3, 16, 16), (), 12, source or "train", source), {"images": images})


def test_the_whole_path_of_inception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With weights of the right shape that mean nothing: through torch's cache, the checksum, features and formulas."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.manual_seed(0)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub" / "checkpoints" / extractors.INCEPTION.name
    path.parent.mkdir(parents=True)
    monkeypatch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
    monkeypatch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
    made = FeatureExtractorInceptionV3("made", ["2048"])
    monkeypatch.undo()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.save(made.state_dict(), path)
    content = path.read_bytes()
    file = dataclasses.replace(
        extractors.INCEPTION, size=len(content), sha256=hashlib.sha256(content).hexdigest(), url=""
    )
    monkeypatch.setattr(extractors, "INCEPTION", file)
    target = DatasetTarget("noise", {}, (3, 16, 16), dataset=tiny("test"))
    held = EvaluationContext(target, "noise", tiny, torch.device("cpu"))
    spec = {"extractor": "inception", "count": 12}
    distance = take(small(FrechetDistance, **spec), held)
    assert distance.value > 0
    assert distance.about["extractor"]["sha256"] == file.sha256
    assert take(small(Score, **spec), held).value >= 1
    same = DatasetTarget("noise", {}, (3, 16, 16), dataset=tiny(""))
    itself = take(small(FrechetDistance, **spec), held.renewed(same, 0)).value
    assert itself == pytest.approx(0, abs=1e-3 * distance.value)


def test_what_is_compared_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is exchanged after its checksum was compared has no effect: its content was read once."""
    path = tmp_path / "w.pth"
    path.write_bytes(b"good")
    file = extractors.WeightsFile("w.pth", "", 4, hashlib.sha256(b"good").hexdigest())
    content = extractors.obtained(file, path)
    path.write_bytes(pickle.dumps(Malicious(tmp_path / "mark")))
    assert content.read() == b"good"


class Malicious:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "it ran")


def test_a_malicious_file_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark, weights = tmp_path / "mark", tmp_path / "weights.pth"
    weights.write_bytes(pickle.dumps(Malicious(mark)))
    # Even one of the right length is stopped, by its checksum.
    monkeypatch.setattr(extractors, "INCEPTION", dataclasses.replace(extractors.INCEPTION, size=weights.stat().st_size))
    monkeypatch.setattr(extractors, "VGG", dataclasses.replace(extractors.VGG, size=1))
    for name in ("inception", "vgg"):
        with pytest.raises(ChecksumError, match="has not been opened"):
            extractors.open_extractor(name, torch.device("cpu"), weights)
    assert not mark.exists()
    pickle.loads(weights.read_bytes())
    assert mark.exists(), "it would have run"


def test_missing_weights_are_named_with_checksum_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    unreachable = dataclasses.replace(extractors.INCEPTION, url="http://127.0.0.1:9/none.pth")
    monkeypatch.setattr(extractors, "INCEPTION", unreachable)
    with pytest.raises(DataMissingError) as caught:
        extractors.open_extractor("inception", torch.device("cpu"))
    for said in (extractors.INCEPTION.name, extractors.INCEPTION.sha256, str(tmp_path), "--weights"):
        assert said in str(caught.value)
    with pytest.raises(DataMissingError, match="is not there"):
        extractors.open_extractor("vgg", torch.device("cpu"), tmp_path / "none.pth")
    with pytest.raises(UsageError, match="come with weights of their own"):
        extractors.open_extractor("glyphs", torch.device("cpu"), tmp_path / "none.pth")


def test_weights_are_downloaded_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    content = b"weights" * 1_000
    (tmp_path / "site" / "w.pth").write_bytes(content)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "site")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    address = f"http://127.0.0.1:{server.server_port}/w.pth"
    file = extractors.WeightsFile("w.pth", address, len(content), hashlib.sha256(content).hexdigest())
    try:
        assert extractors.obtained(file, None).read() == content
        path = tmp_path / "torch" / "hub" / "checkpoints" / "w.pth"
        assert path.read_bytes() == content
        assert extractors.obtained(dataclasses.replace(file, url=""), None).read() == content, "it is there already"
        path.unlink()
        with pytest.raises(ChecksumError):
            extractors.obtained(dataclasses.replace(file, sha256="0" * 64), None)
        assert not path.exists()
    finally:
        server.shutdown()
        server.server_close()


def test_efficientnet_gives_features_of_natural_images_without_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="pip install 'ganzoo[effnet]'")
    extractor = extractors.open_extractor("effnet-lite0", torch.device("cpu"))
    ramp = torch.arange(32, dtype=torch.uint8).mul(8).expand(2, 3, 32, 32)
    found = extractor.extract(iter([ramp, 255 - ramp]), 4, "features")
    assert found["features"].shape == (4, 1280)
    assert found["logits"].shape == (4, 1000)
    assert torch.equal(found["features"][0], found["features"][1])
    assert not torch.allclose(found["features"][0], found["features"][2])
    assert extractor.identity["sha256"] == extractors.EFFICIENTNET.sha256
    monkeypatch.setattr(extractors, "EFFICIENTNET", dataclasses.replace(extractors.EFFICIENTNET, sha256="0" * 64))
    with pytest.raises(ChecksumError, match="has not been opened"):
        extractors.open_extractor("effnet-lite0", torch.device("cpu"))
