"""CycleGAN, arXiv:1703.10593: two translators that undo each other, and a pool of 50 past images for each critic."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.plugin import GAN, LOSS_TRICKS, Batch, Game, Losses, State, replay, replay_memory
from ganzoo_toys.translators import Painter, Patches

POOL, CYCLE = 50, 10.0


class CycleGAN(GAN):
    """A to B, and B to A."""

    defaults = {"loss": "least-squares", "batch_size": 4, "steps": 100}
    supports = LOSS_TRICKS

    def networks(self) -> dict[str, nn.Module]:
        a, b = self.data.shape[0], self.data.second.shape[0]  # type: ignore[union-attr]  # it needs a second set
        return {
            "a2b": Painter(a, b, "images", "second.images"), "b2a": Painter(b, a, "second.images", "images"),
            "judge_a": Patches(a), "judge_b": Patches(b),
        }  # fmt: skip

    def games(self) -> tuple[Game, ...]:
        return (
            Game("a2b", "judge_b", real="second.images", name="B"),
            Game("b2a", "judge_a", real="images", name="A"),
        )

    def exports(self) -> dict[str, str]:
        return {"a2b": "a2b", "b2a": "b2a"}

    def memory(self) -> dict[str, Tensor]:
        second = self.data.second
        assert second is not None, "it needs a second set"
        return {**replay_memory("a2b", POOL, second.shape), **replay_memory("b2a", POOL, self.data.shape)}

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        shown = {g.generator: replay(state, g.generator, self.generated(state, batch, g)) for g in self.games()}
        return super().discriminator_loss(state, batch, shown)

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        made = {g.generator: self.generated(state, batch, g) for g in self.games()}
        losses = super().generator_loss(state, batch, made)
        back = l1_loss(state.networks["b2a"](made["a2b"]), batch["images"])
        forth = l1_loss(state.networks["a2b"](made["b2a"]), batch["second.images"])
        return {**losses, "cycle": back + forth, "total": losses["total"] + CYCLE * (back + forth)}
