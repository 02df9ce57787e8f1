"""When memory runs out: which batch size would have fitted."""

import copy
import dataclasses
import gc
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import torch

from ganzoo.training.loop import TrainingLoop, new_state

if TYPE_CHECKING:
    from ganzoo.training.session import TrainingSession

SMALLEST = 2


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
