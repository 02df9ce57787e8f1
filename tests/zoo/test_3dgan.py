"""3dgan: the gate that holds D back, networks in three dimensions, features, and what is done with shapes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import max_pool3d
from torch.nn.utils.parametrize import is_parametrized

import ganzoo
import ganzoo.training.loop
from ganzoo.cli import main
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.data.drawn import solids
from ganzoo.errors import ConfigError, DataError, UsageError
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo.training.cuda_graphs import GraphedTrainer
from ganzoo_zoo.networks import ConvDiscriminator
from ganzoo_zoo.threedgan import metric
from ganzoo_zoo.threedgan.networks import VoxelFeatures, VoxelGenerator, uniform
from ganzoo_zoo.threedgan.variant import ACCURACY, ThreeDGAN

from ..training.helpers import assert_same, state_of
from ..training.test_graphs import Tape

SHAPE = (1, 8, 8, 8)
SMALL: dict[str, Any] = {"width": 2, "latent_dim": 6}
CLASSES = solids.SOLIDS


def made(loss: str = "non-saturating", classes: tuple[str, ...] = CLASSES, **options: Any) -> tuple[ThreeDGAN, State]:
    torch.manual_seed(0)
    kind = load_variant("3dgan")
    config = resolve("3dgan", kind.Options, {"dataset": "x", "loss": loss}, {}, {**SMALL, **options})
    variant = kind(config, DataInfo("boxes", "voxels", SHAPE, classes), make_loss(kind, config))
    assert isinstance(variant, ThreeDGAN)
    networks = variant.build()
    optimizers = {
        player: variant.optimizer(player, [p for name in names for p in networks[name].parameters()])
        for player, names in variant.players().items()
    }
    return variant, State(networks, {}, optimizers, variant.memory())


def batch() -> dict[str, Tensor]:
    shapes = torch.where(torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(1)) > 0.5, 1.0, -1.0)
    return {"images": shapes, "labels": torch.arange(6)}


# The gate


def step(variant: ThreeDGAN, state: State) -> dict[str, Tensor]:
    """One update of D, as the trainer takes it."""
    optimizer = state.optimizers["discriminator"]
    optimizer.zero_grad()
    losses = variant.discriminator_loss(state, batch())
    losses["total"].backward()
    optimizer.step()
    return losses


def held(state: State) -> list[Tensor]:
    """D's weights, and the moments and counts of its optimizer."""
    moments = [v for values in state.optimizers["discriminator"].state.values() for v in values.values()]
    return [p.detach().clone() for p in state.networks["discriminator"].parameters()] + [m.clone() for m in moments]


def test_d_stands_still_where_it_told_too_much_of_the_last_batch_right() -> None:
    variant, state = made(gate=0.8)
    step(variant, state)
    for accuracy, moves in ((0.8, True), (0.81, False), (0.2, True)):
        state.memory[ACCURACY].fill_(accuracy)
        before = held(state)
        losses = step(variant, state)
        after = held(state)
        assert float(losses["open"]) == moves
        same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        assert not any(same) if moves else all(same), "weights, moments and counts"
        assert float(losses["total"].detach()) > 0, "its loss is what it is"


@pytest.mark.parametrize(("loss", "undecided"), [("non-saturating", 0.0), ("hinge", 0.0), ("least-squares", 0.5)])
def test_the_accuracy_is_the_share_of_both_halves_that_is_told_right(loss: str, undecided: float) -> None:
    variant, state = made(loss)
    seen: list[Tensor] = []
    state.networks["discriminator"].register_forward_hook(lambda module, given, logits: seen.append(logits.detach()))
    losses = variant.discriminator_loss(state, batch())
    real, fake = seen
    expected = (int((real > undecided).sum()) + int((fake <= undecided).sum())) / 12
    assert float(losses["accuracy"]) == pytest.approx(expected)
    assert float(state.memory[ACCURACY]) == 0, "it counts for the next batch"
    variant.remember(state, losses)
    assert float(state.memory[ACCURACY]) == pytest.approx(expected)


