"""Whole iterations as CUDA graphs: a small network's step is hundreds of kernels of microseconds, and to launch them
one by one takes longer than to run them.

Not run on a GPU yet: benchmarks/gpu_check.py is what would show it. Tests put a recorder in CUDA's place.

Iterations differ by the updates that are due. Of each kind the first ones are taken as usual and watched; if nothing in
them hangs on the host, the next one is captured, and from then on the device repeats it with new samples.
"""

import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from ganzoo.data.loader import Batch, BatchLoader
from ganzoo.models.state import Stage, State, Update
from ganzoo.models.variant import Variant
from ganzoo.training.diagnostics import TrainingWarning
from ganzoo.training.trainer import Trainer

WATCHED = 3
"""Iterations of each kind that are taken as usual first: optimizers make their state, libraries choose kernels."""


class Recorder(Protocol):
    """What watches and captures; CUDA's is :class:`CudaRecorder`."""

    @property
    def optimizers_on_device(self) -> bool:
        """Whether optimizers are to keep their counts and rates on the device, as a capture needs."""
        ...

    def host_state(self) -> Any:
        """State of the random number generators that a capture leaves out, to be compared."""
        ...

    def watched(self) -> Any:
        """A context in which work is done as usual; gives a list of reasons against a capture, complete at its end."""
        ...

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record what ``work`` launches, without running it; the result runs it.

        Raises:
            RuntimeError: it cannot be recorded.
        """
        ...


@dataclass
class Plan:
    """What is known of one kind of iteration: how often it was watched, why it is not captured, or its capture.

    ``inputs`` is what the capture reads: the indices of a batch, or the batch; ``counts`` how many values it adds to
    each mean of the history.
    """

    taken: int = 0
    reason: str = ""
    replay: Callable[[], None] | None = None
    inputs: Batch = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


class GraphedTrainer(Trainer):
    """A :class:`ganzoo.training.trainer.Trainer` that repeats iterations on the device where it can.

    It computes the same. An iteration is not captured, and a warning says why, when its updates wait for the device,
    draw random numbers on the host, or read ``state.step``, ``state.images`` or ``state.progress``: a graph would
    repeat what was found there once.
    """

    def __init__(self, *arguments: Any, recorder: Recorder) -> None:
        super().__init__(*arguments)
        self._recorder = recorder
        self._plans: dict[Any, Plan] = {}
        self._inputs: dict[Any, Batch] = {}
        self._said: set[str] = set()
        self._given_up = ""
        # A batch of the variant's own making is drawn outside, as is one whose samples come from the host.
        self._picks = self.loader.on_device and type(self.variant).batch is Variant.batch
        self._uncapturable: set[str] = set()
        if recorder.optimizers_on_device:
            self._uncapturable = {
                player for player, own in self.state.optimizers.items() if not keep_on_device(own, self.device)
            }

    def iterate(self, stage: Stage, number: int) -> None:
        self.enter(stage, number)
        due, inputs = self.due(stage, number), self._next_inputs()
        self.set_rates(stage, number)
        images = self.state.images + self.batch_size
        settled = bool(self.state.ema) and self.ema_halflife(images) == self.config.ema_halflife
        plan = self._plans.setdefault((stage.name, due, settled, shapes(inputs)), Plan())
        if not plan.taken and (unsuitable := self._unsuitable(due)):
            plan.taken = WATCHED
            self._refuse(plan, due, unsuitable)
        if not plan.replay and not plan.reason and plan.taken >= WATCHED:
            self._capture(plan, due, inputs, settled)
        if plan.replay:
            for name, values in inputs.items():
                plan.inputs[name].copy_(values)
            plan.replay()
            for name, count in plan.counts.items():
                total, before = self.state.window[name]
                self.state.window[name] = total, before + count
        else:
            self._take_watched(plan, due, inputs)
        self.advance()
        if not (plan.replay and settled):  # while its weight still changes, the average stays outside
            self.average()

    def _next_inputs(self) -> Batch:
        """What the next iteration reads: the indices of its batch where the rest can be captured, else the batch."""
        if self._picks:
            return {"indices": self.loader.indices(self.state.images + self.state.skipped, self.batch_size)}
        return self.next_batch()

    def _batch(self, inputs: Batch) -> Batch:
        return self.loader.pick(inputs["indices"]) if self._picks else inputs

    def _unsuitable(self, due: tuple[Update, ...]) -> str:
        """Why such iterations need not even be watched, or nothing."""
        if self._given_up:
            return self._given_up
        if "beta2" in self._annealed:
            return "beta2 changes, and a captured step of an optimizer keeps the one that it had"
        own = [update.player for update in due if update.player in self._uncapturable]
        return f"the optimizer of {own[0]} has no capturable form" if own else ""

    def _take_watched(self, plan: Plan, due: tuple[Update, ...], inputs: Batch) -> None:
        if plan.reason:
            batch = self._batch(inputs)
            for update in due:
                self.apply_update(update, batch)
            return
        own, before = self.state, self._recorder.host_state()
        self.state = WatchedState(own)
        try:
            with self._recorder.watched() as reasons:
                batch = self._batch(inputs)
                for update in due:
                    self.apply_update(update, batch)
            read = self.state.read
        finally:
            self.state = own
        if not plan.taken:
            reasons.clear()  # what is brought to the device once, at its first use, is waited for once
        if read:
            reasons.append(f"state.{read[0]} is read")
        if self._recorder.host_state() != before:
            reasons.append("random numbers are drawn on the host")
        plan.taken += 1
        if reasons:
            self._refuse(plan, due, reasons[0])

    def _capture(self, plan: Plan, due: tuple[Update, ...], inputs: Batch, settled: bool) -> None:
        plan.inputs = self._inputs.setdefault(shapes(inputs), {name: values.clone() for name, values in inputs.items()})
        before = {name: count for name, (_, count) in self.state.window.items()}

        def work() -> None:
            batch = self._batch(plan.inputs)
            for update in due:
                self.apply_update(update, batch)
            if settled:
                self.average(self.ema_weight(self.config.ema_halflife))

        try:
            plan.replay = self._recorder.capture(work)
        except RuntimeError as error:
            # The first error says why; torch raises another one when it ends the capture.
            self._given_up = str(error.__context__ or error).partition("\n")[0]
            for other in self._plans.values():  # their random numbers come from a generator that has been replaced
                other.replay, other.reason = None, other.reason or self._given_up
            plan.reason = ""
            self._refuse(plan, due, self._given_up)
        after = {name: count for name, (_, count) in self.state.window.items()}
        plan.counts = {name: after[name] - before.get(name, 0) for name in after if after[name] > before.get(name, 0)}
        new = after.keys() - before.keys()
        # Recorded, not computed: the counts go back to what they were, and what appeared only now holds nothing.
        self.state.window.update({name: (self.state.window[name][0], count) for name, count in before.items()})
        for name in new:
            del self.state.window[name]
        if new and plan.replay:
            plan.replay = None
            self._refuse(plan, due, f"{min(new)} is logged only now and then")

    def _refuse(self, plan: Plan, due: tuple[Update, ...], reason: str) -> None:
        plan.reason = reason
        if reason not in self._said:
            self._said.add(reason)
            players = ", ".join(dict.fromkeys(update.player for update in due))
            warnings.warn(
                f"no CUDA graph for the steps of {players}: {reason}. They are taken one by one, which is slower and "
                "computes the same.",
                TrainingWarning,
                stacklevel=4,
            )


class WatchedState(State):
    """A state that notes when its position is read; everything else is the given one's."""

    def __init__(self, state: State) -> None:
        self.read: list[str] = []
        for f in fields(State):
            object.__setattr__(self, f.name, getattr(state, f.name))

    def __getattribute__(self, name: str) -> Any:
        if name in ("step", "images", "stage_step"):
            self.read.append(name)
        return super().__getattribute__(name)


