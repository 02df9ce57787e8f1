"""Translators: any size, any scale, padding to a multiple, tiles, and classes."""

from fractions import Fraction

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ganzoo.cli.drawing.translate import label_of
from ganzoo.data.base import DataWarning
from ganzoo.errors import UsageError
from ganzoo.models.interfaces import Translator
from ganzoo.models.translate import translate, translate_image


class Shade(Translator):
    """Adds a shade for its class, on sides that are multiples of 8."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__(multiple=8, classes=classes)
        self.seen: list[tuple[int, ...]] = []

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        self.seen.append(tuple(images.shape))
        shade = 0.0 if condition is None else 0.25 * condition.view(-1, 1, 1, 1)
        return images * 0 + shade


class Half(Translator):
    """Half as large, and it sees the whole image."""

    def __init__(self) -> None:
        super().__init__(scale=Fraction(1, 2))

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return avg_pool2d(images, 2)


class Double(Translator):
    """Twice as large, pixel by pixel."""

    reach = 1

    def __init__(self, multiple: int = 1) -> None:
        super().__init__(scale=2, multiple=multiple)

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        return interpolate(images, scale_factor=2)


def test_sides_are_padded_to_the_multiple_and_cut_back() -> None:
    network = Shade()
    assert translate(network, torch.zeros(1, 1, 13, 17)).shape == (1, 1, 13, 17)
    assert network.seen == [(1, 1, 16, 24)]


def test_a_class_says_what_is_made() -> None:
    made = translate(Shade(), torch.zeros(3, 1, 8, 8), condition=torch.arange(3))
    assert made[:, 0, 0, 0].tolist() == [128, 159, 191]
    picture = translate_image(Shade(), 3, Image.new("RGB", (9, 9)), label=2)
    assert picture.getpixel((4, 4)) == (191, 191, 191)


def test_a_class_is_named_where_it_is_needed() -> None:
    class Data:
        classes = ("autumn", "spring", "winter")

    class Told:
        data = Data()

    variant: object = Told()
    assert label_of(Shade(), variant, "spring") == 1  # type: ignore[arg-type]
    assert label_of(Shade(0), variant, None) is None  # type: ignore[arg-type]
    for network, wanted, message in (
        (Shade(), None, "name one of them, 0 to 2"),
        (Shade(), "all", "name one of them"),
        (Shade(), "summer", "unknown class 'summer'"),
        (Shade(), "3", "valid classes are 0 to 2"),
        (Shade(0), "spring", "it takes no class"),
    ):
        with pytest.raises(UsageError, match=message):
            label_of(network, variant, wanted)  # type: ignore[arg-type]


def test_a_fraction_makes_smaller_images_of_whole_pixels() -> None:
    assert translate(Half(), torch.zeros(1, 3, 12, 8)).shape == (1, 3, 6, 4)
    with pytest.raises(UsageError, match="9 pixels times 1/2 are not whole pixels"):
        translate(Half(), torch.zeros(1, 3, 9, 8))


class Centred(Half):
    """It looks at the whole image: the result is without its mean."""

    def __init__(self, scale: Fraction | int = 1) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        small = images[..., ::2, ::2] if self.scale != 1 else images
        return small - images.mean((2, 3), keepdim=True)


@pytest.mark.parametrize("scale", [1, Fraction(1, 2)])
def test_pieces_of_a_network_that_sees_the_whole_image_are_blended(scale: Fraction | int) -> None:
    slope = torch.linspace(-0.5, 0.5, 1200).repeat(1, 1, 1600, 1)
    network = Centred(scale)
    with pytest.warns(DataWarning, match="1200x1600 pixels: translated in pieces of 512 that are blended"):
        found = translate(network, slope)
    assert found.shape == (1, 1, int(1600 * scale), int(1200 * scale))
    steps = found[0, 0].int().diff(dim=1)
    assert steps.abs().max() <= 4  # each piece has another mean: unblended, 512 pixels apart, the step is 54
    assert torch.equal(translate(network, slope[..., :300]), translate(network, slope[..., :300], tile=0))
    flat = torch.full((1, 1, 1100, 1030), 0.25)
    assert torch.equal(translate(network, flat, tile=100), translate(network, flat, tile=0))


@pytest.mark.parametrize("tile", [3, 8, 100])
@pytest.mark.parametrize("multiple", [1, 4])
def test_tiles_that_are_padded_give_the_whole(tile: int, multiple: int) -> None:
    images = torch.randint(0, 256, (1, 1, 19, 26), dtype=torch.uint8)
    assert torch.equal(translate(Double(multiple), images, tile), translate(Double(multiple), images, 0))
