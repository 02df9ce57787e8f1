"""Metrics taken by name: of one target at once, and of a training as it goes on."""

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from ganzoo.data.base import Dataset
from ganzoo.data.progress import Progress, silent
from ganzoo.data.store import data_root
from ganzoo.metrics.base import Result
from ganzoo.metrics.cache import FOLDER
from ganzoo.metrics.context import EvaluationContext
from ganzoo.metrics.measure import check, load_metrics, measure_all, network_target
from ganzoo.metrics.requests import MetricRequest
from ganzoo.metrics.targets import NetworkTarget
from ganzoo.models.state import Best, State
from ganzoo.models.variant import Variant
from ganzoo.registry.registry import registry
from ganzoo.runs.run import Run
from ganzoo.runtime.processes import World

REPORTED, CHOOSING = 0, 1
"""Seeds of latents: the best checkpoint is chosen with others than those its figure is reported for, so that chance
does not flatter it."""
Networks = Callable[[str], nn.Module | None]
"""A network by its name in the variant."""


def training_target(variant: Variant, network: Networks, step: int) -> NetworkTarget:
    """The networks of a training that are used after it, at a step."""
    config = variant.config
    about = {
        "kind": "training", "variant": config.variant, "variant from": registry().variants.provider(config.variant),
        "training seed": config.seed, "step": step,
        "weights": "EMA" if config.ema_halflife else "raw",
    }  # fmt: skip
    networks = {role: found for role, name in variant.exports().items() if (found := network(name))}
    return network_target(f"variant {config.variant!r}", about, variant.data, networks)


def training_context(
    variant: Variant, load: Callable[[str, str], Dataset], device: torch.device, progress: Progress = silent
) -> EvaluationContext:
    """The context of a training that has not begun: its networks tell by their types what can be measured.

    Args:
        load: a split of a data set, both by name.
    """
    with torch.random.fork_rng(devices=[]):  # networks drawn only to be looked at
        networks = variant.build()
    target, cache = training_target(variant, networks.get, 0), data_root() / FOLDER
    name = variant.config.dataset
    return EvaluationContext(
        target, name, lambda split: load(name, split), device, trained=name, cache=cache, progress=progress,
        load_other=load,
    )  # fmt: skip


class PeriodicEvaluation:
    """Takes the metrics of a run while it trains, keeps the best weights, and reports on final and best at the end.

    Args:
        variant: what is trained.
        context: made by :func:`training_context`.
        requests: the metrics.

    Raises:
        UsageError: an unknown metric, or one that makes no sense here.
        GanzooError: data or weights that it needs are missing.
    """

    def __init__(self, variant: Variant, context: EvaluationContext, requests: Sequence[MetricRequest]) -> None:
        self.variant, self._context = variant, context
        self.metrics = load_metrics(requests)
        check(self.metrics, context)

    def join(self, world: World) -> None:
        """From now on share the work with other processes, which must do the same at the same time."""
        self._context.world = world

    def due(self, state: State, batch_size: int, last: bool) -> bool:
        """Whether the last ``batch_size`` images have passed a multiple of ``metric_every``, or were the very last."""
        every = self.variant.config.metric_every
        return last or state.images // every > (state.images - batch_size) // every

    def __call__(self, run: Run, state: State) -> dict[str, float]:
        """Take the metrics, and keep the weights if they are the best so far; returns the numbers for the history.

        At the end of the run, the metrics of final and best weights go to ``run.json``.
        """
        results = self._take(state, lambda name: state.ema.get(name, state.networks[name]), CHOOSING)
        chooses = next((i for i, metric in enumerate(self.metrics) if metric.spec.selects), None)
        if chooses is not None:
            self._keep_best(state, results[chooses], self.metrics[chooses].spec.better == "lower")
        if state.step == run.total_steps:
            self._report(run, state)
        found = {}
        for result in results:
            names = list(result.values)
            found[result.metric] = result.value
            found |= {f"{result.metric} {name}": result.values[name] for name in names[1:]}
        return found

    def _take(self, state: State, network: Networks, seed: int, step: int | None = None) -> list[Result]:
        target = training_target(self.variant, network, state.step if step is None else step)
        results = measure_all(self.metrics, self._context.renewed(target, seed))
        return self._context.world.on_rank0(lambda: results)  # all ranks must find the same weights best

    def _keep_best(self, state: State, result: Result, lower: bool) -> None:
        """Remember the weights in the state if the first metric has never been better; they go into checkpoints."""
        best = state.best if state.best and state.best.metric == result.metric else None
        if not math.isfinite(result.value):
            return
        if best and not (result.value < best.value if lower else result.value > best.value):
            return
        weights = {
            name: {key: tensor.detach().cpu().clone() for key, tensor in network.state_dict().items()}
            for role, name in self.variant.exports().items()
            if (network := self.variant.trained(state, role))
        }
        state.best = Best(state.step, state.images, result.metric, result.value, CHOOSING, weights)

    def _report(self, run: Run, state: State) -> None:
        """Final and best weights, with the latents that are reported for."""
        final = self._take(state, lambda name: state.ema.get(name, state.networks[name]), REPORTED)
        best, kept = final, state.best
        if kept and kept.step != state.step:
            networks = {name: copy.deepcopy(state.ema.get(name, state.networks[name])).eval() for name in kept.weights}
            for name, network in networks.items():
                network.load_state_dict(kept.weights[name])
            best = self._take(state, networks.get, REPORTED, kept.step)
        run.details["metrics"] = {
            "step": state.step,
            "chosen by": state.best.metric if state.best else "",
            "final": [result.as_json() for result in final],
            "best": [result.as_json() for result in best],
        }

    def is_reported(self, run: Run, state: State) -> bool:
        """Whether the report of a run that is over is there, of these metrics."""
        names, there = [metric.request.title for metric in self.metrics], run.details.get("metrics", {})
        return there.get("step") == state.step and [r["metric"] for r in there.get("final", [])] == names

    def report(self, run: Run, state: State) -> None:
        """The report of a run that is over: other metrics are requested than when it ended."""
        for network in state.networks.values():
            network.eval()
        with torch.no_grad():
            self(run, state)