def test_only_d_has_a_gate_and_each_player_its_step_size() -> None:
    variant, state = made(lr=1e-4, lr_generator=1e-3)
    assert {u.name: u.after is not None for u in variant.updates()} == {"discriminator": True, "generator": False}
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in state.optimizers.items()}
    assert rates == {"discriminator": 1e-4, "generator": 1e-3}
    step(variant, state)
    assert not hasattr(state.optimizers["generator"], "found_inf")


def test_a_gate_needs_logits_that_mean_something() -> None:
    for loss in ("relativistic-pairing", "f-kl"):
        variant, _ = made(loss)
        with pytest.raises(ConfigError, match=f"those of loss '{loss}' do not: -o gate=1"):
            variant.prepare(None, None)  # type: ignore[arg-type]  # it looks at neither
        made(loss, gate=1.0)[0].prepare(None, None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="conditional = true: data set 'boxes' has no classes"):
        made(classes=(), conditional=True)[0].prepare(None, None)  # type: ignore[arg-type]


# Networks


@pytest.mark.parametrize(("side", "widths"), [(64, [64, 32, 16, 8]), (32, [32, 16, 8]), (16, [16, 8])])
def test_networks_are_mirror_images_in_three_dimensions(side: int, widths: list[int]) -> None:
    g, d = VoxelGenerator(5, 8, (1, side, side, side)), ConvDiscriminator(8, (1, side, side, side))
    up = [layer for layer in g.body if isinstance(layer, torch.nn.ConvTranspose3d)]
    down = [layer for layer in d.body if isinstance(layer, torch.nn.Conv3d)]
    assert [layer.out_channels for layer in up] == [*widths, 1]
    assert [layer.out_channels for layer in down] == [*widths[::-1], 1]
    assert all(layer.kernel_size == (4, 4, 4) for layer in (*up, *down))
    assert sum(isinstance(layer, torch.nn.BatchNorm3d) for layer in d.body) == len(widths) - 1
    small = VoxelGenerator(5, 1, (1, side, side, side))(torch.randn(2, 5))
    assert small.shape == (2, 1, side, side, side)
    assert float(small.detach().abs().max()) <= 1
    assert ConvDiscriminator(1, (1, side, side, side))(small).shape == (2,)


@pytest.mark.parametrize("side", [8, 20, 31])
def test_networks_fit_every_size(side: int) -> None:
    shapes = VoxelGenerator(5, 1, (1, side, side, side))(torch.randn(2, 5))
    assert shapes.shape == (2, 1, side, side, side)
    assert ConvDiscriminator(1, (1, side, side, side))(shapes).shape == (2,)
    with pytest.raises(ConfigError, match="voxels of 8x8x9 are no cube"):
        VoxelGenerator(5, 1, (1, 8, 8, 9))


def test_latents_become_uniform() -> None:
    found = uniform(torch.randn(50_000, generator=torch.Generator().manual_seed(0)))
    shares = torch.histc(found, 10, -1, 1) / 50_000
    assert float((shares - 0.1).abs().max()) < 0.01


def test_features_are_the_pooled_maps_of_ds_middle_layers() -> None:
    torch.manual_seed(0)
    judge = ConvDiscriminator(2, (1, 32, 32, 32)).eval()
    features = VoxelFeatures(judge, (1, 32, 32, 32)).eval()
    assert {id(p) for p in features.parameters()} < {id(p) for p in judge.parameters()}
    shapes = torch.rand(2, 1, 32, 32, 32)
    second = judge.body[:5](shapes)  # convolution, LeakyReLU; convolution, normalisation, LeakyReLU
    third = judge.body[5:8](second)
    expected = torch.cat([max_pool3d(second, 4).flatten(1), max_pool3d(third, 2).flatten(1)], 1)
    torch.testing.assert_close(features(shapes), expected)
    assert features.latent_dim == expected.shape[1] == (4 + 8) * 8


