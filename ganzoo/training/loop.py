"""The training loop: iterations, stage after stage, and between them checkpoints, metrics, pictures and the history.

What is computed belongs to the variant and to :mod:`ganzoo.training.trainer`; what is written belongs to the run
directory. The state is saved before it is looked at: a picture, metric or logger that fails costs no step.
"""

import copy
import math
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from ganzoo.config.settings import RunConfig, minutes_in
from ganzoo.data.base import Dataset
from ganzoo.data.loader import BatchLoader
from ganzoo.data.sampler import derived_seed
from ganzoo.errors import Interrupted, NotFiniteError, describe
from ganzoo.models.state import Stage, State
from ganzoo.models.variant import Variant, unique_parameters
from ganzoo.runs.checkpoint import Own, capture_own, load_state, newest_sound
from ganzoo.runs.history import seconds_of
from ganzoo.runs.run import Run
from ganzoo.runtime.device import clock_of, layout
from ganzoo.runtime.processes import SINGLE_PROCESS, World
from ganzoo.runtime.random_state import capture_rng, restore_rng, seed_everything
from ganzoo.training.checks import check_networks
from ganzoo.training.cuda_graphs import make_trainer
from ganzoo.training.diagnostics import Diagnostics, TrainingWarning
from ganzoo.training.evaluation import PeriodicEvaluation
from ganzoo.training.parallel import StopTogether, make_distributed, synchronised
from ganzoo.training.previews import save_preview
from ganzoo.training.stages import plan_of, stages_of

T = TypeVar("T")

