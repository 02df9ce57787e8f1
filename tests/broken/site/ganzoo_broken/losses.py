"""Losses and steps that break the contract."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ganzoo.plugin import Batch, BatchLoader, Losses, State, Update
from ganzoo_broken.base import Draw, Sound


class HiddenDevice(Sound):
    """Noise that is made without a device."""

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        noise = torch.randn(batch["images"].shape)
        return super().discriminator_loss(state, {**batch, "images": batch["images"] + 0.1 * noise}, generated)


class ThroughTheCpu(Sound):
    """Generated samples that go through the CPU."""

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        made = self.generated(state, batch).cpu().to(batch["images"].device)
        return super().generator_loss(state, batch, {"generator": made})


class LateTouch(Sound):
    """The discriminator's step touches the generator, in the fifth iteration."""

    def updates(self) -> tuple[Update, ...]:
        judge, make = super().updates()
        return (Update(judge.name, judge.player, judge.loss, after=self.touch), make)

    @torch.no_grad()
    def touch(self, state: State, losses: Losses) -> None:
        if state.step == 4:
            state.networks["generator"].head.bias.add_(0.1)


class Remembering(Draw):
    """It has a buffer of its own."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.register_buffer("seen", torch.zeros(1))


class TouchedBuffer(Sound):
    """The discriminator's loss changes a buffer of the generator, late."""

    generator = Remembering

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        if state.step == 6:
            state.networks["generator"].seen.add_(1)
        return super().discriminator_loss(state, batch, generated)


class HostBatch(Sound):
    """A field of the batch that lies on the CPU."""

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        return {**loader.draw(start, n), "noise": torch.randn(n)}


class ChangedBatch(Sound):
    """A loss that scales the batch in place."""

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        batch["images"].mul_(0.9)
        return super().discriminator_loss(state, batch, generated)


class WrongGenerator(Sound):
    """A generator that maximises what it should minimise."""

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        return {"total": -super().generator_loss(state, batch, generated)["total"]}


class WrongDiscriminator(Sound):
    """A discriminator that maximises what it should minimise."""

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        return {"total": -super().discriminator_loss(state, batch, generated)["total"]}


class OneWay(Sound):
    """A discriminator that wants all samples to be real."""

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        with torch.no_grad():
            fake = self.generated(state, batch)
        logits = [self.discriminate(state, samples, batch) for samples in (batch["images"], fake)]
        return {"total": sum(nn.functional.softplus(-each).mean() for each in logits)}


class ForgottenNetwork(Sound):
    """A network that belongs to no player."""

    def networks(self) -> dict[str, nn.Module]:
        return {**super().networks(), "spare": nn.Linear(1, 1)}


class LatePool(Sound):
    """A pool in a Python list, used in every eighth step."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.pool: list[Tensor] = []

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        with torch.no_grad():
            self.pool.append(self.generated(state, batch))
        used = self.pool[0] if len(self.pool) % 8 == 0 else self.pool[-1]
        return super().discriminator_loss(state, batch, {"generator": used})


class LoggedCounter(Sound):
    """A counter in Python that is only logged."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.count = 0

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        self.count += 1
        losses = super().generator_loss(state, batch, generated)
        return {**losses, "count": torch.full_like(losses["total"].detach(), self.count)}
