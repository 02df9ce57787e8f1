"""SRGAN, arXiv:1609.04802, in two phases: SRResNet learns to minimise the squared error; then it is sharpened by a
discriminator, held to the original by a content loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, mse_loss

from ganzoo.plugin import (
    GAN,
    AdamOptions,
    Batch,
    BatchLoader,
    ConfigError,
    Dataset,
    Game,
    Load,
    Losses,
    RunConfig,
    Stage,
    State,
    Update,
    fill,
    lowered,
    option,
    read_tensors,
    reject_unused,
    to_unit,
)
from ganzoo_zoo.srgan.content import VGGFeatures, load_features
from ganzoo_zoo.srgan.networks import PatchDiscriminator, SRResNet

SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class SRGANOptions(AdamOptions):
    """Settings of SRGAN. Defaults: arXiv:1609.04802, section 3.2, but for the length of the training."""

    lr: float = option(1e-4, "Adam's step size", above=0)
    beta1: float = option(0.9, "Adam's decay of the mean of gradients", at_least=0, below=1)
    scale: Literal[2, 4] = option(4, "how much larger the sides become")
    crop: int = option(96, "side, in pixels, of the high-resolution crops of a folder's images", at_least=16)
    pretrain_steps: int = option(
        15_000, "iterations of phase one, which is SRResNet; the rest of the steps is phase two", at_least=0
    )
    pretrained: str = option(
        "", "weights file of a trained SRResNet to begin with, instead of phase one (pretrain_steps=0)", path="one"
    )
    content: Literal["mse", "vgg19", "vgg16"] = option(
        "mse", "content loss of phase two: squared error of pixels, or of VGG features, whose weights are needed"
    )
    content_weights: str = option(
        "", "file of VGG weights; empty: torchvision's, from torch's cache or by download", path="one"
    )
    content_sha256: str = option("", "SHA-256 that this file must have; empty: what its name promises, if it does")
    content_input: Literal["torchvision", "caffe"] = option("torchvision", "normalisation that the VGG weights expect")
    adversarial: float = option(1e-3, "weight of the adversarial loss in phase two (equation 3)", at_least=0)
    blocks: int = option(16, "residual blocks of the generator", at_least=1, at_most=8_192)
    width: int = option(
        64, "feature maps of the generator, and of the discriminator's first layer", at_least=1, at_most=8_192
    )
    skip: bool = option(
        False, "add the bicubic enlargement to the generator's result (not in the paper): short trainings get further"
    )


class SRGAN(GAN):
    """``steps`` counts both phases: a run of at most ``pretrain_steps`` is SRResNet, and more steps sharpen it."""

    Options = SRGANOptions
    defaults = {"loss": "non-saturating", "batch_size": 16, "steps": 20_000, "metrics": "psnr, ssim"}
    tiny: ClassVar = {"width": 8, "blocks": 1, "pretrain_steps": 4, "steps": 8, "content": "mse"}
    preview_columns: ClassVar = ("low resolution", "bicubic", "enlarged", "original")
    unsupported: ClassVar = {"feature_matching": "its content loss says what the generator has to match"}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._features: VGGFeatures | None = None
        self._pretrained: dict[str, Tensor] = {}
        self._pictures: Tensor | None = None

    # Data

    @classmethod
    def data_request(cls, config: RunConfig) -> dict[str, Any]:
        options: Any = config.options
        if config.dataset.startswith("folder:"):
            if config.resolution is not None:
                raise ConfigError(f"resolution = {config.resolution}: photographs are not scaled, -o crop=N cuts them.")
            if options.crop % options.scale:
                raise ConfigError(f"crop = {options.crop} is not a multiple of scale = {options.scale}.")
            return {"crop": options.crop}
        reject_unused(options, ("crop",), "only the images of folder:PATH are cropped; -o resolution=N sets a size")
        # Digits of 28 pixels made four times smaller are not worth a look.
        return {"resolution": 64} if config.dataset == "glyphs" and config.resolution is None else {}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        o, (_, height, width) = self.options, self.data.shape
        if height % o.scale or width % o.scale:
            raise ConfigError(
                f"images of {width}x{height} have a side that is not a multiple of scale = {o.scale}: choose another "
                "resolution."
            )
        # Without a phase two they do nothing yet, but a run that is made longer must have had them from the start.
        if o.content == "mse":
            ours = ("content_weights", "content_sha256", "content_input")
            reject_unused(o, ours, "content = 'mse' has no network, content = vgg19 or vgg16 have")
        if self.config.steps > o.pretrain_steps and o.content != "mse":
            self._features = load_features(o.content, o.content_weights, o.content_sha256, o.content_input)
        if o.pretrained:
            self._pretrained = self._begin_with(Path(o.pretrained))
        self._pictures = to_unit(dataset.source.fetch(torch.arange(min(SHOWN, len(dataset.source))))).cpu()

    def _begin_with(self, path: Path) -> dict[str, Tensor]:
        """The tensors of another training's generator, which must be of the same form."""
        if self.options.pretrain_steps:
            raise ConfigError(
                f"pretrained = {str(path)!r} with pretrain_steps = {self.options.pretrain_steps}: a network that is "
                "trained already begins with phase two: -o pretrain_steps=0."
            )
        tensors, _ = read_tensors(path)
        fill(self.networks()["generator"], tensors, path, "generator")
        return tensors

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """``"images"`` of high and ``"low"`` of low resolution."""
        images = loader.draw(start, n)["images"]
        return {"images": images, "low": lowered(images, self.options.scale)}

    # Networks and the two phases

    def networks(self) -> dict[str, nn.Module]:
        o, (channels, height, width) = self.options, self.data.shape
        if height != width:
            raise ConfigError(f"images of {width}x{height} are not square; -o resolution=N crops and scales them.")
        generator = SRResNet(channels, o.scale, o.blocks, o.width, o.skip)
        if self._pretrained:
            generator.load_state_dict(self._pretrained)
        return {"generator": generator, "discriminator": PatchDiscriminator(channels, height, o.width)}

    def stages(self) -> list[Stage]:
        first = min(self.options.pretrain_steps, self.config.steps)
        stages = [Stage("pretrain", first, (Update("generator", "generator", self.pixel_loss),))]
        stages.append(Stage("adversarial", self.config.steps - first, self.updates()))
        return [stage for stage in stages if stage.steps]

    def generated(self, state: State, batch: Batch, game: Game | None = None) -> Tensor:
        return state.networks["generator"](batch["low"]).float()

    def pixel_loss(self, state: State, batch: Batch) -> Losses:
        """Phase one: mean squared error of pixels in [-1, 1]."""
        return {"total": mse_loss(self.generated(state, batch), batch["images"])}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Phase two: content and 0.001 times adversarial loss (equation 3)."""
        fake = self.generated(state, batch)
        content = self.content_loss(fake, batch["images"])
        adversarial = super().generator_loss(state, batch, {"generator": fake})["total"]
        total = content + self.options.adversarial * adversarial
        return {"total": total, f"content_{self.options.content}": content, "adversarial": adversarial}

    def content_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        """Squared error of pixels, or of VGG features (equation 5)."""
        if self._features is None:
            assert self.options.content == "mse", "prepare() loads the features"
            return mse_loss(fake, real)
        features = self._features.to(fake.device)
        with torch.no_grad():
            wanted = features(real)
        return mse_loss(features(fake).float(), wanted.float())

    # What people look at

    def preview(self, network: nn.Module) -> tuple[Tensor, int]:
        """Rows of: low resolution, bicubic, the network, the original."""
        assert self._pictures is not None, "prepare() remembers the pictures"
        high, scale = self._pictures, self.options.scale
        low = lowered(high, scale)
        device = next(network.parameters()).device
        with torch.no_grad():
            enlarged = network(low.to(device)).float().cpu()
        coarse: Callable[..., Tensor] = interpolate
        columns = [
            coarse(low, scale_factor=scale, mode="nearest"),
            coarse(low, scale_factor=scale, mode="bicubic", align_corners=False),
            enlarged,
            high,
        ]
        return torch.stack(columns, dim=1).flatten(0, 1).clamp(-1, 1), len(columns)
