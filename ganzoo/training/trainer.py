"""What is computed in an iteration of training: the batch, the updates that are due, the moving averages.

Here alone losses are differentiated and optimizers step. When to log, sample, measure and save is the trainer's.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.data.loader import Batch, BatchLoader
from ganzoo.errors import TrainingError
from ganzoo.models.variant import Losses, Stage, State, Update, Variant
from ganzoo.training.diagnostics import explain
from ganzoo.tricks.schedules import factor, set_rate


class Trainer:
    """Takes iterations, one at a time, and changes ``state`` in place.

    Args:
        variant: what to compute.
        state: where to begin.
        loader: real samples, on the device of the state.
        device: where the state lives.
        advice: what to say beside an error: where the last good checkpoint is.
    """

    def __init__(
        self, variant: Variant, state: State, loader: BatchLoader, device: torch.device, advice: Callable[[], str] = str
    ) -> None:
        self.variant, self.state, self.loader, self.device, self.advice = variant, state, loader, device, advice
        self.config, self.tricks = variant.config, variant.tricks
        self._parameters = {
            player: [p for name in names for p in state.networks[name].parameters()]
            for player, names in variant.players().items()
        }
        # Loading a checkpoint copies into these very tensors, so the lists stay good.
        pairs = [
            (target, state.networks[name].state_dict()[key])
            for name, average in state.ema.items()
            for key, target in average.state_dict().items()
        ]
        floating = [pair for pair in pairs if pair[0].is_floating_point()]
        self._averaged = [target for target, _ in floating], [source for _, source in floating]
        self._counted = [pair for pair in pairs if not pair[0].is_floating_point()]

    def iterate(self, stage: Stage, number: int) -> None:
        """Iteration ``number`` (from 1) of a stage."""
        batch = self.next_batch()
        self.set_rates(stage, number)
        for update in self.due(stage, number):
            self.apply_update(update, batch)
        self.advance()
        self.average()

    def due(self, stage: Stage, number: int) -> tuple[Update, ...]:
        """The updates of iteration ``number``, in order."""
        return tuple(update for update in stage.updates if number % update.every == 0)

    def next_batch(self) -> Batch:
        """The batch at the current position; a function of the seed and of the number of images seen."""
        return self.variant.batch(self.loader, self.state.images, self.config.batch_size)

    def set_rates(self, stage: Stage, number: int) -> None:
        """The learning rates of that iteration."""
        if self.tricks.lr_schedule != "constant" or self.tricks.lr_warmup:
            for optimizer in self.state.optimizers.values():
                set_rate(optimizer, factor(self.tricks, number, stage.steps))

    def apply_update(self, update: Update, batch: Batch) -> None:
        """One optimizer step of one player; no other player's parameters get a gradient."""
        parameters = self._parameters[update.player]
        optimizer = self.state.optimizers[update.player]
        optimizer.zero_grad(set_to_none=True)
        losses = self.losses(update, batch)
        # Asking costs nothing on a CPU; a GPU would have to be waited for, and is asked when a line is logged.
        if self.device.type == "cpu" and not math.isfinite(self.agreed(losses["total"])):
            raise self._broken(update, batch, losses)
        for name, value in losses.items():
            self.record(f"{update.player}_loss" if name == "total" else name, value)
        if self._is_good_enough(update.player, losses["total"]):
            return
        losses["total"].backward(inputs=parameters)
        if self.tricks.clip_grad_norm is not None:
            norm = nn.utils.clip_grad_norm_(parameters, self.tricks.clip_grad_norm)
            self.record(f"{update.player}_grad_norm", norm)
        optimizer.step()
        if update.after:
            update.after(self.state)

    def losses(self, update: Update, batch: Batch) -> Losses:
        """What an update computes, in the run's precision."""
        with self._precision():
            return update.loss(self.state, batch)

    def agreed(self, loss: Tensor) -> float:
        """A loss as a number that decides what is done."""
        return float(loss.detach())

    def advance(self) -> None:
        """One iteration is done."""
        self.state.step += 1
        self.state.images += self.config.batch_size

    def ema_weight(self, halflife: float) -> float:
        """How much of the new weights goes into the average in an iteration; ``halflife`` counts images."""
        return 1 - 0.5 ** (self.config.batch_size / halflife)

    @torch.no_grad()
    def average(self, weight: float | None = None) -> None:
        """Exponential moving average of parameters and of running statistics.

        Args:
            weight: of the new ones; None: from the half-life and the number of images seen.
        """
        if not self.state.ema:
            return
        if weight is None:
            # The ramp, as in the training code of StyleGAN2-ADA, keeps early averages from remembering the start.
            weight = self.ema_weight(min(self.config.ema_halflife, 0.05 * self.state.images))
        torch._foreach_lerp_(*self._averaged, weight)
        for target, source in self._counted:
            target.copy_(source)

    def record(self, name: str, value: Tensor) -> None:
        """Add to the mean that the next line of the history shows."""
        # Sums of many values want float64, which Apple's GPUs lack.
        value = value.detach().to(torch.float32 if self.device.type == "mps" else torch.float64)
        if name in self.state.window:
            total, count = self.state.window[name]
            self.state.window[name] = (total.add_(value), count + 1)
        else:
            self.state.window[name] = (value.clone(), 1)

    def recorded(self) -> dict[str, float]:
        """The means since the last call, by name."""
        found = {}
        for name, (total, count) in self.state.window.items():
            if count:
                found[name] = float(total) / count
                # Emptied in place: a captured iteration goes on adding to this very tensor.
                self.state.window[name] = (total.zero_(), 0)
        return found

    def _is_good_enough(self, player: str, loss: Tensor) -> bool:
        """Whether this step is left out, because the player's loss is not above its threshold."""
        thresholds = {"discriminator": self.tricks.train_d_above, "generator": self.tricks.train_g_above}
        threshold = thresholds.get(player)
        if threshold is None:
            return False
        skipped = self.agreed(loss) <= threshold
        self.record(f"{player}_skipped", torch.tensor(float(skipped)))
        return skipped

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    def _broken(self, update: Update, batch: Batch, losses: Losses) -> TrainingError:
        """The error for a loss that is not finite; nothing has been stepped with it."""
        with self._precision():
            where = explain(self.variant, self.state, update, batch, losses)
        return TrainingError(
            f"not-finite: the loss of {update.player!r} is {float(losses['total'].detach())} in step "
            f"{self.state.step + 1:,}; {where}. {self.advice()}"
        )
