"""What a metric is, and what it is given: a context, in which one target is compared with one data set.

A metric's name is its protocol. What it does not say (which split, which extractor with which checksum, which seed)
stands beside every number, because the context writes down what a metric has used.
"""

from dataclasses import dataclass
from typing import Any

from ganzoo.errors import PluginError, UsageError
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.requests import MetricRequest
from ganzoo.registry.specs import MetricSpec
from ganzoo.runtime.device import exact_arithmetic


class Metric:
    """A measure. A plugin subclasses it and names the subclass in its :class:`ganzoo.registry.specs.MetricSpec`.

    Args:
        spec: the spec it was loaded for, so that one class can serve several protocols.
        request: of which network and against what it is taken; None: the default ones.
    """

    def __init__(self, spec: MetricSpec, request: MetricRequest | None = None) -> None:
        self.spec, self.request = spec, request or MetricRequest(spec.name)

    def unsuitable(self, context: EvaluationContext) -> str:
        """Why it makes no sense for this context, or nothing; cheap, asked before anything is computed."""
        return context.target.missing_for(self.spec.of)

    def prepare(self, context: EvaluationContext) -> None:
        """Open what it needs and count: what is missing is to be found before a training, not after.

        Raises:
            GanzooError: weights or data are missing, or there are fewer samples than the protocol takes.
        """
        if self.spec.count:
            context.target.refuse_few(self.spec.count)
            context.conditions(self.spec.count)

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        """The numbers by name, the headline first."""
        raise NotImplementedError(f"{type(self).__name__} must implement measure(context)")


@dataclass(frozen=True)
class Result:
    """What a metric found, and all that the numbers depend on.

    Attributes:
        metric: its name.
        values: the numbers, the headline first.
        about: target, generated samples, reference, extractor, versions, device: plain values.
    """

    metric: str
    values: dict[str, float]
    about: dict[str, Any]

    @property
    def value(self) -> float:
        """The headline."""
        return next(iter(self.values.values()))

    def as_json(self) -> dict[str, Any]:
        return {"metric": self.metric, "value": self.value, "values": self.values, **self.about}


def take(metric: Metric, context: EvaluationContext) -> Result:
    """Measure, with everything that the number depends on.

    Raises:
        UsageError: the metric makes no sense here.
        PluginError: it gives something else than numbers.
    """
    context = context.of(metric.request)
    if reason := metric.unsuitable(context):
        raise UsageError(f"{metric.request}: {reason}.")
    context.used = {}
    with exact_arithmetic(context.device):
        found = metric.measure(context)
    try:
        values = {str(name): float(value) for name, value in found.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise PluginError(f"metric {metric.spec.name!r} gave {found!r}, which is not a table of numbers.") from error
    if not values:
        raise PluginError(f"metric {metric.spec.name!r} gave no number.")
    return Result(metric.request.title, values, {"target": dict(context.target.about), **context.used})


__all__ = ["EvaluationContext", "Metric", "Result", "take"]
