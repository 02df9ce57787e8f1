"""Layers that compute the same as plain ones, for less."""

import time

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from ganzoo.models.blocks import Dropout, InstanceNorm2d, PooledConv2d, UpsampledConv2d


def plain_up(layer: nn.Conv2d, maps: Tensor) -> Tensor:
    return conv2d(interpolate(maps, scale_factor=2, mode="nearest"), layer.weight, layer.bias, padding=1)


def plain_down(layer: nn.Conv2d, maps: Tensor) -> Tensor:
    return avg_pool2d(conv2d(maps, layer.weight, layer.bias, padding=1), 2)


@pytest.mark.parametrize(("kind", "plain"), [(UpsampledConv2d, plain_up), (PooledConv2d, plain_down)])
@pytest.mark.parametrize("bias", [True, False])
def test_folded_layers_are_the_two_plain_ones(kind: type[nn.Conv2d], plain: object, bias: bool) -> None:
    torch.manual_seed(0)
    layer = kind(3, 5, bias=bias).double()  # type: ignore[call-arg]  # both take (inputs, outputs, bias)
    assert layer.weight.shape == (5, 3, 3, 3), "the parameter stays the 3x3 weight"
    maps = torch.randn(2, 3, 8, 6, dtype=torch.float64, requires_grad=True)
    expected = plain(layer, maps)  # type: ignore[operator]  # a function of the test's own
    found = layer(maps)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)
    seen = torch.randn_like(found)
    inputs = [maps, *layer.parameters()]
    for a, b in zip(torch.autograd.grad(found, inputs, seen), torch.autograd.grad(expected, inputs, seen), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_dropout_leaves_out_its_share_and_keeps_means(p: float) -> None:
    torch.manual_seed(0)
    count = 400_001  # no multiple of the four elements that come of one draw
    kept = Dropout(p)(torch.ones(count))
    scale = kept.max()
    assert set(kept.unique().tolist()) == {0.0, float(scale)}
    assert float(scale) == pytest.approx(1 / (1 - p), rel=2**-16 / (1 - p))
    # Five standard deviations of a binomial share.
    assert float((kept == 0).double().mean()) == pytest.approx(p, abs=5 * (p * (1 - p) / count) ** 0.5)


def test_dropout_leaves_out_each_element_by_itself() -> None:
    torch.manual_seed(0)
    left_out = (Dropout(0.5)(torch.ones(50_000, 8)) == 0).double()
    between = torch.corrcoef(left_out.T) - torch.eye(8)
    assert float(between.abs().max()) < 5 / 50_000**0.5, "the four elements of one draw are independent"
    assert float((left_out[0] - left_out[1]).abs().sum()) > 0


def test_dropout_differentiates_with_its_mask_twice() -> None:
    torch.manual_seed(0)
    samples = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    layer = Dropout(0.5)

    def same_mask(values: Tensor) -> Tensor:
        torch.manual_seed(1)
        return layer(values).square()

    assert torch.autograd.gradcheck(same_mask, samples)
    assert torch.autograd.gradgradcheck(same_mask, samples)


def test_dropout_is_a_function_of_the_seed_and_not_of_the_layout() -> None:
    maps, layer = torch.randn(2, 3, 5, 7), Dropout(0.4)
    found = []
    for values in (maps, maps.contiguous(memory_format=torch.channels_last), maps.bfloat16()):
        torch.manual_seed(3)
        found.append(layer(values) == 0)
    assert all(torch.equal(found[0], other) for other in found[1:])
    assert layer(maps.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(("p", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_dropout_of_nothing_and_of_everything(p: float, expected: float) -> None:
    assert torch.equal(Dropout(p)(torch.ones(9)), torch.full((9,), expected))


def test_dropout_does_nothing_after_training() -> None:
    samples = torch.randn(9)
    assert torch.equal(Dropout(0.5).eval()(samples), samples)
    with pytest.raises(ValueError, match="probability"):
        Dropout(1.5)


def test_dropout_costs_less_than_torchs() -> None:
    """A generous bound: it is the reason for the layer to be, and measured was a third with this shape."""
    features = torch.randn(256, 1024)

    def seconds(layer: nn.Module) -> float:
        taken = []
        for _ in range(7):
            begin = time.process_time()
            for _ in range(5):
                layer(features)
            taken.append(time.process_time() - begin)
        return min(taken)

    assert seconds(Dropout(0.4)) < 0.7 * seconds(nn.Dropout(0.4))


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_instance_normalisation_is_that_of_torch(count: int, affine: bool) -> None:
    layer, plain = InstanceNorm2d(4, affine=affine).double(), nn.InstanceNorm2d(4, affine=affine).double()
    maps = torch.randn(count, 4, 6, 5, dtype=torch.float64, requires_grad=True)
    found, expected = layer(maps), plain(maps)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    inputs = [maps, *layer.parameters()], [maps, *plain.parameters()]
    seen = torch.randn_like(found)
    for a, b in zip(
        torch.autograd.grad(found, inputs[0], seen), torch.autograd.grad(expected, inputs[1], seen), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    assert torch.equal(layer.eval()(maps), plain.eval()(maps))


def test_instance_normalisation_keeps_channels_last() -> None:
    maps = torch.randn(2, 4, 6, 5).to(memory_format=torch.channels_last)
    assert InstanceNorm2d(4)(maps).is_contiguous(memory_format=torch.channels_last)
