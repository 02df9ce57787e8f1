"""What a few iterations tell that nothing is kept of: which arithmetic is faster, and which batch size fits."""

import copy
import dataclasses
import gc
import math
import statistics
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from ganzoo.errors import describe
from ganzoo.models.state import Stage
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.stages import stages_of
from ganzoo.training.trainer import Trainer

if TYPE_CHECKING:
    from ganzoo.training.session import TrainingSession

SMALLEST = 2

PRECISIONS: tuple[Literal["fp32", "bf16"], ...] = ("fp32", "bf16")
FASTER = 1.15
"""bf16 is chosen when it is so many times as fast: with less, timings of another minute could say the opposite."""
SHARE = 0.1
"""Of the training's iterations that a measurement may take."""
WARM, FEWEST, MOST = 2, 5, 25
"""Iterations of each kind and arithmetic that are not timed; fewest and most that are."""
ENOUGH = 0.5
"""Seconds of timed iterations of a kind after which the fewest are enough."""
LONGEST_PERIOD = 10_000
"""Iterations that are looked through for those that have other updates."""


@dataclass(frozen=True)
class Precision:
    """The arithmetic that was chosen.

    Attributes:
        precision: ``"fp32"`` or ``"bf16"``.
        said: what was measured and chosen, in one line.
        took: seconds that it took to find out.
        steps: seconds of a mean iteration by arithmetic; empty where nothing was measured.
    """

    precision: Literal["fp32", "bf16"]
    said: str
    took: float = 0.0
    steps: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def as_details(self) -> dict[str, Any]:
        """For ``run.json``."""
        return {**dataclasses.asdict(self), "took": round(self.took, 3)}


def choose_precision(session: "TrainingSession", clock: Callable[[], float] = time.perf_counter) -> Precision:
    """bf16 where a mean iteration of this training is clearly faster with it on this machine, and fp32 otherwise.

    Several processes choose together: the slowest of them counts. Nothing of the session is changed; the random number
    generators are not as they were.
    """
    begin = clock()
    if reason := not_measured(session):
        return Precision("fp32", f"precision: fp32, not measured: {reason}")

    def measure() -> tuple[dict[str, float], str]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return mean_iterations(session, clock), ""
        except Exception as error:  # what is wrong with fp32 too, the training is about to tell
            return {}, describe(error)

    found = session.world.gather(measure)
    took = max(session.world.gather(lambda: clock() - begin))
    if broken := [text for _, text in found if text]:
        return Precision("fp32", f"precision: fp32, because the trial failed: {broken[0]}", took)
    steps: dict[str, float] = {name: max(times[name] for times, _ in found) for name in PRECISIONS}
    ratio = steps["fp32"] / steps["bf16"]
    names = PRECISIONS[::-1] if ratio >= FASTER else PRECISIONS
    milliseconds = {name: f"{1000 * seconds:.3g} ms" for name, seconds in steps.items()}
    if names[0] == "bf16":
        compared = f"{ratio:.1f} times as fast as fp32 on this machine"
    else:
        compared = f"bf16 is not {FASTER} times as fast on this machine"
    said = f"precision: {names[0]}, {compared} ({milliseconds[names[0]]} against {milliseconds[names[1]]} a step)"
    return Precision(names[0], said, took, steps)


def not_measured(session: "TrainingSession") -> str:
    """Why nothing is measured and fp32 is taken; empty where there is something to choose."""
    config, tricks = session.config, session.config.tricks
    if session.device.type != "cpu":
        return f"auto measures on a CPU, and this trains on {session.device.type}."
    if config.compile:
        return "with compile both would have to be compiled; --precision bf16 asks for it."
    if tricks.penalty_slope == "difference" and (tricks.r1 or tricks.r2):
        return "the small differences of penalty_slope = 'difference' are lost in bf16."
    count = sum(len(kinds(stage)) for stage in stages_of(session.variant))
    if pairs_within(config.steps, count) < FEWEST:
        return f"{config.steps:,} steps are too few for it to pay."
    return ""


