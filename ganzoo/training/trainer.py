"""The trainer: takes iterations of training, and is the only place that differentiates losses and steps optimizers.

When to log, sample, measure and save is decided by :mod:`ganzoo.training.loop`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.data.loader import Batch, BatchLoader
from ganzoo.errors import NotFiniteError
from ganzoo.models.state import Losses, Stage, State, Update
from ganzoo.models.variant import Variant, unique_parameters
from ganzoo.training.diagnostics import explain
from ganzoo.tricks.schedules import (
    annealed,
    factor,
    first_value,
    half_cosine,
    memory_name,
    set_beta2,
    set_rate,
    weights,
)

SMALL = 4_096
"""Values of a parameter whose gradient is looked at in every step."""


class Trainer:
    """Takes iterations, one at a time, and changes ``state`` in place.

    A variant that needs another kind of step names a subclass in ``Variant.trainer``; it overrides :meth:`iterate` or
    :meth:`apply_update`.

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
        self.config, self.tricks = variant.config, variant.config.tricks
        self.batch_size = self.config.batch_size
        self._parameters = {
            player: unique_parameters(state.networks, names) for player, names in variant.players().items()
        }
        self._annealed = annealed(self.tricks)
        stages = variant.stages() if self._annealed else ()
        all_images = sum(stage.steps * (stage.batch_size or self.batch_size) for stage in stages)
        self._course = self.tricks.anneal_images or max(1, all_images)
        self._sentinels = {player: sentinels(parameters) for player, parameters in self._parameters.items()}
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
        self.enter(stage, number)
        batch = self.next_batch()
        self.set_rates(stage, number)
        for update in self.due(stage, number):
            self.apply_update(update, batch)
        self.advance()
        self.average()

    def enter(self, stage: Stage, number: int) -> None:
        """Take over the stage's batch size and position; its first iteration calls ``begin``."""
        self.batch_size = stage.batch_size or self.config.batch_size
        self.state.stage_step, self.state.stage_steps = number - 1, stage.steps
        if number == 1 and stage.begin:
            stage.begin(self.state)

    def due(self, stage: Stage, number: int) -> tuple[Update, ...]:
        """The updates of iteration ``number``, in order."""
        return tuple(update for update in stage.updates if number % update.every == 0)

    def next_batch(self) -> Batch:
        """The batch at the current position; a function of the seed and of the number of images seen."""
        return self.variant.batch(self.loader, self.state.images + self.state.skipped, self.batch_size)

    def set_rates(self, stage: Stage, number: int) -> None:
        """The learning rates of that iteration."""
        if self.tricks.lr_schedule != "constant" or self.tricks.lr_warmup or "lr" in self._annealed:
            times = factor(self.tricks, number, stage.steps)
            if "lr" in self._annealed:
                times *= self.annealed("lr") / first_value(self.config, "lr")
            for optimizer in self.state.optimizers.values():
                set_rate(optimizer, times)
        if "beta2" in self._annealed:
            power = math.log(self.annealed("beta2")) / math.log(first_value(self.config, "beta2"))
            for optimizer in self.state.optimizers.values():
                set_beta2(optimizer, power)
        for name in weights(self._annealed):
            self.state.memory[memory_name(name)].fill_(self.annealed(name))

    def annealed(self, name: str) -> float:
        """A setting that ``anneal`` names, at the current position."""
        return half_cosine(first_value(self.config, name), self._annealed[name], self.state.images / self._course)

    def apply_update(self, update: Update, batch: Batch) -> None:
        """One optimizer step of one player; no other player's parameters get a gradient."""
        losses = self.compute_gradients(update, batch)
        if self._is_good_enough(update, losses["total"]):
            return
        self.step(update)
        if update.after:
            update.after(self.state, losses)

    def compute_gradients(self, update: Update, batch: Batch) -> Losses:
        """Set the gradients of the player's parameters, and log the losses.

        The batch is divided into ``accumulate`` parts; the result is the mean of their losses and gradients.

        Returns:
            The losses, detached.
        """
        parameters = self._parameters[update.player]
        self.state.optimizers[update.player].zero_grad(set_to_none=True)
        found: list[Losses] = []
        parts = list(divided(batch, self.config.accumulate))
        for i, part in enumerate(parts):
            with self.accumulating(update, is_last=i == len(parts) - 1):
                losses = self.losses(update, part)
                # Asking costs nothing on a CPU; a GPU would have to be waited for, and is asked when a line is logged.
                if self.device.type == "cpu" and not math.isfinite(self.agreed(losses["total"])):
                    raise self._broken(update, part, losses)
                total = losses["total"] if len(parts) == 1 else losses["total"] / len(parts)
                total.backward(inputs=[*parameters, *(update.also(part) if update.also else ())])
            found.append({name: value.detach() for name, value in losses.items()})
        mean = found[0] if len(found) == 1 else averaged(found)
        for name, value in mean.items():
            self.record(f"{update.name}_loss" if name == "total" else name, value)
        return mean

    def accumulating(self, update: Update, is_last: bool) -> AbstractContextManager[Any]:
        """A context for one part of a batch. Several processes share their gradients after the last part only."""
        return nullcontext()

    def step(self, update: Update) -> None:
        """Step the player's optimizer with the gradients that are there.

        Raises:
            NotFiniteError: a gradient is not finite; nothing has been stepped. A GPU is not waited for: there a broken
                step is found when a line of the history is written.
        """
        if self.device.type == "cpu":
            self._check_gradients(update)
        if self.tricks.clip_grad_norm is not None:
            norm = nn.utils.clip_grad_norm_(self._parameters[update.player], self.tricks.clip_grad_norm)
            self.record(f"{update.name}_grad_norm", norm)
        self.state.optimizers[update.player].step()

    def _check_gradients(self, update: Update) -> None:
        """Look at the sentinels only, which takes no time; then name the tensor."""
        watched = [p.grad for p in self._sentinels[update.player] if p.grad is not None]
        if not watched or math.isfinite(float(torch.stack(torch._foreach_norm(watched)).sum())):
            return
        for network in self.variant.players()[update.player]:
            for key, parameter in self.state.networks[network].named_parameters():
                if parameter.grad is not None and not bool(parameter.grad.isfinite().all()):
                    raise NotFiniteError(
                        f"not-finite: the gradient of {key} of network {network!r} is not finite in update "
                        f"{update.name!r} of step {self.state.step + 1:,}. {self.advice()}"
                    )

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
        self.state.stage_step += 1
        self.state.images += self.batch_size

    def ema_halflife(self, images: int) -> float:
        """The half-life after so many images.

        The ramp, as in the training code of StyleGAN2-ADA, keeps early averages from remembering the start.
        """
        halflife, ramp = float(self.config.ema_halflife), self.config.ema_ramp
        if "ema_halflife" in self._annealed:
            halflife = self.annealed("ema_halflife")
        return min(halflife, ramp * images) if ramp else halflife

    def ema_weight(self, halflife: float) -> float:
        """How much of the new weights goes into the average in an iteration; ``halflife`` counts images."""
        return 1 - 0.5 ** (self.batch_size / halflife)

    @torch.no_grad()
    def average(self, weight: float | None = None) -> None:
        """Exponential moving average of parameters and of running statistics.

        Args:
            weight: of the new ones; None: from the half-life and the number of images seen.
        """
        if not self.state.ema:
            return
        if weight is None:
            weight = self.ema_weight(self.ema_halflife(self.state.images))
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

    def _is_good_enough(self, update: Update, loss: Tensor) -> bool:
        """Whether this step is left out, because the player's loss is not above its threshold."""
        thresholds = {"discriminator": self.tricks.train_d_above, "generator": self.tricks.train_g_above}
        threshold = thresholds.get(update.player)
        if threshold is None:
            return False
        skipped = self.agreed(loss) <= threshold
        self.record(f"{update.name}_skipped", torch.tensor(float(skipped)))
        return skipped

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    def _broken(self, update: Update, batch: Batch, losses: Losses) -> NotFiniteError:
        """The error for a loss that is not finite; nothing has been stepped with it."""
        with self._precision():
            where = explain(self.variant, self.state, update, batch, losses)
        return NotFiniteError(
            f"not-finite: the loss of {update.name!r} is {float(losses['total'].detach())} in step "
            f"{self.state.step + 1:,}; {where}. {self.advice()}"
        )


def sentinels(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    """Small parameters of which one has a broken gradient whenever any has.

    A value that is not finite goes back through all layers before it, and the gradient of a bias is the sum of what
    goes through its layer. Of parameters without a small one, the smallest stands for all.
    """
    small = [p for p in parameters if p.numel() <= SMALL]
    return small or sorted(parameters, key=lambda p: p.numel())[:1]


def divided(batch: Batch, parts: int) -> Iterator[Batch]:
    """A batch in ``parts`` equal ones, one after the other."""
    if parts == 1:
        yield batch
        return
    chunks = {name: values.chunk(parts) for name, values in batch.items()}
    for i in range(parts):
        yield {name: values[i] for name, values in chunks.items()}


def averaged(found: list[Losses]) -> Losses:
    """The mean of each loss over the parts of a batch that have it."""
    names = dict.fromkeys(name for losses in found for name in losses)
    return {name: torch.stack([losses[name] for losses in found if name in losses]).mean() for name in names}
