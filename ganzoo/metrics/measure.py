"""Metrics by name: loaded, checked against a context, and taken."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import torch
from torch import nn

from ganzoo.data.base import DataInfo
from ganzoo.errors import GanzooError, PluginError, UsageError
from ganzoo.metrics.base import Metric, Result, take
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.requests import MetricRequest, as_requests
from ganzoo.metrics.targets import NetworkTarget
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scorer, Translator
from ganzoo.registry.registry import registry
from ganzoo.runtime.environment import environment

N = TypeVar("N", bound=nn.Module)


def load_metrics(names: Iterable[str | MetricRequest]) -> list[Metric]:
    """Metrics by request, each once.

    Raises:
        UnknownNameError: no such metric.
        PluginError: it cannot be loaded, or is not a metric.
    """
    found = []
    for request in as_requests(names):
        metric = registry().metrics.load(request.name)
        if not (isinstance(metric, type) and issubclass(metric, Metric)):
            raise PluginError(f"metric {request.name!r}: {metric!r} is not a subclass of ganzoo.metrics.base.Metric.")
        made = metric(registry().metrics.spec(request.name))
        made.request = request
        found.append(made)
    return found


def check(metrics: list[Metric], context: EvaluationContext) -> None:
    """Raise before anything is computed when a metric makes no sense here, or lacks something.

    Raises:
        UsageError: it makes no sense.
        GanzooError: weights or data are missing.
    """
    for metric in metrics:
        if reason := metric.unsuitable(context.of(metric.request)):
            others = applicable(context)
            raise UsageError(f"{metric.request}: {reason}. What makes sense here: {', '.join(others) or 'nothing'}.")
    for metric in metrics:
        metric.prepare(context.of(metric.request))


def applicable(context: EvaluationContext) -> list[str]:
    """Names of the metrics that make sense for a context."""
    found = []
    for name in registry().metrics:
        with suppress(PluginError):  # someone's broken metric must not get between a user and the others
            spec = registry().metrics.spec(name)
            # Asking the spec first spares the import of those that cannot be meant.
            if not context.target.missing_for(spec.of) and not load_metrics([name])[0].unsuitable(context):
                found.append(name)
    return found


def machine(device: torch.device) -> dict[str, Any]:
    """Versions and hardware, for a result."""
    found = environment(device, "torch-fidelity")
    return {key: found[key] for key in ("versions", "device", "hardware", "threads")}


def measure_all(metrics: list[Metric], context: EvaluationContext) -> list[Result]:
    """Take metrics of one target, in order."""
    results = []
    for metric in metrics:
        result, where = take(metric, context), machine(context.device)
        plugin = registry().metrics.plugin(metric.spec.name)
        where["versions"] = {**where["versions"], plugin.distribution: plugin.version}
        results.append(Result(result.metric, result.values, {**result.about, **where}))
    return results


def network_target(
    name: str, about: Mapping[str, Any], data: DataInfo, roles: Mapping[str, nn.Module]
) -> NetworkTarget:
    """Trained networks as a target; of each kind the first role is measured unless another one is requested."""

    def first(kind: type[N]) -> N | None:
        return next((network for network in roles.values() if isinstance(network, kind)), None)

    return NetworkTarget(
        name,
        dict(about),
        data.shape,
        data.kind,
        roles,
        classifier=first(Classifier),
        translator=first(Translator),
        generator=first(Generator),
        encoder=first(Encoder),
        scorer=first(Scorer),
    )


def divided(
    context: EvaluationContext, names: Iterable[str | MetricRequest]
) -> tuple[list[MetricRequest], dict[MetricRequest, str]]:
    """The metrics that can be taken here, and the others, each with its reason."""
    taken, others = [], {}
    for metric in load_metrics(names):
        try:
            own = context.of(metric.request)
            if reason := metric.unsuitable(own):
                raise UsageError(reason)
            metric.prepare(own)
            taken.append(metric.request)
        except GanzooError as error:
            others[metric.request] = str(error)
    return taken, others