MOST_ROLLBACKS = 3
"""Times that a run goes back to a checkpoint because a value is not finite."""

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
        names = sorted(set(variant.exports().values()))
        ema = {name: copy.deepcopy(networks[name]).eval().requires_grad_(False) for name in names}
    if variant.config.compile:
        for network in networks.values():
            network.compile()
    optimizers = {
        player: variant.optimizer(player, unique_parameters(networks, names))
        for player, names in variant.players().items()
    }
    memory = {name: tensor.to(device) for name, tensor in {**variant.memory(), **variant.trick_memory()}.items()}
    return State(networks, ema, optimizers, memory)


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
        self.world, self._stop, self.dataset = world, StopTogether(world), dataset
        self.variant, self.state, self.run, self.fire, self.device = variant, state, run, fire, device
        self.config: RunConfig = variant.config
        self.loader = BatchLoader(dataset, self.config.seed, device, world.rank, world.size)
        parts = variant, state, self.loader, device, self._advice
        self._parts = parts
        self.trainer = make_trainer(*parts) if world.size == 1 else make_distributed(*parts, world)
        self.stages = stages_of(variant, run.plan, state.step) if run else stages_of(variant)
        if run:
            run.plan = plan_of(self.stages)
        self.stopping, self.evaluation = "", evaluation
        self.diagnostics = Diagnostics(variant, dataset, self.total_steps)
        self._now = clock_of(self.config.clock, device)
        self._clock = self._now()
        # What a resumed run had trained for; a mark that it has passed stands in its history.
        self._spent = seconds_of(run.path, state.step) if run and self.config.metric_minutes else 0.0
        self._marks = [60 * m for m in minutes_in(self.config.metric_minutes) if 60 * m > self._spent]

    @property
    def total_steps(self) -> int:
        """Iterations of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def stop(self, reason: str) -> None:
        """End after the current iteration, with a checkpoint. Safe to call from a signal handler."""
        self.stopping = reason

    def count(self, seconds: float) -> None:
        """Seconds that were spent for this training before it began: they count as its own."""
        self._clock -= seconds

    def fit(self) -> None:
        """Train to the end.

        Raises:
            Interrupted: :meth:`stop` was called; a checkpoint is on disk.
            NotFiniteError: a value is not finite; the last checkpoint is from before.
        """
        for network in self.state.networks.values():
            network.train()
        done = False
        while not done:
            try:
                self._take_steps()
                done = True
            except NotFiniteError as error:
                self._roll_back(error)
        self.save()

    def _take_steps(self) -> None:
        """From the current position to the end of the last stage."""
        begin, first = 0, self.state.step
        if first and not self.run.looked:  # ended after a checkpoint, before what follows it
            self._look(self._stage_of(first))
        for stage in self.stages:
            while self.state.step < begin + stage.steps:
                self.trainer.iterate(stage, self.state.step - begin + 1)
                self._pause(stage)
                reason = self._stop(self.stopping)
                if reason and self.state.step < self.total_steps:
                    self.save()
                    raise Interrupted(reason, reason)
            begin += stage.steps

    def _roll_back(self, error: NotFiniteError) -> None:
        """Go back to the last good checkpoint, and on with the samples after those that broke the training.

        Raises:
            NotFiniteError: the settings do not want it, there is no checkpoint, or it has been done too often.
        """
        kept, done = self.run.checkpoints(), int(self.run.details.get("rollbacks", 0))
        if self.config.on_nonfinite != "rollback" or not kept:
            raise error
        if done >= MOST_ROLLBACKS:
            raise NotFiniteError(f"{error} The run has gone back {done} times already.") from error
        passed = self.state.images + self.state.skipped + self.trainer.batch_size
        path, header = newest_sound(kept)
        load_state(path, self.state, self.config.variant)
        self.state.skipped = passed - self.state.images
        seed_everything(derived_seed("rollback", self.config.seed, done + 1))
        self.trainer = make_trainer(*self._parts)
        self.run.details["rollbacks"] = done + 1
        self.run.step, self.run.images, self.run.looked = self.state.step, self.state.images, header["looked"]
        for network in self.state.networks.values():
            network.train()
        self.fire("ganzoo_run_started", run=self.run)  # what follows the checkpoint is written again
        self.diagnostics = Diagnostics(self.variant, self.dataset, self.total_steps)
        said = f"{error} Went back to {path.name}, {done + 1} of at most {MOST_ROLLBACKS} times."
        self._warn_of("rolled-back", said)
        self.run.write()

    def _stage_of(self, step: int) -> Stage:
        """The stage that iteration ``step`` (from 1) belongs to."""
        end = 0
        for stage in self.stages:
            end += stage.steps
            if step <= end:
                return stage
        return self.stages[-1]

    def _pause(self, stage: Stage) -> None:
        """Save where it is time for it, and before the state is looked at; then look."""
        step, last = self.state.step, self.state.step == self.total_steps
        looks = last or any(self._due(step, last))
        self.run.looked = not looks and step % self.config.log_every != 0
        if step % self.config.checkpoint_every == 0 or looks:
            self.save()
        if not self.run.looked:
            self._look(stage)

    def _due(self, step: int, last: bool) -> tuple[bool, bool]:
        """Whether samples, and whether metrics, are due after this step."""
        measure = self.evaluation is not None and (
            self.evaluation.due(self.state, self.trainer.batch_size, last)
            or bool(self._marks and self._spent + self._now() - self._clock >= self._marks[0])
        )
        return step % self.config.sample_every == 0 or last, measure

    def _look(self, stage: Stage) -> None:
        """Metrics, diagnostics, the history and samples, where they are due. What fails here is a warning."""
        step, last = self.state.step, self.state.step == self.total_steps
        sample, measure = self._due(step, last)
        none: dict[str, float] = {}
        if measure:
            spent = self._spent + self._now() - self._clock
            self._marks = [mark for mark in self._marks if mark > spent]
        measured = self._guarded("metrics", self._evaluate, none) if measure else none
        looks = sample and self.config.diagnostics
        looked = self._guarded("diagnostics", lambda: self.world.on_rank0(self._diagnose), none) if looks else none
        if step % self.config.log_every == 0 or last or measured or looked:
            self._log(stage, measured, looked)
        if sample:
            self._guarded("samples", lambda: self.world.on_rank0(self._save_samples), None)
        self.run.looked = True
        if measured and self.state.best and self.state.best.step == step:
            self.save()  # the best weights are part of the state

    def _guarded(self, what: str, look: Callable[[], T], default: T) -> T:
        """What ``look`` gives; a failure is a warning with its reason, and the training goes on."""
        tensors, plain = capture_rng()
        begin = self._now()
        try:
            return look()
        except Exception as error:  # whatever a plugin, a decoder or a disk raises, no step may be lost
            self._warn_of(f"{what}-failed", describe(error))
            return default
        finally:
            for network in self.state.networks.values():
                network.train()
            restore_rng(tensors, plain)
            self._clock += self._now() - begin  # seconds and images/s are those of training

    def _warn_of(self, name: str, message: str) -> None:
        """A warning in ``run.json`` and for the user; rank 0 speaks for all."""
        said = self.run.details.setdefault("warnings", [])
        said.append({"step": self.state.step, "name": name, "message": message})
        if self.world.rank == 0:
            warnings.warn(f"{name} at step {self.state.step:,}: {message}", TrainingWarning, stacklevel=3)

    def _evaluate(self) -> dict[str, float]:
        """The metrics of the run; the training goes on as if they had not been taken."""
        assert self.evaluation is not None, "asked only where metrics are due"
        for network in self.state.networks.values():
            network.eval()
        with torch.no_grad():
            return self.evaluation(self.run, self.state)

    def _diagnose(self) -> dict[str, float]:
        return self.diagnostics.look(self.state)

    def _log(self, stage: Stage, measured: dict[str, float], looked: dict[str, float]) -> None:
        record: dict[str, Any] = {"step": self.state.step, "images": self.state.images, "stage": stage.name}
        record |= self.trainer.recorded()
        wrong = [name for name, value in record.items() if isinstance(value, float) and not math.isfinite(value)]
        record.update({**measured, **looked})
        self.run.step, self.run.images = self.state.step, self.state.images
        self._guarded("history", lambda: self.world.on_rank0(lambda: self._tell(record, warn=not wrong)), None)
        if wrong:
            raise NotFiniteError(
                f"not-finite: {', '.join(wrong)} in the {self.config.log_every} steps up to {self.state.step}. "
                f"{self._advice()}"
            )

    def _tell(self, record: dict[str, Any], warn: bool) -> None:
        """A line of the history, and what it gives reason to warn of."""
        if self.config.diagnostics and warn:
            self._warn(record)
        now = self._now()
        record["seconds"] = round(now - self._clock, 3)
        self._spent += record["seconds"]
        self._clock = now
        self.fire("ganzoo_step_logged", run=self.run, record=record)

    def _warn(self, record: dict[str, Any]) -> None:
        """What the diagnostics have to say goes into the history, into ``run.json`` and to the user."""
        found = self.diagnostics.read(record)
        if found:
            record["warnings"] = [finding.name for finding in found]
        for finding in found:
            self._warn_of(finding.name, finding.message)

    def save(self) -> None:
        """Write a checkpoint of the state as it is."""
        own = self.world.gather(lambda: capture_own(self.state))
        self.world.on_rank0(lambda: self._save(own))

    def _save(self, own: list[Own]) -> None:
        self._check_finite()
        path = self.run.save_checkpoint(self.state, own)
        self.fire("ganzoo_checkpoint_saved", run=self.run, path=path)

    def _save_samples(self) -> None:
        path = self.run.samples_path(self.state.step)
        save_preview(self.variant, self.state, path)
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
                    raise NotFiniteError(
                        f"{key} of network {name!r} is not finite at step {self.state.step}. {self._advice()}"
                    )
