"""Settings that make no sense together, refused before anything is trained."""

import warnings
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from ganzoo.config.settings import RunConfig, Tricks
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.models.interfaces import Generator
from ganzoo.tricks.augment import POLICIES, policies
from ganzoo.tricks.discriminator import last_layer
from ganzoo.tricks.names import PENALTIES
from ganzoo.tricks.penalties import PATH_LENGTH
from ganzoo.tricks.schedules import annealed, first_value

if TYPE_CHECKING:
    from ganzoo.models.state import Stage
    from ganzoo.models.variant import Variant

SCHEDULE = ("d_steps", "g_steps", "train_d_above", "train_g_above", "clip_grad_norm", "lr_schedule", "lr_warmup")
"""Settings that the trainer applies, whatever the variant computes."""

DETAILS = (
    "ada",
    "ada_images",
    "anneal",
    "anneal_images",
    "diffusion_images",
    "freeze_d",
    "instance_noise_images",
    "minibatch_dim",
    "lr_decay_start",
    "path_every",
    "penalty_every",
    "penalty_slope",
)
"""Settings that say more about another one."""

DEFAULTS = {f.name: f.default for f in fields(Tricks)}
ON_TARGETS = ("label_smoothing", "label_flipping")
ON_LAST_LAYER = ("feature_matching", "minibatch_kernels", "minibatch_std")


def active(tricks: Tricks) -> list[str]:
    """The settings that are not as they are by default, without those that only say more about another."""
    return [f.name for f in fields(Tricks) if getattr(tricks, f.name) != f.default and f.name not in DETAILS]


def check_tricks(variant: "Variant") -> None:
    """What can be told before networks are built: by what the variant and its loss declare.

    Raises:
        ConfigError: a setting that makes no sense here, and why.
    """
    tricks, name, applied = variant.config.tricks, variant.config.variant, variant.applied_tricks()
    for key in active(tricks):
        value = getattr(tricks, key)
        if key in variant.unsupported and value != variant.defaults.get(key):
            raise ConfigError(f"{key} = {value!r} makes no sense for variant {name!r}: {variant.unsupported[key]}.")
        if key not in SCHEDULE and key not in applied and value != variant.defaults.get(key):
            raise ConfigError(f"{key} = {value!r} has no effect on variant {name!r}, which computes its losses itself.")
        if key in ON_TARGETS and not (variant.has_loss and variant.loss.targets):
            raise ConfigError(
                f"{key} = {value!r}: the loss {variant.config.loss!r} of variant {name!r} has no targets for real and "
                "generated samples; minimax, non-saturating and least-squares have."
            )
        if key in ("train_d_above", "train_g_above") and variant.has_loss and variant.loss.lipschitz:
            raise ConfigError(f"{key} = {value!r}: the loss {variant.config.loss!r} is a difference, it has no level.")
    if tricks.feature_matching == "instead" and variant.has_loss and variant.loss.needs_real:
        raise ConfigError(f"feature_matching = 'instead' leaves nothing of the loss {variant.config.loss!r} for G.")
    if tricks.instance_noise_images and not tricks.instance_noise:
        raise ConfigError(
            f"instance_noise_images = {tricks.instance_noise_images} without instance_noise does nothing."
        )
    if tricks.ada:
        if not tricks.diffaugment:
            raise ConfigError(f"ada = {tricks.ada} without diffaugment has nothing to augment with.")
        if "ada" not in applied:
            raise ConfigError(
                f"ada = {tricks.ada} has no effect on variant {name!r}, which computes its losses itself."
            )
    elif tricks.ada_images != DEFAULTS["ada_images"]:
        raise ConfigError(f"ada_images = {tricks.ada_images} without ada does nothing.")
    if not tricks.diffusion and tricks.diffusion_images != DEFAULTS["diffusion_images"]:
        raise ConfigError(f"diffusion_images = {tricks.diffusion_images} without diffusion does nothing.")
    if tricks.freeze_d and not variant.config.init_from:
        raise ConfigError(f"freeze_d = {tricks.freeze_d} without init_from would keep layers as they were drawn.")
    if tricks.freeze_d and "freeze_d" not in applied:
        raise ConfigError(
            f"freeze_d = {tricks.freeze_d} has no effect on variant {name!r}, which has its own networks."
        )
    if tricks.penalty_every > 1 and not any(getattr(tricks, key) for key in PENALTIES):
        raise ConfigError(f"penalty_every = {tricks.penalty_every} without {' or '.join(PENALTIES)} does nothing.")
    if tricks.penalty_every > 1 and all(update.name != "penalty" for s in variant.stages() for update in s.updates):
        raise ConfigError(f"penalty_every = {tricks.penalty_every} has no effect on variant {name!r}.")
    if tricks.path_length and all(update.name != PATH_LENGTH for s in variant.stages() for update in s.updates):
        raise ConfigError(f"path_length = {tricks.path_length} has no effect on variant {name!r}.")
    if tricks.path_every != DEFAULTS["path_every"] and not tricks.path_length:
        raise ConfigError(f"path_every = {tricks.path_every} without path_length does nothing.")
    if tricks.penalty_slope == "difference":
        if not (tricks.r1 or tricks.r2):
            raise ConfigError(f"penalty_slope = {tricks.penalty_slope!r} without r1 or r2 does nothing.")
        if noisy := [key for key in ("diffaugment", "diffusion", "instance_noise") if getattr(tricks, key)]:
            raise ConfigError(
                f"penalty_slope = 'difference' with {noisy[0]}: D would see the two samples that are compared each "
                "changed at random in another way; exact works."
            )
        if variant.config.precision == "bf16":
            raise ConfigError(
                "penalty_slope = 'difference' with precision = 'bf16': rounding is as large as the differences, and "
                "would be punished as a slope; exact works, or fp32."
            )
    if tricks.one_stage:
        check_one_stage(variant)
    if tricks.minibatch_dim != DEFAULTS["minibatch_dim"] and not tricks.minibatch_kernels:
        raise ConfigError(f"minibatch_dim = {tricks.minibatch_dim} without minibatch_kernels does nothing.")
    check_annealed(variant)
    if tricks.lr_decay_start != DEFAULTS["lr_decay_start"] and tricks.lr_schedule not in ("linear", "step"):
        raise ConfigError(
            f"lr_decay_start = {tricks.lr_decay_start} does nothing with lr_schedule = {tricks.lr_schedule!r}, only "
            "with linear and step."
        )
    for policy in policies(tricks.diffaugment):
        if policy not in POLICIES:
            raise UnknownNameError("policy of diffaugment", policy, POLICIES)
    if tricks.diffaugment and variant.data.kind != "images":
        raise ConfigError(
            f"diffaugment = {tricks.diffaugment!r} is for images; {variant.data.name!r} has {variant.data.kind}."
        )


