"""Where a setting of the craft makes no sense, and why: refused before anything is trained."""

from collections.abc import Collection
from dataclasses import fields
from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganzoo.config import Craft
from ganzoo.craft.networks import last_layer
from ganzoo.craft.sight import POLICIES, policies
from ganzoo.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from ganzoo.variant import Variant

SCHEDULE = ("d_steps", "g_steps", "train_d_above", "train_g_above", "clip_grad_norm", "lr_schedule", "lr_warmup")
"""Settings that the trainer applies, whatever the variant computes."""

DETAILS = ("instance_noise_images", "minibatch_dim", "lr_decay_start")
"""Settings that say more about another one."""

DEFAULTS = {f.name: f.default for f in fields(Craft)}
ON_TARGETS = ("label_smoothing", "label_flipping")
ON_LAST_LAYER = ("feature_matching", "minibatch_kernels", "minibatch_std")
ON_SLOPES = ("r1", "gradient_penalty")


def active(craft: Craft) -> list[str]:
    """The settings that are not as they are by default, without those that only say more about another."""
    return [f.name for f in fields(Craft) if getattr(craft, f.name) != f.default and f.name not in DETAILS]


def check(variant: "Variant", refuses: dict[str, str]) -> None:
    """What can be told before networks are built.

    Raises:
        ConfigError: a setting that makes no sense here, and why.
    """
    craft, name = variant.config.craft, variant.config.variant
    for key in active(craft):
        value = getattr(craft, key)
        if key in refuses and value != variant.defaults.get(key):
            raise ConfigError(f"{key} = {value!r} makes no sense for variant {name!r}: {refuses[key]}.")
        if key in ON_TARGETS and not (variant.has_loss and variant.loss.targets):
            raise ConfigError(
                f"{key} = {value!r}: the loss {variant.config.loss!r} of variant {name!r} has no targets for real and "
                "generated samples; minimax, non-saturating and least-squares have."
            )
        if key in ("train_d_above", "train_g_above") and variant.has_loss and variant.loss.lipschitz:
            raise ConfigError(f"{key} = {value!r}: the loss {variant.config.loss!r} is a difference, it has no level.")
    if craft.feature_matching == "instead" and variant.has_loss and variant.loss.needs_real:
        raise ConfigError(f"feature_matching = 'instead' leaves nothing of the loss {variant.config.loss!r} for G.")
    if craft.instance_noise_images and not craft.instance_noise:
        raise ConfigError(f"instance_noise_images = {craft.instance_noise_images} without instance_noise does nothing.")
    if craft.minibatch_dim != DEFAULTS["minibatch_dim"] and not craft.minibatch_kernels:
        raise ConfigError(f"minibatch_dim = {craft.minibatch_dim} without minibatch_kernels does nothing.")
    if craft.lr_decay_start != DEFAULTS["lr_decay_start"] and craft.lr_schedule not in ("linear", "step"):
        raise ConfigError(
            f"lr_decay_start = {craft.lr_decay_start} does nothing with lr_schedule = {craft.lr_schedule!r}, only with "
            "linear and step."
        )
    for policy in policies(craft.diffaugment):
        if policy not in POLICIES:
            raise UnknownNameError("policy of diffaugment", policy, POLICIES)
    if craft.diffaugment and variant.data.sample != "images":
        raise ConfigError(f"diffaugment = {craft.diffaugment!r} is for images; {variant.data.name!r} has points.")


def check_networks(variant: "Variant", networks: dict[str, nn.Module]) -> None:
    """What only the networks can tell.

    Raises:
        ConfigError: a setting that makes no sense for them, and why.
    """
    craft, name = variant.config.craft, variant.config.variant
    wanted = [key for key in active(craft) if key not in SCHEDULE]
    if wanted and "discriminator" not in networks:
        raise ConfigError(f"{wanted[0]}: variant {name!r} has no network 'discriminator' that it could work on.")
    for key in wanted:
        discriminator = networks["discriminator"]
        if key in ON_LAST_LAYER:
            last_layer(discriminator)
        if key in ON_SLOPES and any(isinstance(module, _BatchNorm) for module in discriminator.modules()):
            raise ConfigError(
                f"{key} = {getattr(craft, key)!r}: the discriminator of {name!r} has batch normalisation, which makes "
                "a sample's slope depend on the others in its batch (arXiv:1704.00028, section 4)"
                + ("; add -o d_norm=none." if hasattr(variant.options, "d_norm") else ".")
            )


def check_applied(variant: "Variant", applied: Collection[str]) -> None:
    """After an iteration of the last stage: whatever was asked for must have been used.

    Raises:
        ConfigError: the variant's own losses leave a setting out.
    """
    for key in active(variant.config.craft):
        if key not in SCHEDULE and key not in applied:
            raise ConfigError(
                f"{key} = {getattr(variant.config.craft, key)!r} has no effect on variant {variant.config.variant!r}, "
                "which computes its losses itself."
            )
