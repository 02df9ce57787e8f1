"""srgan: two phases, the measures on real files, the content loss and its weights, and what is refused."""

import functools
import hashlib
import threading
import warnings
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

import ganzoo
from ganzoo.errors import CheckpointError, ChecksumError, ConfigError, DataError, DataMissingError, UsageError
from ganzoo.metrics.measures.psnr import psnr, ssim
from ganzoo.metrics.measures.super_resolution import lowered, rescaled
from ganzoo.runtime.tensor_files import read_tensors
from ganzoo.training.loop import new_state
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import prepare
from ganzoo_zoo.srgan.content import LAYOUTS, VGGFeatures, load_features
from ganzoo_zoo.srgan.networks import PatchDiscriminator, SRResNet

from ..training.helpers import history

pytestmark = pytest.mark.filterwarnings("ignore:not measured")  # most tests measure nothing

SMALL: dict[str, Any] = {"width": 4, "blocks": 1, "batch_size": 2, "device": "cpu", "log_every": 1}
CROPS: dict[str, Any] = {**SMALL, "crop": 32}


def photo(path: Path, width: int, height: int, seed: int = 0, mode: str = "RGB") -> Path:
    """Smooth coloured noise: something to enlarge."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    coarse.resize((width, height), Image.Resampling.BICUBIC).convert(mode).save(path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i, (width, height) in enumerate([(60, 44), (50, 50), (41, 47)]):
        photo(folder / f"{i}.png", width, height, i)
    return folder


def job(tmp_path: Path, dataset: str, **settings: Any) -> TrainingSession:
    base = CROPS if dataset.startswith("folder:") else SMALL
    return prepare("srgan", dataset, out=tmp_path / "run", settings={**base, "steps": 2, **settings})


# Networks


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(6, 6), (5, 11)])
def test_the_generator_enlarges_images_of_any_size(scale: int, size: tuple[int, int]) -> None:
    network = SRResNet(3, scale, blocks=2, width=8)
    assert network(torch.zeros(1, 3, *size)).shape == (1, 3, scale * size[0], scale * size[1])


def test_the_papers_networks() -> None:
    """arXiv:1609.04802, figure 4: 16 blocks, k9n64s1 at both ends; discriminator of 64 to 512 maps and 1024 units."""
    generator = SRResNet(3, 4, blocks=16, width=64)
    assert sum(p.numel() for p in generator.parameters()) == pytest.approx(1.55e6, rel=0.02)
    assert sum(isinstance(m, nn.PixelShuffle) for m in generator.modules()) == 2
    assert sum(isinstance(m, nn.BatchNorm2d) for m in generator.modules()) == 33
    discriminator = PatchDiscriminator(3, 96, 64)
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in layers] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [m.stride[0] for m in layers] == [1, 2] * 4
    assert [m.out_features for m in discriminator.modules() if isinstance(m, nn.Linear)] == [1024, 1]
    assert discriminator(torch.zeros(2, 3, 96, 96)).shape == (2,)


def test_what_a_pixel_sees_is_within_the_reach() -> None:
    """Tiles overlap by the reach; were it too small, their seams would show."""
    for scale in (2, 4):
        network = SRResNet(1, scale, blocks=2, width=4).eval()
        place = network.reach + 3
        images = torch.zeros(1, 1, 2 * place + 1, 2 * place + 1, requires_grad=True)
        network(images)[0, 0, scale * place : scale * (place + 1), scale * place : scale * (place + 1)].sum().backward()
        assert images.grad is not None
        seen = images.grad[0, 0].abs().sum(0).nonzero().flatten() - place
        assert int(seen.abs().max()) <= network.reach


# Phases


def test_in_phase_one_the_discriminator_does_not_move_by_a_bit(photos: Path, tmp_path: Path) -> None:
    settings = {**CROPS, "steps": 5, "pretrain_steps": 3, "checkpoint_every": 1, "keep": 9}
    run = ganzoo.train("srgan", f"folder:{photos}", out=tmp_path / "x", **settings)
    states = [read_tensors(path)[0] for path in run.checkpoints()]

    def same(a: int, b: int, network: str) -> bool:
        names = [k for k in states[0] if k.startswith(f"networks/{network}/")]
        assert names
        return all(torch.equal(states[a][k], states[b][k]) for k in names)

    start = new_state(run.variant, torch.device("cpu")).networks["discriminator"].state_dict()
    assert all(torch.equal(states[2][f"networks/discriminator/{k}"], v) for k, v in start.items())
    assert same(0, 2, "discriminator")
    assert not same(0, 1, "generator")
    assert not same(2, 3, "discriminator")
    assert not same(3, 4, "generator")
    assert [r["stage"] for r in history(run)] == ["pretrain"] * 3 + ["adversarial"] * 2
    assert "content_mse" in history(run)[-1]


def test_a_run_of_phase_one_alone_is_srresnet(photos: Path, tmp_path: Path) -> None:
    run = ganzoo.train("srgan", f"folder:{photos}", out=tmp_path / "x", **CROPS, steps=2)
    assert [stage.name for stage in run.variant.stages()] == ["pretrain"]
    only = ganzoo.train("srgan", f"folder:{photos}", out=tmp_path / "y", **CROPS, steps=2, pretrain_steps=0)
    assert [stage.name for stage in only.variant.stages()] == ["adversarial"]


def test_low_resolution_is_what_an_image_file_would_hold(photos: Path, tmp_path: Path) -> None:
    made = job(tmp_path, f"folder:{photos}")
    from ganzoo.data.loader import BatchLoader

    batch = made.variant.batch(BatchLoader(made.dataset, 0, made.device), 0, 3)
    assert batch["images"].shape == (3, 3, 32, 32)
    assert batch["low"].shape == (3, 3, 8, 8)
    steps = (batch["low"] + 1) * 127.5
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)
    torch.testing.assert_close(batch["low"], lowered(batch["images"], 4))


# Measures


def test_psnr_and_ssim_are_measured_on_folders_beside_bicubic(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Set2"
    folder.mkdir()
    photo(folder / "colour.png", 45, 47, 7)
    photo(folder / "grey.png", 40, 40, 8, mode="L")
    asked = f"psnr vs folder:{folder}, ssim vs folder:{folder}"
    settings = {**CROPS, "steps": 4, "metrics": asked, "metric_every": 4}
    run = ganzoo.train("srgan", f"folder:{photos}", out=tmp_path / "x", **settings)
    measured = [r for r in history(run) if "psnr vs Set2" in r]
    assert [r["step"] for r in measured] == [2, 4]
    scores = []
    for name, mode in (("colour.png", "RGB"), ("grey.png", "L")):
        with Image.open(folder / name) as opened:
            array = np.array(opened.convert(mode))
        tensor = torch.from_numpy(array)
        tensor = tensor[None] if mode == "L" else tensor.permute(2, 0, 1)
        truth = tensor[None, :, : tensor.shape[1] // 4 * 4, : tensor.shape[2] // 4 * 4]
        small = rescaled(truth, truth.shape[2] // 4, truth.shape[3] // 4)
        large = rescaled(small, truth.shape[2], truth.shape[3])
        scores.append((float(psnr(large, truth, 4)), float(ssim(large, truth, 4))))
    expected = [sum(column) / 2 for column in zip(*scores, strict=True)]
    assert measured[0]["psnr vs Set2 bicubic"] == pytest.approx(expected[0])
    assert measured[0]["ssim vs Set2 bicubic"] == pytest.approx(expected[1])
    assert measured[0]["psnr vs Set2"] != measured[1]["psnr vs Set2"]
    (first, _) = run.details["metrics"]["final"]
    assert first["reference"]["data"] == f"folder:{folder}"
    assert first["reference"]["splits"] == {"whole folder": 2}
    # The command that evaluates says the same of the saved weights.
    (again,) = ganzoo.evaluate(run.path, [f"psnr vs folder:{folder}"])
    assert again.value == first["value"]


def test_folders_whose_figures_would_have_one_name_are_refused(photos: Path, tmp_path: Path) -> None:
    for folder in ("a/Set1", "b/Set1"):
        (tmp_path / folder).mkdir(parents=True)
        photo(tmp_path / folder / "a.png", 40, 40)
    with pytest.raises(UsageError, match=r"a/Set1 and .*b/Set1 are both called 'psnr vs Set1'"):
        job(tmp_path, f"folder:{photos}", metrics="psnr vs folder:a/Set1, psnr vs folder:b/Set1")


def test_a_folder_of_images_too_small_to_measure_is_refused_before_the_training(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "Set1").mkdir()
    photo(tmp_path / "Set1" / "a.png", 16, 40)
    with pytest.raises(DataError, match=r"a\.png is too small to measure on: 19 pixels"):
        job(tmp_path, f"folder:{photos}", metrics="psnr vs folder:Set1")


def test_a_run_with_paths_is_resumed_from_another_working_directory(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sets" / "Set1").mkdir(parents=True)
    photo(tmp_path / "sets" / "Set1" / "a.png", 40, 40, 7)
    vgg_file(tmp_path / "vgg.safetensors")
    monkeypatch.setenv("HOME", str(tmp_path / "sets"))
    measured = {"metrics": "psnr vs folder:~/Set1"}
    settings = {**CROPS, **measured, "content": "vgg19", "content_weights": "vgg.safetensors"}
    run = ganzoo.train("srgan", f"folder:{photos}", out=tmp_path / "x", steps=2, pretrain_steps=1, **settings)
    assert f'metrics = "psnr vs folder:{tmp_path}/sets/Set1"' in (run.path / "config.toml").read_text()
    monkeypatch.chdir(tmp_path / "sets")
    resumed = ganzoo.train(out=run.path, resume=True, steps=3)
    assert "psnr vs Set1" in history(resumed)[-1]
    again = ganzoo.train(out=run.path, resume=True, steps=4, metrics="psnr vs folder:Set1")
    assert again.step == 4


def test_a_training_that_measures_nothing_says_so_once(photos: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"not measured: psnr: .*images it learned from.*; ssim: ") as said:
        job(tmp_path, f"folder:{photos}")
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        job(tmp_path, f"folder:{photos}", metrics=f"psnr vs folder:{photos / '..' / photos.name}/")
        job(tmp_path, "glyphs")
    with pytest.raises(UsageError, match="images it learned from"):  # requested, it is an error
        job(tmp_path, f"folder:{photos}", metrics="psnr")


def test_training_beats_bicubic_on_what_it_has_learnt(tmp_path: Path) -> None:
    """On digits, in a minute of a laptop: a network that learns nothing, or a wrong shift of a pixel, would not."""
    settings = {**SMALL, "width": 16, "batch_size": 8, "steps": 150, "lr": 2e-3, "skip": True, "resolution": 32}
    settings |= {"log_every": 50, "scale": 2, "ema_halflife": 100}
    run = ganzoo.train("srgan", "glyphs", out=tmp_path / "x", **settings)
    measured = run.details["metrics"]["final"][0]
    assert measured["metric"] == "psnr"
    assert measured["value"] > measured["values"]["bicubic"] + 1


def test_antialiased_bicubic_keeps_a_constant_and_a_mean() -> None:
    flat = torch.full((1, 3, 16, 16), 77, dtype=torch.uint8)
    assert (rescaled(flat, 4, 4) == 77).all()
    stripes = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    stripes[..., ::2] = 200  # the finest pattern there is must vanish into its mean, not alias
    inner = rescaled(stripes, 16, 4)[..., 1:3].float()
    assert (inner - 100).abs().max() <= 4


# Content loss


def vgg_file(path: Path, name: str = "vgg19", width: int = 1) -> Path:
    """Random weights of the right names and depth, with few maps."""
    torch.manual_seed(0)
    tensors, fan_in, index = {}, 3, 0
    for item in LAYOUTS[name]:
        if item == "M":
            index += 1
            continue
        tensors[f"features.{index}.weight"] = 0.3 * torch.randn(width, fan_in, 3, 3)
        tensors[f"features.{index}.bias"] = torch.zeros(width)
        fan_in, index = width, index + 2
    tensors["classifier.0.weight"] = torch.zeros(2, 2)
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_features_of_a_file_by_path_train_phase_two(suffix: str, photos: Path, tmp_path: Path) -> None:
    file = vgg_file(tmp_path / f"weights{suffix}", width=2)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    settings = {**CROPS, "steps": 2, "pretrain_steps": 1, "content": "vgg19", "content_weights": str(file)}
    run = ganzoo.train(
        "srgan", f"folder:{photos}", out=tmp_path / "x", **settings, content_sha256=checksum, ema_halflife=0
    )
    assert history(run)[-1]["content_vgg19"] >= 0
    assert not any("layers" in name for name in read_tensors(run.latest())[0]), "VGG weights are in no checkpoint"


def test_vgg_is_torchvisions(tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    for name in ("vgg16", "vgg19"):
        torch.manual_seed(0)
        theirs = getattr(torchvision.models, name)(weights=None).features.eval()
        ours = VGGFeatures({f"features.{k}": v for k, v in theirs.state_dict().items()}, name, "torchvision")
        images = torch.rand(1, 3, 32, 32) * 2 - 1
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        with torch.no_grad():
            expected = theirs[:-1](((images + 1) / 2 - mean) / std) / 12.75
            torch.testing.assert_close(ours(images), expected, rtol=1e-4, atol=1e-6)
        assert not any(p.requires_grad for p in ours.parameters())


def test_a_wrong_checksum_stops_before_the_file_is_opened(photos: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> Any:
            return mark.mkdir, ()

    torch.save(Evil(), tmp_path / "vgg19-0123abcd.pth")
    with pytest.raises(ChecksumError, match="was not opened: its SHA-256 is"):
        load_features("vgg19", str(tmp_path / "vgg19-0123abcd.pth"), "", "torchvision")
    good = vgg_file(tmp_path / "good.safetensors")
    settings = {"pretrain_steps": 1, "content": "vgg19", "content_weights": str(good), "content_sha256": "0" * 64}
    with pytest.raises(ChecksumError, match="was not opened"):
        job(tmp_path, f"folder:{photos}", **settings)
    evil = tmp_path / "evil.pth"
    torch.save(Evil(), evil)
    checksum = hashlib.sha256(evil.read_bytes()).hexdigest()
    with pytest.raises(DataError, match="cannot be read as weights of vgg19"):
        load_features("vgg19", str(evil), checksum, "torchvision")
    assert not mark.exists()


def test_weights_that_are_missing_or_of_something_else(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataMissingError, match=r"no such file.*content=mse"):
        load_features("vgg19", str(tmp_path / "none.pth"), "", "torchvision")
    short = vgg_file(tmp_path / "short.safetensors", "vgg16")
    with pytest.raises(DataError, match="they are not vgg19"):
        load_features("vgg19", str(short), "", "torchvision")
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))

    def unreachable(*_: Any, **__: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", unreachable)
    with pytest.raises(DataMissingError, match=r"dcbb9e9d.*content_weights=PATH.*content=mse"):
        job(tmp_path, f"folder:{photos}", pretrain_steps=1, content="vgg19")


def test_the_hub_cache_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    file = vgg_file(tmp_path / "made.pth")
    prefix = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    file.rename(tmp_path / "hub" / "checkpoints" / f"vgg19-{prefix}.pth")
    monkeypatch.setattr("ganzoo_zoo.srgan.content.FILES", {"vgg19": f"vgg19-{prefix}.pth"})
    features = load_features("vgg19", "", "", "torchvision")
    assert features(torch.zeros(1, 1, 32, 32)).shape == (1, 1, 2, 2), "grey images are shown as RGB"


def test_weights_are_downloaded_once_and_a_wrong_file_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    file = vgg_file(served / "made.pth")
    prefix = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    file.rename(served / f"vgg19-{prefix}.pth")
    (served / "vgg16-00000000.pth").write_bytes(b"something else")
    handler = functools.partial(QuietHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("ganzoo_zoo.srgan.content.ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setattr(
            "ganzoo_zoo.srgan.content.FILES", {"vgg19": f"vgg19-{prefix}.pth", "vgg16": "vgg16-00000000.pth"}
        )
        monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
        features = load_features("vgg19", "", "", "torchvision")
        with pytest.raises(DataMissingError, match="invalid hash value"):
            load_features("vgg16", "", "", "torchvision")
        server.shutdown()
    assert [p.name for p in (tmp_path / "hub" / "checkpoints").iterdir()] == [f"vgg19-{prefix}.pth"]
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(load_features("vgg19", "", "", "torchvision")(images), features(images)), "from the cache"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


# What is refused


@pytest.mark.parametrize("more", [{"content_weights": "/x"}, {"content_sha256": "00"}, {"content_input": "caffe"}])
def test_settings_of_content_weights_are_refused_where_there_are_none(
    more: dict[str, str], photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=rf"{next(iter(more))} = .* does nothing: content = 'mse' has no network"):
        job(tmp_path, f"folder:{photos}", **more)


def test_crops_are_of_folders_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"crop = 32 does nothing: only the images of folder:PATH.*resolution=N"):
        job(tmp_path, "glyphs", crop=32)


def test_data_that_does_not_fit(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 3 images in .* smaller than a crop of 44x44: 2.png \(41x47\)"):
        job(tmp_path, f"folder:{photos}", crop=44)
    with pytest.raises(ConfigError, match="crop = 34 is not a multiple of scale = 4"):
        job(tmp_path, f"folder:{photos}", crop=34)
    with pytest.raises(ConfigError, match="photographs are not scaled"):
        job(tmp_path, f"folder:{photos}", resolution=32)
    with pytest.raises(ConfigError, match="have a side that is not a multiple of scale = 4"):
        job(tmp_path, "glyphs", resolution=30)
    with pytest.raises(DataError, match="no-such"):
        job(tmp_path, f"folder:{photos}", metrics=f"psnr vs folder:{tmp_path / 'no-such'}")


def test_phase_two_begins_with_a_trained_network(tmp_path: Path) -> None:
    """Of its own, or of another run's phase one: that must give the same start."""
    small = {"blocks": 1, "width": 4, "batch_size": 2, "device": "cpu", "resolution": 32}
    first = ganzoo.train("srgan", out=tmp_path / "first", steps=3, pretrain_steps=3, **small)
    weights = first.path / "generator.safetensors"
    job = ganzoo.prepare(
        "srgan",
        out=tmp_path / "second",
        settings={**small, "steps": 2, "pretrain_steps": 0, "pretrained": str(weights)},
    )
    began = new_state(job.variant, torch.device("cpu")).networks["generator"].state_dict()
    expected = read_tensors(weights)[0]
    assert all(torch.equal(began[key], expected[key]) for key in expected)
    run = job.train()
    weights.unlink()  # needed at the start alone
    assert ganzoo.load(run.path)(torch.zeros(1, 1, 8, 8)).shape == (1, 1, 32, 32)


def test_a_trained_network_to_begin_with_must_fit(tmp_path: Path) -> None:
    small = {"width": 4, "batch_size": 2, "device": "cpu", "resolution": 32}
    weights = ganzoo.train("srgan", out=tmp_path / "first", steps=1, blocks=1, **small).path / "generator.safetensors"
    for more, error, message in (
        ({"blocks": 1}, ConfigError, "begins with phase two: -o pretrain_steps=0"),
        ({"blocks": 2, "pretrain_steps": 0}, CheckpointError, "does not fit"),
    ):
        with pytest.raises(error, match=message):
            ganzoo.prepare("srgan", out=tmp_path / "x", settings={**small, **more, "pretrained": str(weights)})
    given = {**small, "blocks": 1, "pretrain_steps": 0, "pretrained": str(tmp_path / "none")}
    with pytest.raises(CheckpointError, match="no such file"):
        ganzoo.prepare("srgan", out=tmp_path / "x", settings=given)
