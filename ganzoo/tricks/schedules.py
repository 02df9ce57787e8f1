"""Learning rates over a stage. Each is a function of the position, so nothing must be saved."""

import math

from torch import Tensor
from torch.optim import Optimizer

from ganzoo.config.settings import Tricks


def factor(tricks: Tricks, step: int, steps: int) -> float:
    """What the learning rate is multiplied by in step ``step`` (from 1) of a stage of ``steps``."""
    done = (step - 1) / steps
    late = max(0.0, (done - tricks.lr_decay_start) / (1 - tricks.lr_decay_start))
    course = {
        "constant": 1.0,
        "linear": 1 - late,
        "cosine": 0.5 * (1 + math.cos(math.pi * done)),
        "step": 0.1 if done >= tricks.lr_decay_start else 1.0,
    }[tricks.lr_schedule]
    return course * min(1.0, step / tricks.lr_warmup if tricks.lr_warmup else 1.0)


def set_rate(optimizer: Optimizer, times: float) -> None:
    """Give every group of parameters ``times`` its first learning rate."""
    for group in optimizer.param_groups:
        # Kept in the group, because a checkpoint saves groups: after a resume, lr is no longer the first one.
        rate = group.setdefault("initial_lr", group["lr"]) * times
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)  # the very tensor that a captured step reads
        else:
            group["lr"] = rate


def follows_length(tricks: Tricks) -> str:
    """The name of a setting that makes a training depend on its own length; empty when none does."""
    if tricks.lr_schedule != "constant":
        return "lr_schedule"
    return "instance_noise" if tricks.instance_noise and not tricks.instance_noise_images else ""


def waits(tricks: Tricks) -> bool:
    """Whether players may rest by a threshold: then a loss that stands still is not a sign of trouble."""
    return tricks.train_d_above is not None or tricks.train_g_above is not None
