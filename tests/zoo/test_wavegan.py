"""wavegan: the paper's layers, phase shuffle, the losses of a Wasserstein GAN, walks as sounds."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.data.specs.drawn import PITCHES
from ganzoo.errors import DataError, UsageError
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo.runs.trained import TrainedRun
from ganzoo_zoo.wavegan.networks import PhaseShuffle, WaveDiscriminator, WaveGenerator, layers_for, moved
from ganzoo_zoo.wavegan.variant import WaveGAN

from ..training.helpers import TINY, assert_same, state_of

SMALL: dict[str, Any] = {**TINY, "steps": 4, "width": 2, "latent_dim": 4, "length": 64, "report": False}


def made(
    length: int = 256, classes: tuple[str, ...] = PITCHES, **more: Any
) -> tuple[WaveGAN, State, dict[str, Tensor]]:
    torch.manual_seed(0)
    kind = load_variant("wavegan")
    config = resolve("wavegan", kind.Options, {"dataset": "x"}, kind.defaults, {"width": 2, "latent_dim": 4, **more})
    variant = kind(config, DataInfo("tones", "waves", (1, length), classes), make_loss(kind, config))
    assert isinstance(variant, WaveGAN)
    batch = {"images": torch.rand(6, 1, length) * 2 - 1, "labels": torch.arange(6) % max(1, len(classes))}
    return variant, State(variant.build(), {}, {}, {}), batch


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    return ganzoo.train("wavegan", "tones", out=tmp_path_factory.mktemp("runs") / "run", **SMALL)


def test_the_sizes_of_tables_3_and_4() -> None:
    """16d maps of 16 samples, halved and four times as long in each layer; kernels of 25."""
    with torch.device("meta"):
        generator, judge = WaveGenerator(100, 64, (1, 16_384)), WaveDiscriminator(64, (1, 16_384))
    up = [layer for layer in generator.body if isinstance(layer, nn.ConvTranspose2d)]
    down = [layer for layer in judge.body if isinstance(layer, nn.Conv2d)]
    assert generator.first.out_features == 16 * 1_024
    assert [layer.out_channels for layer in up] == [512, 256, 128, 64, 1]
    assert [layer.out_channels for layer in down] == [64, 128, 256, 512, 1_024]
    assert {layer.kernel_size for layer in (*up, *down)} == {(1, 25)}
    assert {layer.stride for layer in (*up, *down)} == {(1, 4)}
    assert judge.head.in_features == 16 * 1_024
    shuffles = [isinstance(layer, PhaseShuffle) for layer in judge.body]
    assert sum(shuffles) == 4
    assert not shuffles[-2], "nothing is moved after the last layer"
    assert load_variant("wavegan").presets["paper"]["width"] == 64


@pytest.mark.parametrize("length", [64, 256, 4_096])
@pytest.mark.parametrize("post_filter", [0, 1, 6, 7])
def test_waves_have_the_length_of_the_data(length: int, post_filter: int) -> None:
    samples = WaveGenerator(4, 1, (2, length), 0, post_filter)(torch.randn(2, 4))
    assert samples.shape == (2, 2, length)
    assert samples.abs().max() <= 1
    assert WaveDiscriminator(1, (2, length))(samples).shape == (2,)


@pytest.mark.parametrize("length", [16, 100])
def test_other_lengths_are_refused(length: int, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"waves of {length:,} samples: these networks draw 64, .* -o length=\d+"):
        ganzoo.train("wavegan", "tones", out=tmp_path / "run", **{**SMALL, "length": length})
    assert layers_for(16_384) == 5
    with pytest.raises(DataError, match="with -o length=65536"):
        layers_for(100_000)


def test_latents_are_uniform_where_they_enter() -> None:
    generator = WaveGenerator(64, 1, (1, 64))
    seen: list[Tensor] = []
    generator.first.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        generator(generator.latents(500, torch.Generator().manual_seed(0)))
    counts = torch.histc(seen[0], 10, -1, 1) / seen[0].numel()
    assert (counts - 0.1).abs().max() < 0.01


def test_a_shift_moves_a_map_and_fills_by_reflection() -> None:
    maps = torch.arange(6.0).expand(3, 2, 1, 6).clone().requires_grad_()
    found = moved(maps, torch.tensor([[2], [0], [-1]]))
    assert found[0, 1, 0].tolist() == [2, 1, 0, 1, 2, 3]
    assert found[1, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert found[2, 0, 0].tolist() == [1, 2, 3, 4, 5, 4]
    found[0].sum().backward()
    assert maps.grad is not None
    assert maps.grad[0, 0, 0].tolist() == [1, 2, 2, 1, 0, 0]


def test_shifts_are_drawn_for_each_sound_and_only_while_training() -> None:
    torch.manual_seed(0)
    layer, maps = PhaseShuffle(2), torch.arange(40.0).expand(400, 1, 1, 40)
    middle = (layer(maps) - maps)[:, 0, 0, 20]
    assert {int(each) for each in middle} == {-2, -1, 0, 1, 2}
    assert torch.equal(layer.eval()(maps), maps)
    assert torch.equal(PhaseShuffle(0)(maps), maps)
    judge, waves = WaveDiscriminator(2, (1, 256)), torch.rand(2, 1, 256)
    assert not torch.equal(judge(waves), judge(waves))
    assert torch.equal(judge.eval()(waves), judge(waves))


def test_the_losses_are_those_of_wgan_gp() -> None:
    variant, state, batch = made(phase_shuffle=0)
    judge = state.networks["discriminator"]
    torch.manual_seed(3)
    losses = variant.discriminator_loss(state, batch)
    torch.manual_seed(3)
    with torch.no_grad():
        fake = variant.generated(state, batch)
    share = torch.rand(6, 1, 1)
    between = (share * batch["images"] + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(judge(between, batch["labels"]).sum(), between)
    penalty = 10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()
    real, made_up = (judge(each, batch["labels"]).mean() for each in (batch["images"], fake))
    torch.testing.assert_close(losses["gradient_penalty"], penalty)
    torch.testing.assert_close(losses["total"], made_up - real + penalty)
    torch.manual_seed(3)
    torch.testing.assert_close(variant.generator_loss(state, batch)["total"], -made_up)


def test_a_class_is_judged_by_a_product_with_the_features() -> None:
    judge, waves = WaveDiscriminator(2, (1, 64), 3).eval(), torch.rand(4, 1, 64)
    labels = torch.tensor([0, 1, 2, 1])
    features = judge.body(waves[:, :, None])
    expected = judge.head(features)[:, 0] + torch.stack(
        [features[i] @ judge.of_class.weight[k] for i, k in enumerate(labels)]
    )
    torch.testing.assert_close(judge(waves, labels), expected)
    with pytest.raises(UsageError, match="needs labels"):
        judge(waves)


@pytest.mark.parametrize(
    ("conditional", "classes", "expected"), [(True, PITCHES, 12), (False, PITCHES, 0), (True, (), 0)]
)
def test_classes_are_used_where_there_are_some(conditional: bool, classes: tuple[str, ...], expected: int) -> None:
    _, state, _ = made(64, classes, conditional=conditional)
    assert [network.classes for network in state.networks.values()] == [expected] * 2


def test_the_generator_steps_in_every_nth_iteration() -> None:
    variant, _, _ = made(n_critic=5)
    assert {update.name: update.every for update in variant.updates()} == {"discriminator": 1, "generator": 5}


def test_a_resumed_run_draws_the_same_shifts(run: TrainedRun, tmp_path: Path) -> None:
    ganzoo.train("wavegan", "tones", out=tmp_path / "run", **{**SMALL, "steps": 2})
    resumed = ganzoo.train("wavegan", "tones", out=tmp_path / "run", resume=True, **SMALL)
    assert_same(state_of(run), state_of(resumed))
