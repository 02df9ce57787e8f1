"""One training from its checked settings to its end: resumes, trains, writes the status."""

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataInfo, Dataset
from ganzoo.data.sampler import derived_seed
from ganzoo.errors import CheckpointError, DataError, GanzooError, Interrupted, TrainingError, UsageError, describe
from ganzoo.metrics.context import EvaluationContext
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.registry.registry import registry
from ganzoo.runs.checkpoint import load_state
from ganzoo.runs.history import SCALARS, history
from ganzoo.runs.run import Run, checkpoints, read_run_details, weights_path
from ganzoo.runs.trained import TrainedRun, open_run
from ganzoo.runs.transfer import begin_with, read_origin
from ganzoo.runtime.device import arithmetic, clean_slate, clock_of, keep_freed_memory, threads
from ganzoo.runtime.environment import environment
from ganzoo.runtime.locks import locked
from ganzoo.runtime.processes import SINGLE_PROCESS, World, join, peer_failures
from ganzoo.runtime.random_state import seed_everything
from ganzoo.runtime.tensor_files import read_header
from ganzoo.training.diagnostics import TrainingWarning
from ganzoo.training.evaluation import PeriodicEvaluation
from ganzoo.training.listeners import attached_loggers
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.parallel import resume_command
from ganzoo.training.previews import TIMELAPSE, leave_timelapse
from ganzoo.training.signals import graceful_stop
from ganzoo.training.trials import Precision, advice, choose_precision, is_out_of_memory

_TRAINING = threading.Lock()  # trainings share torch's global generators, so a process can do one at a time


