"""PSNR and SSIM on luma with the border removed: the measures of super-resolution papers.

Luma of RGB is ITU-R BT.601 in the studio range, as MATLAB's ``rgb2ycbcr`` gives it: 16 to 235 for values 0 to 255. A
grey image is its own luma, as in the papers' evaluation scripts.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from ganzoo.data.resize import convert_channels

PEAK = 255.0


def luma(images: Tensor) -> Tensor:
    """uint8 images to Y, float64 [N, 1, H, W]: from 16 to 235 for RGB [N, 3, H, W], unchanged for grey [N, 1, H, W].

    RGBA is laid on white.
    """
    if images.shape[1] == 4:
        images = convert_channels(images, 3)
    if images.shape[1] == 1:
        return images.double()
    rgb = images.double()
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64, device=images.device) / 255
    return 16 + (rgb * weights.view(1, 3, 1, 1)).sum(1, keepdim=True)


def shaved(images: Tensor, border: int) -> Tensor:
    """Without ``border`` pixels on every side."""
    return images[..., border : images.shape[-2] - border, border : images.shape[-1] - border]


def psnr(images: Tensor, truth: Tensor, border: int) -> Tensor:
    """Peak signal-to-noise ratio on luma of uint8 images [N, C, H, W], in dB, float64 [N]; infinite for equal ones."""
    difference = shaved(luma(images) - luma(truth), border)
    return 10 * torch.log10(PEAK**2 / difference.square().mean((1, 2, 3)))


def ssim(images: Tensor, truth: Tensor, border: int) -> Tensor:
    """Structural similarity on luma of uint8 images [N, C, H, W], float64 [N], at most 1.

    Wang et al., IEEE TIP 13(4), 2004: Gaussian window of 11x11 and sigma 1.5, no padding, K1 = 0.01, K2 = 0.03.
    """
    x, y = shaved(luma(images), border), shaved(luma(truth), border)
    offsets = torch.arange(-5, 6, dtype=torch.float64, device=x.device)
    bell = torch.exp(-offsets.square() / (2 * 1.5**2))
    bell = bell / bell.sum()

    def blur(values: Tensor) -> Tensor:
        return conv2d(conv2d(values, bell.view(1, 1, 11, 1)), bell.view(1, 1, 1, 11))

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    both = blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * both + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return similarity.mean((1, 2, 3))
