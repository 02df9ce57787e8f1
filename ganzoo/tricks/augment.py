"""What the discriminator sees of a sample, real or generated: with instance noise, or augmented (DiffAugment).

Everything is differentiable, so that the generator learns through it.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

POLICIES = ("color", "translation", "cutout")


def policies(text: str) -> list[str]:
    """The names in a ``diffaugment`` setting, in the order in which they are applied."""
    return [name.strip() for name in text.split(",")] if text.strip() else []


def noise_std(std: float, seen: int, fade: int) -> float:
    """Standard deviation of the instance noise after ``seen`` images: falls linearly to zero at ``fade``."""
    return std * max(0.0, 1 - seen / fade)


def add_noise(samples: Tensor, std: float) -> Tensor:
    """Samples with Gaussian noise: arXiv:1610.04490, section 2.2.2."""
    return samples + std * torch.randn_like(samples) if std else samples


def augment(images: Tensor, names: list[str]) -> Tensor:
    """DiffAugment (arXiv:2006.10738, section 3.2 and its appendix): each image [C, H, W] of [N, C, H, W] on its own."""
    apply = {"color": color, "translation": translation, "cutout": cutout}
    for name in names:
        images = apply[name](images)
    return images


def color(images: Tensor) -> Tensor:
    """Random brightness (+-0.5 of the range's half), saturation (0 to 2 times) and contrast (0.5 to 1.5 times).

    Of four channels the last is alpha, which is left as it is.
    """
    if images.shape[1] == 4:
        return torch.cat([color(images[:, :3]), images[:, 3:]], 1)

    def random() -> Tensor:
        return torch.rand(len(images), 1, 1, 1, dtype=images.dtype, device=images.device)

    images = images + random() - 0.5
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * 2 * random()
    middle = images.mean((1, 2, 3), keepdim=True)
    return middle + (images - middle) * (0.5 + random())


def translation(images: Tensor, ratio: float = 0.125) -> Tensor:
    """Shifted by up to 1/8 of the sides; what comes in is zero, which is mid-grey."""
    n, _, height, width = images.shape
    dy, dx = round(height * ratio), round(width * ratio)
    device = images.device
    top = torch.randint(0, 2 * dy + 1, (n, 1, 1), device=device)
    left = torch.randint(0, 2 * dx + 1, (n, 1, 1), device=device)
    rows = torch.arange(height, device=device)[None, :, None] + top
    columns = torch.arange(width, device=device)[None, None, :] + left
    padded = pad(images, (dx, dx, dy, dy)).permute(0, 2, 3, 1)
    which = torch.arange(n, device=device)[:, None, None]
    return padded[which, rows, columns].permute(0, 3, 1, 2)


def cutout(images: Tensor, ratio: float = 0.5) -> Tensor:
    """A square of half the sides is set to zero; its centre lies anywhere."""
    n, _, height, width = images.shape
    size_y, size_x = round(height * ratio), round(width * ratio)
    device = images.device
    centre_y = torch.randint(0, height + 1, (n, 1, 1, 1), device=device)
    centre_x = torch.randint(0, width + 1, (n, 1, 1, 1), device=device)
    y = torch.arange(height, device=device)[None, None, :, None] - centre_y + size_y // 2
    x = torch.arange(width, device=device)[None, None, None, :] - centre_x + size_x // 2
    inside = (y >= 0) & (y < size_y) & (x >= 0) & (x < size_x)
    return images * ~inside