def check_one_stage(variant: "Variant") -> None:
    """What must be so that G's slope at a sample can be had from that of D's loss.

    Raises:
        ConfigError: what is not so.
    """
    tricks, config = variant.config.tricks, variant.config
    if not variant.loss.one_stage:
        raise ConfigError(
            f"one_stage = true with loss = {config.loss!r}: where D's loss is flat in the logit of a generated sample, "
            "it tells nothing of G's slope."
        )
    if config.accumulate > 1:
        raise ConfigError(f"one_stage = true with accumulate = {config.accumulate}: the passes are of other parts.")
    if tricks.r2 and tricks.penalty_every == 1:
        raise ConfigError(
            f"one_stage = true with r2 = {tricks.r2}: the penalty would change the slope at generated samples; "
            "penalty_every=4, or any above 1, gives it passes of its own."
        )
    for key in ("label_flipping", "feature_matching"):
        if (value := getattr(tricks, key)) != DEFAULTS[key]:
            raise ConfigError(f"one_stage = true with {key} = {value!r}: G needs a pass of D of its own.")


def check_annealed(variant: "Variant") -> None:
    """What ``anneal`` names must be there to be changed.

    Raises:
        ConfigError: a setting that is not used, or that another one changes.
    """
    tricks, config = variant.config.tricks, variant.config
    if tricks.anneal_images and not tricks.anneal:
        raise ConfigError(f"anneal_images = {tricks.anneal_images} without anneal does nothing.")
    for name in annealed(tricks):
        said = f"anneal = {tricks.anneal!r}: {name}"
        if name in ("lr", "beta2") and not hasattr(config.options, name):
            raise ConfigError(f"{said} is no setting of variant {config.variant!r}.")
        if name == "lr" and tricks.lr_schedule != "constant":
            raise ConfigError(f"{said} has a schedule already, lr_schedule = {tricks.lr_schedule!r}.")
        if name == "diffaugment" and tricks.ada:
            raise ConfigError(f"{said} has a probability already, which ada = {tricks.ada} controls.")
        used = tricks.diffaugment if name == "diffaugment" else first_value(config, name)
        if not used:
            raise ConfigError(f"{said} is not used by these settings: give it a value to begin with.")


