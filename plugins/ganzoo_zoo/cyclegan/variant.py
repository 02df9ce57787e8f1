"""CycleGAN, arXiv:1703.10593: two translators that undo each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    BatchLoader,
    ConfigError,
    Dataset,
    Game,
    Load,
    Losses,
    State,
    option,
    reject_unused,
    replay,
    replay_memory,
)
from ganzoo_zoo.translators import PatchDiscriminator, ResNetTranslator, UNet, varied

A, B = "images", "second.images"


@dataclass(frozen=True, kw_only=True)
class CycleGANOptions(AdamOptions):
    """Settings of CycleGAN. Defaults: arXiv:1703.10593, sections 4 and 7, but for the width."""

    cycle: float = option(10.0, "weight of the distance between an image and what comes back (equation 3)", at_least=0)
    identity: float = option(
        0.5, "weight, times that of the cycle, of leaving images of the target set as they are (section 5.2)",
        at_least=0,
    )  # fmt: skip
    distance: Literal["l1", "l2"] = option("l1", "distance of cycle and identity; DiscoGAN has l2")
    pool: int = option(50, "past images of each set that D is shown as well; 0: none", at_least=0, at_most=10_000)
    body: Literal["resnet", "unet"] = option("resnet", "the translators; DualGAN has unet")
    blocks: int = option(0, "residual blocks of a resnet; 0: 9 from 256 pixels on, 6 below", at_least=0, at_most=64)
    enlarge: Literal["nearest", "transposed"] = option(
        "nearest", "how a resnet enlarges: copied pixels and a convolution, or as in the paper a transposed convolution"
    )
    width: int = option(32, "feature maps of the first layers; the paper: 64", at_least=1, at_most=8_192)
    patch: Literal[0, 1, 16, 34, 70, 142, 286] = option(
        0, "side of what a logit of D sees, in pixels; 0: 70 from 128 pixels on, else 16"
    )  # fmt: skip
    mirror: bool = option(True, "half of the images are mirrored")
    jitter: float = option(
        0.117, "images are made larger by this share and cut back at random; the paper: 286/256 - 1", at_least=0,
        below=1,
    )  # fmt: skip


class CycleGAN(GAN):
    """``a2b`` turns ``images`` into the second set's, ``b2a`` turns these back."""

    Options = CycleGANOptions
    defaults = {
        "loss": "least-squares", "batch_size": 1, "steps": 100_000, "lr_schedule": "linear",
    }  # fmt: skip
    presets: ClassVar = {
        "paper": {"width": 64, "patch": 70, "steps": 200_000, "enlarge": "transposed"},
        "discogan": {"identity": 0.0, "distance": "l2", "pool": 0, "loss": "non-saturating", "batch_size": 200},
        "dualgan": {"identity": 0.0, "body": "unet", "loss": "wasserstein", "gradient_penalty": 10.0, "pool": 0},
    }  # fmt: skip
    tiny: ClassVar = {"width": 4, "blocks": 1, "pool": 4}
    least_batch = 1
    supports = LOSS_TRICKS

    def prepare(self, dataset: Dataset, load: Load) -> None:
        second = dataset.info.second
        assert second is not None, "it needs a second set"
        if dataset.info.shape[1:] != second.shape[1:]:
            a, b = ("x".join(map(str, shape[:0:-1])) for shape in (dataset.info.shape, second.shape))
            raise ConfigError(f"the two sets have images of {a} and {b}: -o resolution=N makes them alike.")
        if self.options.body == "unet":
            reject_unused(self.options, ("blocks", "enlarge"), "body = 'unet' has neither")

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        o = self.options
        return varied(loader.draw(start, n), [(A,), (B,)], o.mirror, o.jitter, start)

    def channels(self) -> tuple[int, int]:
        """Of the images of both sets."""
        assert self.data.second is not None, "it needs a second set"
        return self.data.shape[0], self.data.second.shape[0]

    def networks(self) -> dict[str, nn.Module]:
        o, (a, b), side = self.options, self.channels(), min(self.data.shape[1:])

        def translator(inputs: int, outputs: int, fields: tuple[str, str]) -> nn.Module:
            if o.body == "unet":
                return UNet((inputs, outputs), side, o.width, "instance", fields=fields)
            return ResNetTranslator(
                (inputs, outputs), o.width, o.blocks or (9 if side >= 256 else 6), fields, o.enlarge
            )

        return {
            "a2b": translator(a, b, (A, B)),
            "b2a": translator(b, a, (B, A)),
            "judge_a": PatchDiscriminator(a, side, o.width, o.patch, "instance"),
            "judge_b": PatchDiscriminator(b, side, o.width, o.patch, "instance"),
        }

    def games(self) -> tuple[Game, ...]:
        return (Game("a2b", "judge_b", real=B, name="B"), Game("b2a", "judge_a", real=A, name="A"))

    def exports(self) -> dict[str, str]:
        return {"a2b": "a2b", "b2a": "b2a"}

    def memory(self) -> dict[str, Tensor]:
        (a, b), sides = self.channels(), self.data.shape[1:]
        pool = self.options.pool
        return {**replay_memory("a2b", pool, (b, *sides)), **replay_memory("b2a", pool, (a, *sides))}

    def translated(self, state: State, batch: Batch, game: Game) -> Tensor:
        """Translations [N, ...]; where the identity is asked for, [2 N, ...] with those of the target set's own images.

        Every image is normalised by itself, so one pass of both gives what two passes give, in less time.
        """
        given, real = batch[A if game.real == B else B], batch[game.real]
        inputs = torch.cat([given, real]) if self.keeps_identity() else given
        found: Tensor = state.networks[game.generator](inputs)
        return found.float()

    def keeps_identity(self) -> bool:
        """Whether images of the target set should stay as they are; with other channels they cannot."""
        return bool(self.options.identity) and len(set(self.channels())) == 1

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Both discriminators, shown past images as well as new ones (section 4)."""
        shown = {}
        for game in self.games():
            made = self.keep(batch, game.generator, self.translated(state, batch, game))
            shown[game.generator] = replay(state, game.generator, made[: len(batch[game.real])])
        return super().discriminator_loss(state, batch, shown)

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """The adversarial losses, the cycle (equation 3), and the identity (section 5.2)."""
        o, networks = self.options, state.networks
        distance = l1_loss if o.distance == "l1" else mse_loss
        made, same = {}, {}
        for game in self.games():
            both = self.kept(batch, game.generator)
            both = self.translated(state, batch, game) if both is None else both
            count = len(batch[game.real])
            made[game.generator], same[game.generator] = both[:count], both[count:]
        losses = super().generator_loss(state, batch, made)
        back, forth = networks["b2a"](made["a2b"]).float(), networks["a2b"](made["b2a"]).float()
        cycle = distance(back, batch[A]) + distance(forth, batch[B])
        total = losses["total"] + o.cycle * cycle
        found = {**losses, "cycle": cycle}
        if self.keeps_identity():
            identity = distance(same["a2b"], batch[B]) + distance(same["b2a"], batch[A])
            total, found["identity"] = total + o.cycle * o.identity * identity, identity
        return {**found, "total": total}
