"""The one training loop: takes iterations, stage after stage, and logs, samples, measures and saves between them.

What is computed belongs to the variant and to :mod:`ganzoo.training.trainer`; what is written belongs to the run directory.
"""

import copy
import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import Dataset
from ganzoo.data.loader import BatchLoader
from ganzoo.errors import Interrupted, TrainingError
from ganzoo.models.variant import Stage, State, Variant
from ganzoo.runs.checkpoint import Own, capture_own
from ganzoo.runs.run import Run
from ganzoo.runtime.device import layout
from ganzoo.runtime.processes import SINGLE_PROCESS, World
from ganzoo.runtime.random_state import capture_rng, restore_rng, seed_everything
from ganzoo.training.checks import check_applied, check_networks
from ganzoo.training.cuda_graphs import make_trainer
from ganzoo.training.diagnostics import Diagnostics, TrainingWarning
from ganzoo.training.evaluation import PeriodicEvaluation
from ganzoo.training.parallel import DistributedTrainer, StopTogether, synchronised
from ganzoo.tricks.schedules import scheduled

Fire = Callable[..., None]
"""``fire(hook name, **arguments)`` calls a lifecycle hook of every plugin."""


def new_state(variant: Variant, device: torch.device) -> State:
    """Networks, their averages and optimizers at step 0, seeded by the run's seed.

    Weights are drawn on the CPU, so that a seed gives the same start on every device.
    """
    seed_everything(variant.config.seed)
    networks = {name: layout(network.to(device)) for name, network in variant.build().items()}
    if variant.config.sync_batch_norm:
        networks = synchronised(networks)
    check_networks(variant, networks)
    ema = {}
    if variant.config.ema_halflife:
        names = {variant.main, variant.classifier} - {""}
        ema = {name: copy.deepcopy(networks[name]).eval().requires_grad_(False) for name in sorted(names)}
    if variant.config.compile:
        for network in networks.values():
            network.compile()
    optimizers = {
        player: variant.optimizer(player, [p for name in names for p in networks[name].parameters()])
        for player, names in variant.players().items()
    }
    return State(networks, ema, optimizers)