def check_networks(variant: "Variant", networks: dict[str, nn.Module]) -> None:
    """What only the networks can tell: every discriminator that plays a game must fit the tricks.

    Raises:
        ConfigError: a setting that makes no sense for them, and why.
    """
    tricks, name = variant.config.tricks, variant.config.variant
    wanted = [key for key in active(tricks) if key not in SCHEDULE]
    playing = list(dict.fromkeys(game.discriminator for game in variant.games() if game.discriminator in networks))
    if wanted and not playing:
        raise ConfigError(f"{wanted[0]}: variant {name!r} has no discriminator that it could work on.")
    for generator in (networks[game.generator] for game in variant.games() if tricks.path_length):
        if not isinstance(generator, Generator) or not generator.latent_dim:
            raise ConfigError(
                f"path_length = {tricks.path_length}: a generator of variant {name!r} has no latent, along which "
                "the length of a path could be measured."
            )
    for key in wanted:
        for discriminator in (networks[each] for each in playing):
            if key in ON_LAST_LAYER:
                last_layer(discriminator)
            if key == "one_stage" and not has_one_independent_logit(discriminator):
                raise ConfigError(
                    f"one_stage = true: the discriminator of {name!r} must give one logit a sample, which no other "
                    "sample influences; batch normalisation and minibatch statistics let them, patches are many."
                    + (" Add -o d_norm=none." if hasattr(variant.options, "d_norm") else "")
                )
            if key == "minibatch_kernels" and getattr(discriminator, "patch", False):
                raise ConfigError(
                    f"{key} = {getattr(tricks, key)!r}: the discriminator of {name!r} gives a map of logits, one a "
                    "patch, and minibatch discrimination compares whole samples; minibatch_std works on maps."
                )
            if key in ("r1", "r2") and tricks.penalty_slope == "difference" and is_random(discriminator):
                raise ConfigError(
                    f"penalty_slope = 'difference': the discriminator of {name!r} has dropout, whose chance is larger "
                    "than what a small step changes; exact works, or no dropout."
                )
            if key in PENALTIES and any(isinstance(module, _BatchNorm) for module in discriminator.modules()):
                raise ConfigError(
                    f"{key} = {getattr(tricks, key)!r}: the discriminator of {name!r} has batch normalisation, which "
                    "makes a sample's slope depend on the others in its batch (arXiv:1704.00028, section 4)"
                    + ("; add -o d_norm=none." if hasattr(variant.options, "d_norm") else ".")
                )


def has_one_independent_logit(discriminator: nn.Module) -> bool:
    """Whether the slope of D's loss at a sample is that of its own logit, times a number."""
    several = len(getattr(discriminator, "heads", ())) > 1 or getattr(discriminator, "patch", False)
    return bool(getattr(discriminator, "independent", False)) and not several


def is_random(network: nn.Module) -> bool:
    """Whether a network has dropout."""
    return any(isinstance(module, _DropoutNd) and module.p > 0 for module in network.modules())


def warn_of_lengths(config: RunConfig, stages: "Sequence[Stage]") -> None:
    """Warn of a training too short for what its settings want; a short one may still be what a user means to try."""
    longest = max(stage.steps for stage in stages)
    if config.tricks.lr_warmup >= longest:
        warnings.warn(
            f"lr_warmup = {config.tricks.lr_warmup:,}: no stage has more than {longest:,} steps, so the learning rate "
            "never reaches its full value.",
            stacklevel=2,
        )
    players = dict.fromkeys(update.player for stage in stages for update in stage.updates)
    for player in players:
        own = [(update, stage) for stage in stages for update in stage.updates if update.player == player]
        if all(update.every > stage.steps for update, stage in own):
            every = min(update.every for update, _ in own)
            warnings.warn(
                f"steps = {config.steps:,}: player {player!r} is never trained, because it steps in every {every:,}th "
                "iteration. More steps, or fewer of the other player, change that.",
                stacklevel=2,
            )


def check_arithmetic(config: RunConfig, device: torch.device) -> None:
    """Raise ConfigError for arithmetic that the device or torch does not have."""
    if config.precision == "tf32" and device.type != "cuda":
        raise ConfigError(f"precision = 'tf32': {device.type} has no such arithmetic; it has fp32 and bf16.")
    tricks = config.tricks
    twice = [key for key in PENALTIES if getattr(tricks, key)]
    if tricks.penalty_slope == "difference":
        twice = [key for key in twice if key not in ("r1", "r2")]
    if tricks.path_length:
        twice.append("path_length")
    if config.compile and twice:
        name = twice[0]
        raise ConfigError(f"compile = true with {name}: torch.compile cannot differentiate twice, which {name} needs.")
    if config.compile and tricks.feature_matching != "none":
        raise ConfigError("compile = true with feature_matching: what a compiled network computes inside is not seen.")