@dataclass
class TrainingSession:
    """A training that is ready to start: everything is checked, nothing is written.

    ``context()`` is the context of what will be trained, which tells the metrics that make sense for it.
    """

    config: RunConfig
    out: Path
    dataset: Dataset
    variant: Variant
    device: torch.device
    context: Callable[[], EvaluationContext]
    resume: Path | None = None  # the checkpoint to go on from
    evaluation: PeriodicEvaluation | None = None
    world: World = SINGLE_PROCESS  # the processes that train it together, once they are connected
    precision: Precision | None = None  # what was measured, where the settings leave the arithmetic open

    def settle_precision(self) -> None:
        """Choose the arithmetic where the settings say ``auto``; from then on they name what was chosen.

        Nothing else changes: a training computes what it would with that precision given by hand.
        """
        if self.config.precision != "auto":
            return
        with setting(self.config, self.device):
            self.precision = choose_precision(self, clock_of(self.config.clock, self.device))
        self.config = self.variant.config = replace(self.config, precision=self.precision.precision)

    def train(self) -> TrainedRun:
        """Train to the end and return the run, to be read. Of several processes that torchrun has started, all call it.

        Raises:
            Interrupted: stopped by SIGINT, SIGTERM or SIGHUP; a checkpoint is kept.
            RunError: the run directory cannot be written, or another process trains in it.
            TrainingError: a value is not finite, memory ran out, or another process has ended.
            UsageError: another thread of this process is training.
        """
        if not _TRAINING.acquire(blocking=False):
            raise UsageError("another thread of this process is training: start a process for each training.")
        try:
            return self._train_all()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            with setting(self.config, self.device):
                what = advice(self, error)
            raise TrainingError(f"out of memory: {what} ({error})") from None
        finally:
            self.dataset.close()
            _TRAINING.release()

    def _train_all(self) -> TrainedRun:
        self.world = join(self.device)
        self.settle_precision()
        with setting(self.config, self.device), peer_failures(self._advice), ExitStack() as held:
            state = new_state(self.variant, self.device)
            origin = None
            if self.config.init_from and not self.resume:
                origin, told = begin_with(read_origin(self.config.init_from), state, self.variant)
                if told:
                    warnings.warn(told, TrainingWarning, stacklevel=3)
            if self.world.rank:  # from here on other latents and other noise than rank 0
                seed_everything(derived_seed("rank", self.config.seed, self.world.rank))
            run = self.world.on_all_ranks(lambda: self._begin(state, held, origin))
            if self.evaluation:
                self.evaluation.join(self.world)
            if state.step >= run.total_steps and run.looked:
                self._finished(run, state)
                self._report(run)
            else:
                self._train(run, state)
        return open_run(self.out)

    def _advice(self) -> str:
        """How to go on when another process has ended."""
        if not (kept := checkpoints(self.out)):
            return "No checkpoint was saved before."
        return f"The last checkpoint is {kept[-1]}; continue with: {resume_command(self.config, self.out, self.world)}"

    def _details(self) -> dict[str, Any]:
        info = self.dataset.info
        return {
            **environment(self.device, registry().variants.plugin(self.config.variant).distribution),
            **({"ranks": self.world.size} if self.world.size > 1 else {}),
            **({"precision": self.precision.as_details()} if self.precision else {}),
            "data": {"name": info.name, "digest": info.digest, "count": info.count},
            **(
                {"second": {"name": second.name, "digest": second.digest, "count": second.count}}
                if (second := info.second)
                else {}
            ),
        }

    def _begin(self, state: State, held: ExitStack, origin: dict[str, Any] | None) -> Run:
        """The run that is trained; its directory is rank 0's to make and to hold."""
        if self.resume:
            run = self._open(state)
        elif self.world.rank == 0:
            run = Run.create(self.out, self.variant, {**self._details(), **({"init_from": origin} if origin else {})})
        else:
            run = Run(self.out, self.variant, self._details())
        if self.world.rank == 0:
            held.enter_context(locked(run.path))
        return run

    def _open(self, state: State) -> Run:
        """The run to resume, and its state."""
        details = self._details()
        run = Run(self.out, self.variant, {**read_run_details(self.out), **details})
        assert self.resume is not None, "asked only to resume"
        header = load_state(self.resume, state, self.config.variant, self.world.rank)
        self._check_same(header, details)
        run.step, run.images, run.plan, run.looked = state.step, state.images, header["stages"], header["looked"]
        seen = state.step + run.looked
        run.details["warnings"] = [w for w in run.details.get("warnings", []) if w["step"] < seen]
        if run.details.get("metrics", {}).get("step") != state.step:
            run.details.pop("metrics", None)  # the run will go on: this was not its end
        return run

    def _check_same(self, header: Mapping[str, Any], details: Mapping[str, Any]) -> None:
        """Resume only on the same data; say so where the machine differs, because then it cannot be exact."""
        try:
            here, before = self.dataset.info, DataInfo.from_plain(header["data"])
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{self.resume} is damaged: what it says of its data lacks {error}.") from error
        pairs = [(self.config.dataset, here, before)]
        if here.second and before.second:
            pairs.append((self.config.second or here.second.name, here.second, before.second))
        for name, now, was in pairs:
            if now.digest != was.digest:
                raise DataError(
                    f"data set {name!r} has changed since this run was trained: its SHA-256 is {now.digest[:12]}, the "
                    f"run's {was.digest[:12]}. Start a new run."
                )
        old = {**header["versions"], **header["machine"]}
        new = {**details["versions"], **details}
        changed = [f"{name} {old[name]} -> {new[name]}" for name in old if name in new and old[name] != new[name]]
        if changed:
            warnings.warn(f"not an exact continuation, this has changed: {', '.join(changed)}", stacklevel=5)

    def _finished(self, run: Run, state: State) -> None:
        """Nothing is left to train; other metrics may be requested, and weights may be missing after a kill."""
        files = [weights_path(run.path, role) for role in self.variant.exports()]
        asked = self.evaluation is not None and not self.evaluation.is_reported(run, state)
        if asked:
            assert self.evaluation is not None
            self.world.on_rank0(run.resume)
            self.evaluation.report(run, state)

        def write() -> None:
            if asked or any(not file.exists() or read_header(file).get("step") != state.step for file in files):
                run.save_weights(state)
            film = self.config.timelapse and not (run.path / TIMELAPSE).exists()
            if film and not asked:
                run.resume()  # a setting may be new, and a longer training must know it
            if run.status != "finished" or film:
                self._finish(run, state)

        self.world.on_rank0(write)

    def _train(self, run: Run, state: State) -> None:
        fire, on_rank0 = registry().fire, self.world.on_rank0
        if self.resume:
            on_rank0(run.resume)
        loop = TrainingLoop(self.variant, state, self.dataset, run, fire, self.device, self.evaluation, self.world)
        loop.count(self.precision.took if self.precision else 0.0)
        hurried = False
        loggers = attached_loggers(self.config) if self.world.rank == 0 else nullcontext()
        with graceful_stop(loop), loggers:
            try:
                on_rank0(lambda: fire("ganzoo_run_started", run=run))
                for line in history(run.path) if self.resume else ():
                    loop.diagnostics.read(line)  # what it has seen before decides what it says next
                with peer_failures(self._advice):
                    loop.fit()
                    on_rank0(lambda: self._finish(run, state))
            except BaseException as error:
                stopped = isinstance(error, Interrupted | KeyboardInterrupt)
                hurried = isinstance(error, KeyboardInterrupt)  # a second signal: who sent it waits for no page
                if self.world.rank == 0:
                    self._write_end(run, "interrupted" if stopped else "failed", error)
                if stopped and checkpoints(run.path):
                    raise Interrupted(
                        f"stopped by {error if isinstance(error, Interrupted) else 'a second signal'} at step "
                        f"{state.step:,} of {run.total_steps:,}; continue with: "
                        f"{resume_command(self.config, run.path, self.world)}",
                        getattr(error, "reason", "SIGINT"),
                    ) from None
                raise
            finally:
                loop.loader.close()
                if not hurried:
                    self._report(run)
            on_rank0(lambda: fire("ganzoo_run_finished", run=run, status=run.status))

    def _report(self, run: Run) -> None:
        """The page to look at. One that cannot be written is a warning: the run is what counts."""
        if not self.config.report or self.world.rank or not anything_to_show(run.path):
            return
        try:
            from ganzoo.report.looks import Material
            from ganzoo.report.page import write_report

            write_report([run.path], material=Material(self.variant, self.dataset))
        except (Exception, KeyboardInterrupt) as error:  # whatever a plugin or a disk raises, and who will not wait
            warnings.warn(f"report.html could not be written: {describe(error)}", TrainingWarning, stacklevel=3)

    def _finish(self, run: Run, state: State) -> None:
        """The film of the training, where it is wanted, and the status."""
        if self.config.timelapse:
            leave_timelapse(run, state.step)
        run.finish("finished")

    @staticmethod
    def _write_end(run: Run, status: str, error: BaseException) -> None:
        with suppress(GanzooError):  # the disk may be full, and the first error is the one to show
            run.finish(status, f"{type(error).__name__}: {error}")
        with suppress(GanzooError):
            registry().fire("ganzoo_run_finished", run=run, status=run.status)


def anything_to_show(path: Path) -> bool:
    """Whether a run has got as far as a line of its history, a picture or weights."""
    return (path / SCALARS).exists() or any(path.glob("*.safetensors")) or any((path / "samples").glob("*.png"))


@contextmanager
def setting(config: RunConfig, device: torch.device) -> Iterator[None]:
    """Torch's global state as a training needs it; the caller's comes back afterwards."""
    exact = config.deterministic
    if device.type == "cpu":
        keep_freed_memory()
    with clean_slate(), threads(config.threads), arithmetic(device, config.precision, exact):
        yield
