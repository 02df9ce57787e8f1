"""Metrics by name: loaded, checked against a context, and taken."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from ganzoo.data.base import DataInfo
from ganzoo.errors import GanzooError, PluginError, UsageError
from ganzoo.metrics.base import Metric, Result, take
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.targets import NetworkTarget
from ganzoo.models.interfaces import Classifier, Generator, Translator
from ganzoo.registry.registry import registry
from ganzoo.runtime.environment import environment


def load_metrics(names: Iterable[str]) -> list[Metric]:
    """Metrics by name, each once.

    Raises:
        UnknownNameError: no such metric.
        PluginError: it cannot be loaded, or is no metric.
    """
    found = []
    for name in dict.fromkeys(names):
        metric = registry().metrics.load(name)
        if not (isinstance(metric, type) and issubclass(metric, Metric)):
            raise PluginError(f"metric {name!r}: {metric!r} is not a subclass of ganzoo.metrics.base.Metric.")
        found.append(metric(registry().metrics.spec(name)))
    return found


def listed(text: str) -> list[str]:
    """``"a, b"`` as names."""
    return [name for name in (part.strip() for part in text.split(",")) if name]


def check(metrics: list[Metric], context: EvaluationContext) -> None:
    """Raise before anything is computed when a metric makes no sense here, or lacks something.

    Raises:
        UsageError: it makes no sense.
        GanzooError: weights or data are missing.
    """
    for metric in metrics:
        if reason := metric.unfit(context):
            others = sensible(context)
            raise UsageError(f"{metric.spec.name}: {reason}. What makes sense here: {', '.join(others) or 'nothing'}.")
    for metric in metrics:
        metric.ready(context)


def sensible(context: EvaluationContext) -> list[str]:
    """Names of the metrics that make sense for a context."""
    found = []
    for name in registry().metrics:
        with suppress(PluginError):  # somebody's broken metric must not get between a user and the others
            spec = registry().metrics.spec(name)
            # Asking the spec first spares the import of those that cannot be meant.
            if not context.target.lacks(spec.of) and not load_metrics([name])[0].unfit(context):
                found.append(name)
    return found


def machine(device: torch.device) -> dict[str, Any]:
    """Versions and hardware, for a result."""
    found = environment(device, "torch-fidelity")
    return {key: found[key] for key in ("versions", "device", "hardware", "threads")}


def examine(metrics: list[Metric], context: EvaluationContext) -> list[Result]:
    """Take metrics of one target, in order."""
    results = []
    for metric in metrics:
        result, where = take(metric, context), machine(context.device)
        plugin = registry().metrics.plugin(result.metric)
        where["versions"] = {**where["versions"], plugin.distribution: plugin.version}
        results.append(Result(result.metric, result.values, {**result.about, **where}))
    return results


def network_target(
    name: str, about: Mapping[str, Any], data: DataInfo, networks: Iterable[nn.Module | None]
) -> NetworkTarget:
    """Trained networks as a target: each in the role that its type gives it."""
    target = NetworkTarget(name, dict(about), data.shape)
    for network in networks:
        if isinstance(network, Generator):
            target.generator, target.classes = network, network.classes
        if isinstance(network, Translator):
            target.translator = network
        if isinstance(network, Classifier):
            target.classifier = network
    return target


def divided(context: EvaluationContext, names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The metrics that can be taken here, and the others, each with its reason."""
    taken, others = [], {}
    for metric in load_metrics(names):
        try:
            check([metric], context)
            taken.append(metric.spec.name)
        except GanzooError as error:
            others[metric.spec.name] = metric.unfit(context) or str(error)
    return taken, others
