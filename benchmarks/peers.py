"""Networks, losses and updates of public GAN scripts, as variants of ganzoo: the same work, to be timed beside them.

Sizes and schedules are those of PyTorch-GAN's scripts for MNIST; the code is ours. What differs is said in DIFFERS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, embedding, mse_loss
from torch.optim import Optimizer, RMSprop

from ganzoo.plugin import (
    AdamOptions,
    Batch,
    Discriminator,
    Dropout,
    FusedRMSprop,
    Generator,
    Losses,
    Stage,
    State,
    Update,
    UpsampledConv2d,
    Variant,
    fused,
    gradient_penalty,
    init_normal,
)

DIFFERS = (
    "a sigmoid with binary cross-entropy is computed from logits",
    "nearest enlargement and 3x3 convolution are one transposed convolution with the same result (dcgan, sgan)",
    "real and generated samples go through D in one pass where D has no batch normalisation (gan, cgan, wgan, wgan_gp)",
    "G is not differentiated in D's step: the script of wgan_gp does so in vain",
    "G's step computes no gradients of D's weights: the scripts do, and throw them away",
    "G's step takes the generated samples of the step of the critic before it: the scripts compute the same ones again,"
    " from the same latents, so that the running statistics of G's batch normalisation move twice (wgan, wgan_gp)",
    "D's first layer has its weights for the image and for the label in two matrices, so that no gradient of the images"
    " is computed in D's step, which the script throws away; the label's part is computed once a label, not once a"
    " sample (cgan)",
    "dropout draws 16 bits an element (cgan)",
    "random numbers are torch's, in float32: the scripts draw them with NumPy and convert them",
    "convolutions have their channels last in memory (dcgan, sgan)",
    "images are scaled once and indexed: the scripts open, scale and convert every image in every batch",
    "losses are read at the end of a window, not printed in every step; no picture is written every 400 steps",
    "optimizers are fused: Adam by torch, RMSprop by the same kernel (ganzoo.models.optimizers)",
    "sgan computes no training accuracy in NumPy",
)
EPS = 0.8
"""Of batch normalisation: the scripts hand 0.8 to the place where its epsilon is."""


def dense(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(widths[0], widths[1]), nn.LeakyReLU(0.2, inplace=True)]
    for a, b in pairwise(widths[1:]):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b, EPS), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers)


class DenseGenerator(Generator):
    """100 (and an embedded label) to 128, 256, 512, 1024, the image."""

    def __init__(self, shape: tuple[int, ...], classes: int = 0) -> None:
        super().__init__(100, classes)
        self.shape = shape
        self.embedding = nn.Embedding(classes, classes) if classes else None
        self.body = dense([100 + classes, 128, 256, 512, 1024])
        self.head = nn.Sequential(nn.Linear(1024, prod(shape)), nn.Tanh())

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.embedding is not None:
            latents = torch.cat([self.embedding(labels), latents], 1)
        return self.head(self.body(latents)).view(-1, *self.shape)


class DenseDiscriminator(Discriminator):
    """784, 512, 256, 1."""

    independent = True

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(prod(shape), 512), nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(512, 256), nn.LeakyReLU(0.2, inplace=True), nn.Linear(256, 1),
        )  # fmt: skip

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.body(samples.flatten(1)).squeeze(1)


class LabelledDiscriminator(Discriminator):
    """The image and an embedded label; three hidden layers of 512, dropout 0.4 after two of them."""

    independent = True

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(classes)
        self.embedding = nn.Embedding(classes, classes)
        # One layer of the image and the label side by side: its weights begin as those of one layer would.
        self.of_image, self.of_label = nn.Linear(prod(shape), 512), nn.Linear(classes, 512, bias=False)
        bound = (prod(shape) + classes) ** -0.5
        for parameter in (self.of_image.weight, self.of_image.bias, self.of_label.weight):
            nn.init.uniform_(parameter, -bound, bound)
        layers: list[nn.Module] = [nn.LeakyReLU(0.2, inplace=True)]
        for _ in range(2):
            layers += [nn.Linear(512, 512), Dropout(0.4), nn.LeakyReLU(0.2, inplace=True)]
        self.body = nn.Sequential(*layers, nn.Linear(512, 1))

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        every_label = self.of_label(self.embedding.weight)
        return self.body(self.of_image(samples.flatten(1)) + embedding(labels, every_label)).squeeze(1)


class ConvGenerator(Generator):
    """100 to 128 maps of 8x8, enlarged twice."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(100)
        self.side = shape[1] // 4
        self.first = nn.Linear(100, 128 * self.side**2)
        self.body = nn.Sequential(
            nn.BatchNorm2d(128),
            UpsampledConv2d(128, 128), nn.BatchNorm2d(128, EPS), nn.LeakyReLU(0.2, inplace=True),
            UpsampledConv2d(128, 64), nn.BatchNorm2d(64, EPS), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(64, shape[0], 3, padding=1), nn.Tanh(),
        )  # fmt: skip
        init_normal(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        maps = self.first(latents).view(-1, 128, self.side, self.side)
        return self.body(maps.to(memory_format=torch.channels_last))


class ConvDiscriminator(Discriminator):
    """Four strided convolutions of 16 to 128 maps; ``outputs`` 1, or 1 and so many classes beside it."""

    def __init__(self, shape: tuple[int, ...], classes: int = 0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        maps = [shape[0], 16, 32, 64, 128]
        for i, (a, b) in enumerate(pairwise(maps)):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Dropout2d(0.25)]
            layers += [nn.BatchNorm2d(b, EPS)] if i else []
        self.body = nn.Sequential(*layers)
        features = 128 * (shape[1] // 16) ** 2
        self.validity = nn.Linear(features, 1)
        self.kind = nn.Linear(features, classes) if classes else None
        init_normal(self)

    def both(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        assert self.kind is not None
        features = self.body(samples).flatten(1)
        # The script hands probabilities to a loss that takes logits; the work is the same, so it is done here too.
        return self.validity(features).squeeze(1), self.kind(features).float().softmax(1)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.validity(self.body(samples).flatten(1)).squeeze(1)


@dataclass(frozen=True, kw_only=True)
class PeerOptions(AdamOptions):
    """The scripts' settings."""


class Peer(Variant):
    """G first, then D on the same generated samples, as the scripts do it."""

    Options = PeerOptions
    defaults: ClassVar[Mapping[str, Any]] = {"loss": "non-saturating", "batch_size": 64, "ema_halflife": 0}
    side = 28
    conditional = False
    generated: Tensor
    asked: Tensor | None = None

    def networks(self) -> dict[str, nn.Module]:
        shape = self.data.shape
        return {"generator": DenseGenerator(shape), "discriminator": DenseDiscriminator(shape)}

    def players(self) -> dict[str, tuple[str, ...]]:
        return {"discriminator": ("discriminator",), "generator": ("generator",)}

    def stages(self) -> list[Stage]:
        updates = (
            Update("generator", "generator", self.generator_loss),
            Update("discriminator", "discriminator", self.discriminator_loss),
        )
        return [Stage("adversarial", self.config.steps, updates)]

    def criterion(self, logits: Tensor, target: float) -> Tensor:
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

    def generator_loss(self, state: State, batch: Batch) -> Losses:
        generator = self.network(state, "generator", Generator)
        n = len(batch["images"])
        self.asked = (
            torch.randint(generator.classes, (n,), device=batch["images"].device) if generator.classes else None
        )
        fake = generator(generator.latents(n), self.asked)
        self.generated = fake.detach()
        return {"total": self.criterion(self.d(state, fake, self.asked), 1.0)}

    def d(self, state: State, images: Tensor, labels: Tensor | None) -> Tensor:
        return state.networks["discriminator"](images, labels).float()

    def discriminator_loss(self, state: State, batch: Batch) -> Losses:
        n, labels = len(batch["images"]), batch["labels"] if self.conditional else None
        if self.network(state, "discriminator", Discriminator).independent:
            both = None if labels is None or self.asked is None else torch.cat([labels, self.asked])
            real, fake = self.d(state, torch.cat([batch["images"], self.generated]), both).split([n, n])
        else:
            real, fake = self.d(state, batch["images"], labels), self.d(state, self.generated, self.asked)
        return {"total": (self.criterion(real, 1.0) + self.criterion(fake, 0.0)) / 2}


class CGAN(Peer):
    """Fully connected, labels embedded, squared errors, images of 32x32."""

    side, conditional = 32, True

    def networks(self) -> dict[str, nn.Module]:
        shape = self.data.shape
        return {"generator": DenseGenerator(shape, 10), "discriminator": LabelledDiscriminator(shape, 10)}

    def criterion(self, logits: Tensor, target: float) -> Tensor:
        return mse_loss(logits, torch.full_like(logits, target))


class DCGAN(Peer):
    """Convolutional, images of 32x32."""

    side = 32

    def networks(self) -> dict[str, nn.Module]:
        shape = self.data.shape
        return {"generator": ConvGenerator(shape), "discriminator": ConvDiscriminator(shape)}


class SGAN(DCGAN):
    """DCGAN's networks with a second head of eleven classes."""

    def networks(self) -> dict[str, nn.Module]:
        shape = self.data.shape
        return {"generator": ConvGenerator(shape), "discriminator": ConvDiscriminator(shape, 11)}

    def d(self, state: State, images: Tensor, labels: Tensor | None) -> Tensor:
        return self.network(state, "discriminator", ConvDiscriminator).both(images)[0].float()

    def discriminator_loss(self, state: State, batch: Batch) -> Losses:
        network = self.network(state, "discriminator", ConvDiscriminator)
        losses = []
        for images, target, kinds in (
            (batch["images"], 1.0, batch["labels"]),
            (self.generated, 0.0, torch.full_like(batch["labels"], 10)),
        ):
            validity, kind = network.both(images)
            losses.append((self.criterion(validity.float(), target) + cross_entropy(kind, kinds)) / 2)
        return {"total": (losses[0] + losses[1]) / 2}


class WGAN(Peer):
    """A critic, clipped after every step; G every fifth step, by the samples that the critic has just seen."""

    def stages(self) -> list[Stage]:
        updates = (
            Update("discriminator", "discriminator", self.discriminator_loss, after=self.clip),
            Update("generator", "generator", self.generator_loss, every=5),
        )
        return [Stage("adversarial", self.config.steps, updates)]

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        return (FusedRMSprop if fused(parameters) else RMSprop)(parameters, lr=5e-5)

    @torch.no_grad()
    def clip(self, state: State, losses: Losses) -> None:
        for parameter in state.networks["discriminator"].parameters():
            parameter.clamp_(-0.01, 0.01)

    def generator_loss(self, state: State, batch: Batch) -> Losses:
        return {"total": -self.d(state, self.generated, None).mean()}

    def discriminator_loss(self, state: State, batch: Batch) -> Losses:
        generator, n = self.network(state, "generator", Generator), len(batch["images"])
        self.generated = generator(generator.latents(n))
        fake = self.generated.detach()
        real_scores, fake_scores = self.d(state, torch.cat([batch["images"], fake]), None).split([n, n])
        return {"total": fake_scores.mean() - real_scores.mean() + self.penalty(state, batch["images"], fake)}

    def penalty(self, state: State, real: Tensor, fake: Tensor) -> Tensor | float:
        return 0.0


class WGANGP(WGAN):
    """The gradient penalty instead of clipping; Adam."""

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        return Variant.optimizer(self, player, parameters)

    def clip(self, state: State, losses: Losses) -> None:
        """Nothing is clipped."""

    def penalty(self, state: State, real: Tensor, fake: Tensor) -> Tensor | float:
        return gradient_penalty(lambda between: self.d(state, between, None), real, fake, 10.0)


PEERS: dict[str, type[Peer]] = {
    "gan": Peer, "cgan": CGAN, "dcgan": DCGAN, "sgan": SGAN, "wgan": WGAN, "wgan_gp": WGANGP,
}  # fmt: skip
