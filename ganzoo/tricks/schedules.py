"""Learning rates over a stage, and settings over a training. Each is a function of the position."""

import math
from collections.abc import Iterable

from torch import Tensor
from torch.optim import Optimizer

from ganzoo.config.settings import RunConfig, Tricks
from ganzoo.errors import ConfigError, UnknownNameError

WEIGHTS = ("r1", "r2", "gradient_penalty", "dragan", "diffaugment")
"""What is annealed as a tensor in the memory of the state, which a captured iteration reads."""
ANNEALED = ("lr", "beta2", *WEIGHTS, "ema_halflife")


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
    if tricks.anneal and not tricks.anneal_images:
        return "anneal"
    return "instance_noise" if tricks.instance_noise and not tricks.instance_noise_images else ""


def waits(tricks: Tricks) -> bool:
    """Whether players may rest by a threshold: then a loss that stands still is not a sign of trouble."""
    return tricks.train_d_above is not None or tricks.train_g_above is not None


def annealed(tricks: Tricks) -> dict[str, float]:
    """The last values in ``anneal``, by name.

    Raises:
        UnknownNameError: a name that cannot be annealed.
        ConfigError: a part is not NAME=NUMBER, or its number is not one.
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in tricks.anneal.split(","))):
        name, sign, text = (piece.strip() for piece in part.partition("="))
        if sign and name not in ANNEALED:
            raise UnknownNameError("setting of anneal", name, ANNEALED)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        most = 1.0 if name == "diffaugment" else math.inf
        inside = 0 <= value <= most and value < math.inf
        if name in ("beta2", "ema_halflife"):  # a logarithm is taken of the one, the other divides
            inside = 0 < value < (1 if name == "beta2" else math.inf)
        if not sign or name in found or not inside:
            raise ConfigError(f"anneal = {tricks.anneal!r}: {part!r} must be NAME=NUMBER, once, and in its range.")
        found[name] = value
    return found


def first_value(config: RunConfig, name: str) -> float:
    """What a setting that is annealed begins with."""
    if name == "diffaugment":
        return 1.0
    holder = next(each for each in (config, config.tricks, config.options) if hasattr(each, name))
    return float(getattr(holder, name))


def half_cosine(first: float, last: float, share: float) -> float:
    """From ``first`` to ``last`` while ``share`` goes from 0 to 1, and there from then on."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def set_beta2(optimizer: Optimizer, times: float) -> None:
    """Give every group the power ``times`` of the second beta that it began with."""
    for group in optimizer.param_groups:
        if "betas" in group:
            first = group.setdefault("initial_betas", tuple(group["betas"]))
            group["betas"] = (first[0], first[1] ** times)


def memory_name(name: str) -> str:
    """Where the value of a setting is kept that is annealed as a tensor."""
    return f"anneal.{name}"


def weights(names: Iterable[str]) -> list[str]:
    """Those of the names that are kept in memory."""
    return [name for name in names if name in WEIGHTS]
