"""Metrics taken by name: of one subject at once, and of a training as it goes on."""

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from ganzoo.data.base import DataInfo, Dataset, Progress, silent
from ganzoo.data.store import data_root
from ganzoo.distributed import World
from ganzoo.errors import GanzooError, PluginError, UsageError
from ganzoo.interfaces import Classifier, Generator, Translator
from ganzoo.metrics.base import Exam, Metric, Result, take
from ganzoo.metrics.reference import FOLDER
from ganzoo.metrics.subjects import NetworkSubject
from ganzoo.registry import registry
from ganzoo.run import Run, environment
from ganzoo.variant import Best, State, Variant

REPORTED, CHOOSING = 0, 1
"""Seeds of latents: the best checkpoint is chosen with others than those its figure is reported for, so that chance
does not flatter it."""


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


def check(metrics: list[Metric], exam: Exam) -> None:
    """Raise before anything is computed when a metric makes no sense here, or lacks something.

    Raises:
        UsageError: it makes no sense.
        GanzooError: weights or data are missing.
    """
    for metric in metrics:
        if reason := metric.unfit(exam):
            others = sensible(exam)
            raise UsageError(f"{metric.spec.name}: {reason}. What makes sense here: {', '.join(others) or 'nothing'}.")
    for metric in metrics:
        metric.ready(exam)


def sensible(exam: Exam) -> list[str]:
    """Names of the metrics that make sense for an exam."""
    found = []
    for name in registry().metrics:
        with suppress(PluginError):  # somebody's broken metric must not get between a user and the others
            spec = registry().metrics.spec(name)
            # Asking the spec first spares the import of those that cannot be meant.
            if not exam.subject.lacks(spec.of) and not load_metrics([name])[0].unfit(exam):
                found.append(name)
    return found


def machine(device: torch.device) -> dict[str, Any]:
    """Versions and hardware, for a result."""
    found = environment(device, "torch-fidelity")
    return {key: found[key] for key in ("versions", "device", "hardware", "threads")}


def examine(metrics: list[Metric], exam: Exam) -> list[Result]:
    """Take metrics of one subject, in order."""
    results = []
    for metric in metrics:
        result, where = take(metric, exam), machine(exam.device)
        plugin = registry().metrics.plugin(result.metric)
        where["versions"] = {**where["versions"], plugin.distribution: plugin.version}
        results.append(Result(result.metric, result.values, {**result.about, **where}))
    return results


def network_subject(
    name: str, about: Mapping[str, Any], data: DataInfo, networks: Iterable[nn.Module | None]
) -> NetworkSubject:
    """Trained networks as a subject: each in the role that its type gives it."""
    subject = NetworkSubject(name, dict(about), data.shape)
    for network in networks:
        if isinstance(network, Generator):
            subject.generator, subject.classes = network, network.classes
        if isinstance(network, Translator):
            subject.translator = network
        if isinstance(network, Classifier):
            subject.classifier = network
    return subject


Networks = Callable[[str], nn.Module | None]
"""A network by its name in the variant."""


def subject_of(variant: Variant, network: Networks, step: int) -> NetworkSubject:
    """The networks of a training that are used after it, at a step."""
    config = variant.config
    about = {
        "kind": "training", "variant": config.variant, "variant from": registry().variants.provider(config.variant),
        "training seed": config.seed, "step": step,
        "weights": "EMA" if config.ema_halflife else "raw",
    }  # fmt: skip
    networks = [network(name) for name in (variant.main, variant.classifier) if name]
    return network_subject(f"variant {config.variant!r}", about, variant.data, networks)


def exam_of(
    variant: Variant, load: Callable[[str], Dataset], device: torch.device, progress: Progress = silent
) -> Exam:
    """The exam of a training that has not begun: its networks tell by their types what can be measured.

    Args:
        load: a split of the data that is trained on.
    """
    with torch.random.fork_rng(devices=[]):  # networks drawn only to be looked at
        networks = variant.build()
    subject, cache = subject_of(variant, networks.get, 0), data_root() / FOLDER
    name = variant.config.dataset
    return Exam(subject, name, load, device, trained=name, cache=cache, progress=progress)