def pairs_within(steps: int, count: int) -> int:
    """Timed pairs of each of ``count`` kinds of iterations that take no more than ``SHARE`` of a training."""
    return min(MOST, int(SHARE * steps / (len(PRECISIONS) * count)) - WARM)


def kinds(stage: Stage) -> dict[tuple[str, ...], tuple[int, float]]:
    """Iterations that differ in which updates are due: of each kind one's number and its share of the stage.

    A penalty in one of 16 iterations and a generator's step in one of 5 make four kinds; timing one of each, and not
    all 80, gives what a mean iteration takes.
    """
    period = min(stage.steps, math.lcm(*(update.every for update in stage.updates)), LONGEST_PERIOD)
    numbers: dict[tuple[str, ...], list[int]] = {}
    for number in range(2, period + 2):  # not the first one, which may begin a stage again
        due = tuple(update.name for update in stage.updates if number % update.every == 0)
        numbers.setdefault(due, []).append(number)
    return {due: (found[0], len(found) / period) for due, found in numbers.items()}


def mean_iterations(session: "TrainingSession", clock: Callable[[], float]) -> dict[str, float]:
    """Seconds of a mean iteration in each arithmetic, on a state of its own that is thrown away."""
    variant = copy.copy(session.variant)
    variant.config = dataclasses.replace(session.config, precision="fp32")
    run: Any = None
    state = new_state(variant, session.device)
    loop = TrainingLoop(variant, state, session.dataset, run, run, session.device)
    for network in state.networks.values():
        network.train()
    count = sum(len(kinds(stage)) for stage in loop.stages)
    pairs = pairs_within(loop.total_steps, count)
    means: dict[str, float] = dict.fromkeys(PRECISIONS, 0.0)
    for stage in loop.stages:
        loop.trainer.iterate(stage, 1)
        for number, share in kinds(stage).values():
            for name, seconds in timed_pairs(loop.trainer, stage, number, pairs, clock).items():
                means[name] += share * seconds * stage.steps / loop.total_steps
    return means


def timed_pairs(
    trainer: Trainer, stage: Stage, number: int, pairs: int, clock: Callable[[], float]
) -> dict[str, float]:
    """The median seconds of an iteration in each arithmetic, taken in turn, so that both meet what else the machine
    does."""
    times: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    config, spent = trainer.config, 0.0
    for i in range(WARM + pairs):
        for name in PRECISIONS if i % 2 else reversed(PRECISIONS):
            trainer.config = dataclasses.replace(config, precision=name)
            begin = clock()
            trainer.iterate(stage, number)
            if i >= WARM:
                times[name].append(clock() - begin)
                spent += times[name][-1]
        if i + 1 >= WARM + FEWEST and spent >= ENOUGH:
            break
    trainer.config = config
    return {name: statistics.median(values) for name, values in times.items()}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python or torch means that memory ran out."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def advice(session: "TrainingSession", error: BaseException) -> str:
    """What to change, found out by trials of one iteration; nothing of the session is changed."""
    traceback.clear_frames(error.__traceback__)  # they hold the networks of the training that failed
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if session.world.size > 1:
        return "try a smaller batch_size or width."
    size = session.config.batch_size
    while size > SMALLEST:
        size = max(SMALLEST, size // 2)
        if fits(session, size):
            return f"batch_size = {session.config.batch_size:,} does not fit, and {size:,} did in a trial."
    return f"not even batch_size = {SMALLEST} fits: smaller networks or images take less."


def fits(session: "TrainingSession", batch_size: int) -> bool:
    """Whether an iteration of every stage can be taken with that batch size."""
    variant, nothing = copy.copy(session.variant), None
    variant.config = dataclasses.replace(session.config, batch_size=batch_size, accumulate=1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run: Any = nothing
            loop = TrainingLoop(variant, new_state(variant, session.device), session.dataset, run, run, session.device)
            for stage in loop.stages:
                loop.trainer.iterate(stage, 1)
                loop.trainer.iterate(stage, max(update.every for update in stage.updates))
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True