class CudaRecorder:
    """CUDA graphs by torch. All graphs share one pool of memory: they run one after another."""

    optimizers_on_device = True

    def __init__(self, device: torch.device) -> None:
        self._device, self._stream = device, torch.cuda.Stream(device)
        self._pool: Any = None

    def host_state(self) -> Any:
        return random.getstate(), repr(np.random.get_state(legacy=False)), torch.get_rng_state().numpy().tobytes()

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """Work on its own stream, as torch asks of what will be captured, and watch for waits."""
        reasons: list[str] = []
        before, main = torch.cuda.get_sync_debug_mode(), torch.cuda.current_stream(self._device)
        self._stream.wait_stream(main)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns once that this mode is young
            torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as said, torch.cuda.stream(self._stream):
                warnings.simplefilter("always")
                yield reasons
        finally:
            torch.cuda.set_sync_debug_mode(before)
            main.wait_stream(self._stream)
        for warning in said:
            if "synchronizing" in str(warning.message):
                reasons.append(f"the host waits for the device ({warning.filename}:{warning.lineno})")
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        graph, before = torch.cuda.CUDAGraph(), torch.cuda.get_rng_state(self._device)
        stream = torch.cuda.current_stream(self._device)
        try:
            # Other threads may use the device meanwhile: those that read files ahead.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                work()
        except RuntimeError:
            torch.cuda.set_stream(stream)  # a capture that breaks off leaves its own stream behind
            # ... and a generator that waits for its end; a fresh one goes on in its place.
            fresh = torch.Generator(self._device)
            fresh.set_state(before)
            index = self._device.index if self._device.index is not None else torch.cuda.current_device()
            torch.cuda.default_generators[index].graphsafe_set_state(fresh.graphsafe_get_state())
            raise
        self._pool = graph.pool()
        return graph.replay


def keep_on_device(optimizer: Optimizer, device: torch.device) -> bool:
    """Have an optimizer keep learning rates and step counts in tensors, so that a captured step sees them change.

    Returns:
        Whether it can: one without the setting ``capturable`` may count in Python, and is left as it is.
    """
    if not all("capturable" in group for group in optimizer.param_groups):
        return False
    for group in optimizer.param_groups:
        group["capturable"] = True
        group.setdefault("initial_lr", float(group["lr"]))
        group["lr"] = torch.tensor(float(group["lr"]), device=device)
    for values in optimizer.state.values():
        if isinstance(step := values.get("step"), Tensor):
            values["step"] = step.to(device)
    return True


def shapes(inputs: Batch) -> tuple[Any, ...]:
    """Names, sizes and types of what is read: what a capture is made for."""
    return tuple((name, tuple(values.shape), values.dtype, values.stride()) for name, values in inputs.items())


def make_trainer(
    variant: Variant, state: State, loader: BatchLoader, device: torch.device, advice: Callable[[], str] = str
) -> Trainer:
    """The trainer that variant, device and settings ask for: the variant's own, one that captures CUDA graphs, or the
    default one."""
    kind: type[Trainer] = variant.trainer or Trainer
    if device.type == "cuda" and variant.config.cuda_graphs:
        if kind is Trainer:
            return GraphedTrainer(variant, state, loader, device, advice, recorder=CudaRecorder(device))
        text = f"no CUDA graphs: variant {variant.config.variant!r} takes its steps by a {kind.__name__}."
        warnings.warn(text, TrainingWarning, stacklevel=2)
    return kind(variant, state, loader, device, advice)
