"""What goes into which network, found by computing the losses of a training once and watching.

Every tensor is marked with where it comes from: a field of the batch, random latents, or a network. What is computed of
marked tensors has the marks of all of them; what a network computes has the network's.
"""

import inspect
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganzoo.anatomy.layers import Layer, listed, parameters, shape_of, units
from ganzoo.data.base import Dataset
from ganzoo.data.loader import BatchLoader
from ganzoo.data.needs import check_fields, is_embedded
from ganzoo.data.progress import silent
from ganzoo.models.load import load_as_trained
from ganzoo.models.state import Stage
from ganzoo.registry.registry import registry
from ganzoo.training.loop import new_state
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import build_session, check_run, resolve_run
from ganzoo.training.stages import stages_of

BATCH = 4
"""Samples of the batch that is computed with."""
MARK = "_ganzoo_origins"
LATENTS = "latents"
OUTSIDE = "@"
"""Before the name of what comes from outside, since a network may be called as a field of the batch is."""

Seen = tuple[nn.Module, tuple[int, ...]]
"""A layer that was called, and the shape of one sample behind it."""


@dataclass
class Network:
    """A network of a variant.

    Attributes:
        name: what the variant calls it.
        kind: the name of its class.
        parameters: how many it has.
        layers: empty where no loss calls it.
        made_of: names of the networks that it holds.
        inputs: where its inputs come from: names of networks, and keys of ``Anatomy.sources``.
    """

    name: str
    kind: str
    parameters: int
    layers: list[Layer] = field(default_factory=list)
    made_of: tuple[str, ...] = ()
    inputs: list[str] = field(default_factory=list)


@dataclass
class Anatomy:
    """All networks of a variant, and how they are joined.

    Attributes:
        variant, dataset: their names.
        networks: in the order in which they are first called; those that no loss calls come last.
        sources: shapes of one sample of what comes from outside: fields of the batch, latents, other random numbers, by
            name behind :data:`OUTSIDE`.
        course: the stages of the training, each in a sentence.
    """

    variant: str
    dataset: str
    networks: list[Network]
    sources: dict[str, tuple[int, ...]]
    course: list[str]


def anatomy(variant: str, dataset: str | None = None, texts: Mapping[str, str] | None = None) -> Anatomy:
    """How a variant is built for a data set.

    Args:
        dataset: None: the embedded one that the variant is trained on when none is named.
        texts: settings as text.

    Raises:
        UsageError, DataError: as for a training with these settings.
    """
    session = ready(variant, dataset, texts)
    made = session.variant
    state = new_state(made, torch.device("cpu"))
    watch = Watch(state.networks)
    loader = BatchLoader(session.dataset, session.config.seed, torch.device("cpu"))
    stages = stages_of(made)
    with watch.watching():
        for stage in stages:
            state.stage_step, state.stage_steps = 0, stage.steps
            if stage.begin:
                stage.begin(state)
            batch = made.batch(loader, 0, session.config.batch_size)
            watch.outside(batch)
            for update in stage.updates:
                update.loss(state, batch)
    session.dataset.close()
    return Anatomy(variant, session.config.dataset, watch.found(), watch.used(), [course(stage) for stage in stages])


def ready(variant: str, dataset: str | None, texts: Mapping[str, str] | None) -> TrainingSession:
    """A training that will not take place, of a small batch and without metrics.

    The last split of an embedded set is the smallest; its samples look like those that are trained on.
    """
    settings = {"batch_size": BATCH, "device": "cpu", "metrics": "", **({"dataset": dataset} if dataset else {})}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # of lengths and sizes of a training that is none
        run = resolve_run(variant, settings, Path(folder) / "run", None, False, texts)
        device = check_run(run)
        spec = registry().datasets.spec(run.config.dataset.partition(":")[0])
        split = spec.splits[-1] if is_embedded(spec) else ""

        def load(name: str, wanted: str) -> Dataset:
            return load_as_trained(run.variant_class, run.config, name, wanted)

        loaded = load("", split)
        check_fields(registry().variants.spec(variant), loaded)
        return build_session(run, device, loaded, load, silent)


def course(stage: Stage) -> str:
    """A stage in a sentence: ``"adversarial: a step of discriminator, then of generator"``."""
    steps = [f"of {u.player}{f' (every {u.every})' if u.every > 1 else ''}" for u in stage.updates]
    return f"{stage.name}: a step {', then '.join(steps)}"


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in arguments or results."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors(list(value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from tensors(each)


def origins(value: Any) -> frozenset[str]:
    """Where the tensors in a value come from."""
    return frozenset().union(*(getattr(each, MARK, ()) for each in tensors(value)))


def mark(value: Any, names: frozenset[str], given: Any = ()) -> None:
    """Say where the tensors in a value come from; weights come from nowhere.

    Args:
        given: what it was computed of: a tensor that is merely passed on stays what it is.
    """
    known = {id(each) for each in tensors(given)}
    for each in tensors(value):
        if not isinstance(each, nn.Parameter) and id(each) not in known:
            setattr(each, MARK, names)


