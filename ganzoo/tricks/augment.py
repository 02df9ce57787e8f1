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


def augment(images: Tensor, names: list[str], probability: Tensor | None = None) -> Tensor:
    """DiffAugment (arXiv:2006.10738, section 3.2 and its appendix): each image [C, H, W] of [N, C, H, W] on its own.

    Args:
        probability: of each augmentation of an image, 0-d; None: 1.
    """
    apply = {"color": color, "translation": translation, "cutout": cutout}
    for name in names:
        changed = apply[name](images)
        if probability is not None:
            chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < probability
            changed = torch.where(chosen, changed, images)
        images = changed
    return images


TIMES = (5, 500)
"""Steps of a diffusion, at least and at most."""
BETAS = (1e-4, 0.02)
SPREAD = 0.05
"""Standard deviation of its noise."""


def diffuse(samples: Tensor, time: Tensor) -> Tensor:
    """Samples that a diffusion has taken a random number of steps, half of them none: arXiv:2206.02262, section 3.

    Late steps are more probable, as many times as they are later (the ``priority`` of section 3.3).

    Args:
        time: 0-d, in [0, 1]: up to which step, from the least to the most.
    """
    least, most = TIMES
    device, n = samples.device, len(samples)
    kept = torch.cumprod(1 - torch.linspace(*BETAS, most, device=device), 0)
    last = least + (most - least) * time
    step = (last * torch.rand(n, device=device).sqrt()).long().clamp(max=most - 1)
    share = kept[step].view(-1, *[1] * (samples.dim() - 1)).to(samples.dtype)
    noisy = share.sqrt() * samples + SPREAD * (1 - share).sqrt() * torch.randn_like(samples)
    chosen = torch.rand(n, *[1] * (samples.dim() - 1), device=device) < 0.5
    return torch.where(chosen, noisy, samples)


@torch.no_grad()
def adapt(probability: Tensor, logits: Tensor, target: float, images: float) -> None:
    """Change a probability in place: up where the mean sign of the logits of real samples is above the target, which
    tells that D has learned them by heart, down where it is below: arXiv:2006.06676, section 3.1.

    Args:
        images: how far it moves, as a number of images seen over that in which it can go from 0 to 1.
    """
    excess = logits.sign().mean() - target
    probability.add_(excess.sign() * images).clamp_(0, 1)


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
