"""The stages of a training: as the settings want them, and as a run that goes on must keep them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ganzoo.config.settings import RunConfig, Tricks
from ganzoo.errors import ConfigError, PluginError
from ganzoo.models.state import Stage, Update
from ganzoo.models.variant import Variant
from ganzoo.tricks.schedules import follows_length

Plan = list[dict[str, Any]]
"""Name and steps of every stage, as plain values for the header of a checkpoint."""


def plan_of(stages: Sequence[Stage]) -> Plan:
    """What a checkpoint remembers of the stages."""
    return [{"name": stage.name, "steps": stage.steps} for stage in stages]


def stages_of(variant: Variant, saved: Plan | None = None, step: int = 0) -> list[Stage]:
    """The stages of a training, with ``d_steps`` and ``g_steps`` applied.

    Args:
        saved: the stages of the run to resume, where there is one.
        step: iterations that it has done.

    Raises:
        PluginError: the variant's stages do not add up to the run's steps, or two updates of a stage share a name.
        ConfigError: as :func:`continued`.
    """
    config, stages = variant.config, variant.stages()
    check_stages(config, stages)
    if saved is not None:
        stages = continued(config, saved, stages, step)
    return [scheduled(stage, config.tricks) for stage in stages]


def check_stages(config: RunConfig, stages: Sequence[Stage]) -> None:
    """What every list of stages must meet.

    Raises:
        PluginError: it does not.
    """
    total = sum(stage.steps for stage in stages)
    if total != config.steps:
        raise PluginError(
            f"the stages of variant {config.variant!r} have {total:,} steps together, not {config.steps:,}."
        )
    for stage in stages:
        names = [update.name for update in stage.updates]
        if not names:
            raise PluginError(f"stage {stage.name!r} of variant {config.variant!r} has no updates.")
        if twice := [name for name in names if names.count(name) > 1]:
            raise PluginError(f"stage {stage.name!r} of variant {config.variant!r} has two updates {twice[0]!r}.")


def continued(config: RunConfig, saved: Plan, stages: list[Stage], step: int) -> list[Stage]:
    """The stages of a run that goes on with other ``steps``: one that has begun keeps its length.

    A stage's length decides what it computes (a fade-in, a schedule), so it must not change afterwards. The last stage
    takes what is left.

    Raises:
        ConfigError: the run has done more steps, has other stages, or its last stage follows its own length.
    """
    if config.steps < step:
        raise ConfigError(f"steps = {config.steps:,}: the run has done {step:,} already.")
    if [part["name"] for part in saved] != [stage.name for stage in stages]:
        # More or fewer stages follow from the steps, as when a first phase takes all of them.
        known = {stage.name: stage for stage in stages}
        begun = begun_stages(saved, step)
        if any(part["name"] not in known for part in begun):
            names = ", ".join(part["name"] for part in begun)
            raise ConfigError(f"steps = {config.steps:,}: the run to resume has begun the stages {names}, now others.")
    lengths = {part["name"]: int(part["steps"]) for part in begun_stages(saved, step)}
    found = [replace(stage, steps=lengths.get(stage.name, stage.steps)) for stage in stages]
    rest = config.steps - sum(stage.steps for stage in found[:-1])
    before = lengths.get(found[-1].name)
    done = max(0, step - sum(stage.steps for stage in found[:-1])) if before is not None else 0
    if rest < max(1, done):
        raise ConfigError(f"steps = {config.steps:,}: the run to resume needs more for the stages that it has begun.")
    if before is not None and done and rest != before and (reason := follows_length(config.tricks)):
        raise ConfigError(
            f"steps = {config.steps:,}: stage {found[-1].name!r} of the run to resume was laid out for {before:,} "
            f"steps, and its {reason} follows that length."
        )
    return [*found[:-1], replace(found[-1], steps=rest)]


def begun_stages(saved: Plan, step: int) -> Plan:
    """Those that have begun after ``step`` iterations."""
    found, begin = [], 0
    for part in saved:
        if begin >= step:
            break
        found.append(part)
        begin += int(part["steps"])
    return found


def scheduled(stage: Stage, tricks: Tricks) -> Stage:
    """The stage with ``d_steps`` and ``g_steps``: an iteration stays one step of D on one batch.

    With d_steps = 3 the generator moves in every third iteration; with g_steps = 2 it moves twice then.
    """
    if all(update.player != "discriminator" for update in stage.updates):
        return stage  # no game: a phase that trains the generator alone is as it is
    updates: list[Update] = []
    for update in stage.updates:
        if update.player == "generator":
            updates += [replace(update, every=update.every * tricks.d_steps)] * tricks.g_steps
        else:
            updates.append(update)
    return replace(stage, updates=tuple(updates))