def test_a_class_reaches_both_networks() -> None:
    variant, state = made(conditional=True)
    assert set(variant.exports()) == {"generator"}, "a D that is told classes gives no features"
    g = state.networks["generator"].eval()
    latents = torch.randn(1, 6).repeat(2, 1)
    a, b = g(latents, torch.tensor([0, 1]))
    assert not torch.equal(a, b)
    with pytest.raises(UsageError, match="needs labels"):
        state.networks["discriminator"](batch()["images"])


def test_tricks_of_d_reach_layers_of_three_dimensions() -> None:
    variant, state = made(spectral_norm=True, minibatch_std=True, minibatch_kernels=2)
    layers = [m for m in state.networks["discriminator"].modules() if isinstance(m, torch.nn.Conv3d)]
    assert len(layers) == 2
    assert all(is_parametrized(layer, "weight") for layer in layers)
    assert layers[-1].in_channels == 2 + 2 + 1
    step(variant, state)


# A training


@pytest.fixture(scope="module", autouse=True)
def few() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solids, "COUNTS", {"train": 60, "test": 40})
        yield


def train(out: Path, steps: int = 10, **more: Any) -> Any:
    settings = {"steps": steps, "batch_size": 4, "device": "cpu", "resolution": 16, **SMALL, **more}
    return ganzoo.train("3dgan", "solids", out=out, **settings)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, few: None) -> Any:
    return train(tmp_path_factory.mktemp("runs") / "run")


class Recording(Tape):
    """As the tape of the tests of graphs; the memory of the state is put back too."""

    def _tensors(self) -> list[Tensor]:
        return [*super()._tensors(), *self.state.memory.values()]


def test_a_captured_iteration_opens_and_closes_the_gate_as_a_plain_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    tapes: list[Recording] = []

    def graphed(variant: Any, state: State, *rest: Any) -> GraphedTrainer:
        tapes.append(Recording(state))
        return GraphedTrainer(variant, state, *rest, recorder=tapes[-1])

    monkeypatch.setattr(ganzoo.training.loop, "make_trainer", graphed)
    captured = train(tmp_path / "captured")
    assert tapes[0].replayed >= 3
    assert_same(state_of(run), state_of(captured))


def test_the_features_are_probed_beside_plain_voxels(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric, "COARSE", 8)  # the whole grid takes seconds
    (found,) = ganzoo.evaluate(run.path, ["probe-accuracy-voxels"])
    assert 0 <= found.value <= 1
    assert found.values["voxels"] > 0.5, "ten classes of solids are far apart"
    with pytest.raises(DataError, match=r"has images of 1x16x16x16, .* takes 1x32x32x32"):
        ganzoo.evaluate(run.path, ["fd-solids-2k"])


def test_shapes_turn_walk_are_added_and_become_meshes(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("skimage")

    def invoke(*words: object, code: int = 0) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr().err
        assert int(ended.value.code or 0) == code, said
        return said

    invoke("sample", run.path, "--turn", "-n", "2", "--frames", "5", "--output", "turn.gif")
    with Image.open(tmp_path / "turn.gif") as film:
        assert film.n_frames == 5
        frames = []
        for i in range(5):
            film.seek(i)
            frames.append(np.array(film.convert("L")))
    assert all(not np.array_equal(frames[0], other) for other in frames[1:]), "it turns, and does not come back early"
    invoke("sample", run.path, "--interpolate", "--rows", "2", "-n", "3", "--output", "walk.png")
    invoke("sample", run.path, "--arithmetic", "1,2 - 3 + 4", "--output", "sum.png")
    invoke("sample", run.path, "-n", "2", "--output", "x.obj")
    assert sorted(p.name for p in tmp_path.glob("*.obj")) == ["x-0000.obj", "x-0001.obj"]
    said = invoke("encode", run.path, "--input", "walk.png", "--output", "codes.npy", code=2)
    assert "these networks were trained on the voxels of 'solids'; image files are none" in said
    said = invoke("sample", run.path, "--turn", "--output", "turn.png", code=2)
    assert "--turn makes a film: write a FILE.gif or FILE.mp4" in said
    said = invoke("sample", run.path, "--turn", "--interpolate", code=2)
    assert "--interpolate does not go with --turn" in said
