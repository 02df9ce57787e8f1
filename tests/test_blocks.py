"""Layers that compute the same as two plain ones, for less."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from ganzoo.blocks import PooledConv2d, UpsampledConv2d


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
