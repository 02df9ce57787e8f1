"""Variants and losses by name."""

import warnings

from ganzoo.config.settings import RunConfig
from ganzoo.errors import ConfigError, PluginError
from ganzoo.models.interfaces import Loss
from ganzoo.models.variant import Variant
from ganzoo.registry.registry import registry


def load_variant(name: str) -> type[Variant]:
    """The class of a registered variant.

    Raises:
        UnknownNameError: no such variant.
        PluginError: it cannot be loaded, or is no variant.
    """
    found = registry().variants.load(name)
    if not (isinstance(found, type) and issubclass(found, Variant)):
        raise PluginError(f"variant {name!r}: {found!r} is not a subclass of ganzoo.models.variant.Variant.")
    return found


def make_loss(variant_class: type[Variant], config: RunConfig) -> Loss | None:
    """The run's adversarial loss; None for a variant that has none.

    Raises:
        UsageError: an unknown loss, or a loss for a variant that uses none.
        PluginError: it cannot be loaded, or is no loss.
    """
    if "loss" not in variant_class.defaults:
        if config.loss:
            raise ConfigError(f"loss = {config.loss!r}: variant {config.variant!r} has no adversarial loss to swap.")
        return None
    loss_class = registry().losses.load(config.loss)
    if not (isinstance(loss_class, type) and issubclass(loss_class, Loss)):
        raise PluginError(f"loss {config.loss!r}: {loss_class!r} is not a subclass of ganzoo.models.interfaces.Loss.")
    tricks = config.tricks
    if loss_class.lipschitz and not (variant_class.lipschitz or tricks.gradient_penalty or tricks.spectral_norm):
        warnings.warn(
            f"loss {config.loss!r} needs a critic of bounded slope, and {config.variant!r} does not bound it: "
            "expect it to diverge.",
            stacklevel=3,
        )
    return loss_class()
