"""Diffusion-GAN, arXiv:2206.02262: StyleGAN2 whose discriminator sees diffused samples.

The diffusion is a trick that every variant has: ``ganzoo train dcgan -o diffusion=0.6``.
"""

from typing import ClassVar

from ganzoo_zoo.stylegan2.variant import StyleGAN2


class DiffusionGAN(StyleGAN2):
    """StyleGAN2 with ``diffusion``; the paper's strongest of its plain models (table 1)."""

    defaults: ClassVar = {**StyleGAN2.defaults, "diffusion": 0.6}
