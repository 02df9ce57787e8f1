"""Variants and losses by name."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import Dataset
from ganzoo.data.derived.degrade import taken_apart
from ganzoo.data.load import dataset_spec, load_dataset
from ganzoo.data.progress import Progress, silent
from ganzoo.errors import ConfigError, PluginError, UnknownNameError
from ganzoo.models.interfaces import Loss
from ganzoo.models.variant import Variant
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import SECOND


def load_variant(name: str) -> type[Variant]:
    """The class of a registered variant.

    Raises:
        UnknownNameError: no such variant.
        PluginError: it cannot be loaded, or is not a variant.
    """
    found = registry().variants.load(name)
    if not (isinstance(found, type) and issubclass(found, Variant)):
        raise PluginError(f"variant {name!r}: {found!r} is not a subclass of ganzoo.models.variant.Variant.")
    return found


def preset_of(variant: str, name: str) -> Mapping[str, Any]:
    """The settings of a preset; none without a name.

    Raises:
        UnknownNameError: the variant has no such preset.
    """
    if not name:
        return {}
    presets = load_variant(variant).presets
    if name not in presets:
        raise UnknownNameError(f"preset of {variant}", name, presets)
    return presets[name]


def make_loss(variant_class: type[Variant], config: RunConfig) -> Loss | None:
    """The run's adversarial loss; None for a variant that has none.

    Raises:
        UsageError: an unknown loss, or a loss for a variant that uses none.
        PluginError: it cannot be loaded, or is not a loss.
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


def load_as_trained(
    variant_class: type[Variant], config: RunConfig, name: str, split: str = "", progress: Progress = silent
) -> Dataset:
    """A split of a data set in the form in which a variant is trained on it.

    Args:
        name: of the data set; empty: the one in ``config``, with its second set.
        split: empty: the one that is trained on.

    Raises:
        SplitMissingError, DataError, UsageError: as :func:`ganzoo.data.load.load_dataset`.
    """
    if name and name != config.dataset:
        config = replace(config, dataset=name, second="", labels_from="", degrade="none", only="", without="")
        config = without_limit(config)
    found = load_dataset(config.dataset, config, split or None, progress, **variant_class.data_request(config))
    needs = registry().variants.spec(config.variant).needs
    apart = "target" in found.fields and not found.second and any(field.startswith(SECOND) for field in needs)
    return taken_apart(found) if apart else found


def without_limit(config: RunConfig) -> RunConfig:
    """The settings of a run for data that is compared with: all samples of a split."""
    return replace(config, limit=None, limit_seed=0)


def usual_settings(variant_class: type[Variant], dataset: str) -> dict[str, Any]:
    """What a variant trains with on a data set, as it is typed, when nothing else is said."""
    known = dataset.partition(":")[0] in registry().datasets  # another is refused elsewhere
    samples = dataset_spec(dataset).samples if known else ""
    return {**variant_class.defaults_for(samples), "dataset": dataset}