class TrainingLoop:
    """Trains ``state`` to the end of the variant's stages.

    Args:
        variant: what to compute.
        state: where to begin; changed in place.
        dataset: real samples.
        run: the run directory that everything is written to.
        fire: calls the lifecycle hooks.
        device: where the state and the samples live.
        evaluation: takes the metrics that the run asks for, if it asks for any.
        world: the processes that train this together; what is written and told is rank 0's, the others wait for it.
    """

    def __init__(
        self,
        variant: Variant,
        state: State,
        dataset: Dataset,
        run: Run,
        fire: Fire,
        device: torch.device,
        evaluation: PeriodicEvaluation | None = None,
        world: World = SINGLE_PROCESS,
    ) -> None:
        self.world, self._stop = world, StopTogether(world)
        self.variant, self.state, self.run, self.fire, self.device = variant, state, run, fire, device
        self.config: RunConfig = variant.config
        self.loader = BatchLoader(dataset, self.config.seed, device, world.rank, world.size)
        parts = variant, state, self.loader, device, self._advice
        self.trainer = make_trainer(*parts) if world.size == 1 else DistributedTrainer(*parts, world)
        self.stages = [scheduled(stage, self.config.tricks) for stage in variant.stages()]
        self.stopping, self.evaluation = "", evaluation
        self.diagnostics = Diagnostics(variant, dataset, self.total_steps)
        self._clock = time.perf_counter()

    @property
    def total_steps(self) -> int:
        """Iterations of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def stop(self, reason: str) -> None:
        """End after the current iteration, with a checkpoint. Safe to call from a signal handler."""
        self.stopping = reason

    def fit(self) -> None:
        """Train to the end.

        Raises:
            Interrupted: :meth:`stop` was called; a checkpoint is on disk.
            TrainingError: a logged value is not finite; the last checkpoint is from before.
        """
        for network in self.state.networks.values():
            network.train()
        begin, first = 0, self.state.step
        for stage in self.stages:
            while self.state.step < begin + stage.steps:
                number = self.state.step - begin + 1
                self.trainer.iterate(stage, number)
                taken = self.state.step - max(begin, first)  # in this process: what was used before is not remembered
                if stage is self.stages[-1] and taken == max(update.every for update in stage.updates):
                    check_applied(self.variant, self.variant.applied)
                self._look(stage)
                reason = self._stop(self.stopping)
                if reason and self.state.step < self.total_steps:
                    self.save()
                    raise Interrupted(reason)
            begin += stage.steps
        if first == self.total_steps:  # killed after its last step, before that was told
            self._look(self.stages[-1])
        self.save()

    def _look(self, stage: Stage) -> None:
        """Log, sample and save where it is time for it; every one of them at the very end too."""
        step, config, last = self.state.step, self.config, self.state.step == self.total_steps
        own = step % config.evaluate_every == 0 or last
        evaluation = self.evaluation if self.evaluation and self.evaluation.due(self.run, self.state) else None
        if evaluation and last:
            self.save()  # should a metric fail now, the training itself is not lost
        measured = self._evaluate(own, evaluation) if own or evaluation else {}
        sample = step % config.sample_every == 0 or last
        looks = sample and config.diagnostics
        looked = self.world.on_rank0(lambda: self.diagnostics.look(self.state)) if looks else {}
        if step % config.log_every == 0 or last or measured or looked:
            self._log(stage, measured, looked)
        if sample:
            self.world.on_rank0(self._save_samples)
        if step % config.checkpoint_every == 0 and not last:
            self.save()

    def _evaluate(self, own: bool, evaluation: PeriodicEvaluation | None) -> dict[str, float]:
        """The variant's own measures and the run's metrics; the training goes on as if they had not been taken."""
        begin = time.perf_counter()
        tensors, plain = capture_rng()
        for network in self.state.networks.values():
            network.eval()
        with torch.no_grad():
            measured = self.world.on_rank0(lambda: self.variant.evaluate(self.state)) if own else {}
            measured |= evaluation(self.run, self.state) if evaluation else {}
        for network in self.state.networks.values():
            network.train()
        restore_rng(tensors, plain)
        self._clock += time.perf_counter() - begin  # seconds and images/s are those of training
        return measured

    def _log(self, stage: Stage, measured: dict[str, float], looked: dict[str, float]) -> None:
        record: dict[str, Any] = {"step": self.state.step, "images": self.state.images, "stage": stage.name}
        record |= self.trainer.recorded()
        wrong = [name for name, value in record.items() if isinstance(value, float) and not math.isfinite(value)]
        record.update({**measured, **looked})
        if measured:
            self.run.details["evaluation"] = {"step": self.state.step, **measured}
        self.run.step, self.run.images = self.state.step, self.state.images
        self.world.on_rank0(lambda: self._tell(record, warn=not wrong))
        if wrong:
            raise TrainingError(
                f"not-finite: {', '.join(wrong)} in the {self.config.log_every} steps up to {self.state.step}. "
                f"{self._advice()}"
            )

    def _tell(self, record: dict[str, Any], warn: bool) -> None:
        """A line of the history, and what it gives reason to warn of."""
        if self.config.diagnostics and warn:
            self._warn(record)
        now = time.perf_counter()
        record["seconds"] = round(now - self._clock, 3)
        self._clock = now
        self.fire("ganzoo_step_logged", run=self.run, record=record)

    def _warn(self, record: dict[str, Any]) -> None:
        """What the diagnostics have to say goes into the history, into ``run.json`` and to the user."""
        found = self.diagnostics.read(record)
        if found:
            record["warnings"] = [finding.name for finding in found]
        for finding in found:
            said = self.run.details.setdefault("warnings", [])
            said.append({"step": self.state.step, "name": finding.name, "message": finding.message})
            text = f"{finding.name} at step {self.state.step:,}: {finding.message}"
            warnings.warn(text, TrainingWarning, stacklevel=2)

    def save(self) -> None:
        """Write a checkpoint of the state as it is."""
        own = self.world.gather(lambda: capture_own(self.state))
        self.world.on_rank0(lambda: self._save(own))

    def _save(self, own: list[Own]) -> None:
        self._check_finite()
        path = self.run.save_checkpoint(self.state, own)
        self.fire("ganzoo_checkpoint_saved", run=self.run, path=path)

    def _save_samples(self) -> None:
        path = self.run.save_samples(self.state)
        self.fire("ganzoo_samples_saved", run=self.run, path=path)

    def _advice(self) -> str:
        kept = self.run.checkpoints()
        before = f"the last good checkpoint is {kept[-1]}" if kept else "no checkpoint was saved before"
        return f"A new run with a smaller lr usually helps; {before}."

    @torch.no_grad()
    def _check_finite(self) -> None:
        """A broken state must not replace a good checkpoint."""
        for name, network in self.state.networks.items():
            for key, tensor in network.state_dict().items():
                if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                    raise TrainingError(
                        f"{key} of network {name!r} is not finite at step {self.state.step}. {self._advice()}"
                    )