def divided(exam: Exam, names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The metrics that can be taken here, and the others, each with its reason."""
    taken, others = [], {}
    for metric in load_metrics(names):
        try:
            check([metric], exam)
            taken.append(metric.spec.name)
        except GanzooError as error:
            others[metric.spec.name] = metric.unfit(exam) or str(error)
    return taken, others


class Examiner:
    """Takes the metrics of a run while it trains, keeps the best weights, and reports on final and best at the end.

    Args:
        variant: what is trained; its config names the metrics.
        exam: made by :func:`exam_of`.

    Raises:
        UsageError: an unknown metric, or one that makes no sense here.
        GanzooError: data or weights that it needs are missing.
    """

    def __init__(self, variant: Variant, exam: Exam) -> None:
        self.variant, self._exam = variant, exam
        self.metrics = load_metrics(listed(variant.config.metrics))
        check(self.metrics, exam)

    def join(self, world: World) -> None:
        """From now on share the work with other processes, which are asked for the same at the same time."""
        self._exam.world = world

    def due(self, run: Run, state: State) -> bool:
        """Whether the last step has passed a multiple of ``metric_every``, or was the very last."""
        every, batch = self.variant.config.metric_every, self.variant.config.batch_size
        return state.images // every > (state.images - batch) // every or state.step == run.total_steps

    def __call__(self, run: Run, state: State) -> dict[str, float]:
        """Take the metrics, and keep the weights if they are the best so far; returns the numbers for the history.

        At the end of the run, the metrics of final and best weights go to ``run.json``.
        """
        results = self._take(state, lambda name: self.variant.trained(state, name), CHOOSING)
        self._keep_best(state, results[0])
        if state.step == run.total_steps:
            self._report(run, state)
        found = {}
        for result in results:
            names = list(result.values)
            found[result.metric] = result.value
            found |= {f"{result.metric} {name}": result.values[name] for name in names[1:]}
        return found

    def _take(self, state: State, network: Networks, seed: int, step: int | None = None) -> list[Result]:
        subject = subject_of(self.variant, network, state.step if step is None else step)
        results = examine(self.metrics, self._exam.renewed(subject, seed))
        return self._exam.world.zero(lambda: results)  # all ranks must find the same weights best

    def _keep_best(self, state: State, result: Result) -> None:
        """Remember the weights in the state if the first metric has never been better; they go into checkpoints."""
        best = state.best if state.best and state.best.metric == result.metric else None
        lower = self.metrics[0].spec.better == "lower"
        if not math.isfinite(result.value):
            return
        if best and not (result.value < best.value if lower else result.value > best.value):
            return
        weights = {
            name: {key: tensor.detach().cpu().clone() for key, tensor in network.state_dict().items()}
            for name in filter(None, (self.variant.main, self.variant.classifier))
            if (network := self.variant.trained(state, name))
        }
        state.best = Best(state.step, state.images, result.metric, result.value, CHOOSING, weights)

    def _report(self, run: Run, state: State) -> None:
        """Final and best weights, with the latents that are reported for."""
        final = self._take(state, lambda name: self.variant.trained(state, name), REPORTED)
        best, kept = final, state.best
        if kept and kept.step != state.step:
            networks = {name: copy.deepcopy(self.variant.trained(state, name)).eval() for name in kept.weights}
            for name, network in networks.items():
                network.load_state_dict(kept.weights[name])
            best = self._take(state, networks.get, REPORTED, kept.step)
        run.details["metrics"] = {
            "step": state.step,
            "chosen by": self.metrics[0].spec.name,
            "final": [result.as_json() for result in final],
            "best": [result.as_json() for result in best],
        }

    def is_reported(self, run: Run, state: State) -> bool:
        """Whether the report of a run that is over is there, of these metrics."""
        names, there = [metric.spec.name for metric in self.metrics], run.details.get("metrics", {})
        return there.get("step") == state.step and [r["metric"] for r in there.get("final", [])] == names

    def report(self, run: Run, state: State) -> None:
        """The report of a run that is over: other metrics are asked for than when it ended."""
        for network in state.networks.values():
            network.eval()
        with torch.no_grad():
            self(run, state)