class Marking(TorchFunctionMode):
    """Within it, what is computed of marked tensors is marked."""

    def __init__(self, inside: list[str]) -> None:
        super().__init__()
        self.inside = inside

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        names = frozenset(self.inside[-1:]) or origins((args, kwargs))
        if names:
            mark(result, names, (args, kwargs))
        return result


class Watch:
    """Watches networks while losses are computed.

    Args:
        networks: by name.
    """

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        self.networks = networks
        self.sources: dict[str, tuple[int, ...]] = {}
        self.inputs: dict[str, list[str]] = {}
        self.seen: dict[str, list[Seen]] = {}
        self.inside: list[str] = []
        self._now: list[Seen] = []
        self.made_of = {name: self._parts(network) for name, network in networks.items()}

    def _parts(self, network: nn.Module) -> tuple[str, ...]:
        within = {id(module) for module in network.modules()} - {id(network)}
        return tuple(name for name, other in self.networks.items() if id(other) in within)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within it every call of a network is seen, by whatever method."""
        hooks, wrapped = [], []
        for name, network in self.networks.items():
            for method in methods(network):
                if method == LATENTS:
                    network.__dict__[method] = self._drawing(getattr(network, method))
                elif not self.made_of[name]:
                    network.__dict__[method] = self._calling(name, getattr(network, method))
                else:
                    continue
                wrapped.append((network, method))
            if not self.made_of[name]:
                passed = partial(self._passed, name)
                layers = dict.fromkeys(units(network, parameters(network)))
                hooks += [layer.register_forward_hook(passed) for layer in layers]
        try:
            with Marking(self.inside):
                yield
        finally:
            for hook in hooks:
                hook.remove()
            for network, method in wrapped:
                network.__dict__.pop(method, None)

    def outside(self, batch: Mapping[str, Tensor]) -> None:
        """The fields of a batch are sources."""
        for name, values in batch.items():
            self._source(name, values)

    def _source(self, name: str, values: Tensor) -> None:
        mark(values, frozenset([OUTSIDE + name]))
        self.sources.setdefault(OUTSIDE + name, tuple(values.shape[1:]))

    def _drawing(self, method: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """A method that draws latents."""

        @wraps(method)
        def drawn(*args: Any, **kwargs: Any) -> Tensor:
            latents = method(*args, **kwargs)
            self._source(LATENTS, latents)
            return latents

        return drawn

    def _calling(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method of a network."""
        signature = inspect.signature(method)

        @wraps(method)
        def called(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            if name in self.inside or next(tensors(given), None) is None:
                return method(*args, **kwargs)
            self._enter(name, given)
            self.inside.append(name)
            before, self._now = self._now, []
            try:
                result = method(*args, **kwargs)
            finally:
                self.inside.pop()
                seen, self._now = self._now, before
            self.seen[name] = longest(self.seen.get(name, []), seen)
            mark(result, frozenset([name]), given)
            return result

        return called

    def _enter(self, name: str, given: Mapping[str, Any]) -> None:
        """Note where the arguments come from; an unknown one is a source with the name of the parameter."""
        known = self.inputs.setdefault(name, [])
        for parameter, value in given.items():
            for each in tensors(value):
                if not origins(each):
                    self._source(parameter, each)
                known += [origin for origin in sorted(origins(each)) if origin not in (*known, name)]

    def _passed(self, name: str, module: nn.Module, args: Any, result: Any) -> None:
        """Called after each layer of a network; others may share it."""
        again = any(module is other for other, _ in self._now)
        if self.inside[-1:] == [name] and not again and (shape := shape_of(result)) is not None:
            self._now.append((module, shape))

    def used(self) -> dict[str, tuple[int, ...]]:
        """The sources that some network is given."""
        wanted = {name for names in self.inputs.values() for name in names}
        return {name: shape for name, shape in self.sources.items() if name in wanted}

    def found(self) -> list[Network]:
        """All networks: those that were called in the order of their first call, then the others."""
        found = []
        for name in [*self.inputs, *(name for name in self.networks if name not in self.inputs)]:
            network, made_of = self.networks[name], self.made_of[name]
            inputs = self.inputs.get(name, list(made_of))
            kind, layers = type(network).__name__, listed(self.seen.get(name, []))
            found.append(Network(name, kind, parameters(network), layers, made_of, inputs))
        return found


def longest(before: list[Seen], now: list[Seen]) -> list[Seen]:
    """The call of a network that has most layers, and behind it those that only the other one has."""
    most, other = (now, before) if len(now) > len(before) else (before, now)
    known = {id(layer) for layer, _ in most}
    return [*most, *(each for each in other if id(each[0]) not in known)]


def methods(network: nn.Module) -> list[str]:
    """Names of the methods that its own classes define."""
    own = [kind for kind in type(network).__mro__ if issubclass(kind, nn.Module) and kind is not nn.Module]
    return [n for n in dict.fromkeys(n for kind in own for n in vars(kind)) if is_plain(network, n)]


def is_plain(network: nn.Module, name: str) -> bool:
    """Whether it is a method that others may call with tensors."""
    return not name.startswith("_") and inspect.isfunction(inspect.getattr_static(type(network), name, None))
