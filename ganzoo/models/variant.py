"""The contract of a variant: networks, players, stages of updates, and what it exports.

A :class:`Variant` builds networks and computes losses. It never differentiates and never steps: the trainer does.
:class:`ganzoo.models.adversarial.GAN` is the default for everything that plays generator against discriminator.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.optim import Adam, Optimizer

from ganzoo.config.fields import Options
from ganzoo.config.settings import AdamOptions, RunConfig
from ganzoo.data.base import DataInfo, Dataset
from ganzoo.data.kinds import Writer
from ganzoo.data.loader import Batch, BatchLoader
from ganzoo.models.interfaces import Generator, Loss, Translator, device_of
from ganzoo.models.state import Game, Stage, State
from ganzoo.registry.specs import SECOND

MOST_ROWS = 32
"""With more classes than this, the pictures over time show the first ones only."""

N = TypeVar("N", bound=nn.Module)

Load = Callable[[str, str], Dataset | None]
"""``load(name, split)``: another data set, or another split of the one trained on (an empty name); None where the set
has no such split."""


class Variant:
    """A kind of GAN. A subclass gives at least ``networks`` and ``stages``.

    Class attributes:

    - ``Options``: its settings, a frozen dataclass derived from :class:`ganzoo.config.fields.Options`.
    - ``defaults``: values for the settings of every run that suit it (``steps``, ``loss`` ...). A variant that has an
      adversarial loss names it here.
    - ``defaults_by_kind``: those that are others for a kind of samples, such as ``{"points": {"width": 64}}``.
    - ``Sampling``: settings of ``ganzoo sample -s``, those of its generator's class; ``ganzoo info`` lists them.
    - ``Scoring``: settings of ``ganzoo score -s``, those of its scorer's class.
    - ``presets``: sets of settings by name, for ``ganzoo train --preset NAME``; ``"paper"`` has the paper's.
    - ``tiny``: settings that make a training small and let it pass through all stages in a few steps, for
      ``ganzoo check``.
    - ``least_batch``: samples that its networks need at once: 2 with batch normalisation, which of a single sample has
      no variance.
    - ``lipschitz``: its critic's slope is bounded, so that losses that need it are sound.
    - ``supports``: settings of :class:`ganzoo.config.settings.Tricks` that its losses apply. None: those of the default
      losses that it does not override.
    - ``unsupported``: tricks that make no sense here, each with its reason.
    - ``preview_columns``: names of the columns of :meth:`preview`; empty: input, output, target of a translator.
    - ``trainer``: its own subclass of :class:`ganzoo.training.trainer.Trainer`; None: the default one.

    Args:
        config: settings of the run.
        data: shape and classes of the samples.
        loss: the adversarial loss, or None for a variant without one.

    Attributes:
        examples: samples from all over the data as a batch holds them, on the CPU, for pictures; empty when nothing is
            trained.
    """

    Sampling: ClassVar[type[Options]] = Options
    Scoring: ClassVar[type[Options]] = Options
    Options: ClassVar[type[Options]] = AdamOptions
    defaults: ClassVar[Mapping[str, Any]] = {}
    defaults_by_kind: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    tiny: ClassVar[Mapping[str, Any]] = {}
    least_batch: ClassVar[int] = 2
    lipschitz: ClassVar[bool] = False
    supports: ClassVar[Collection[str] | None] = None
    unsupported: ClassVar[Mapping[str, str]] = {}
    preview_columns: ClassVar[tuple[str, ...]] = ()
    trainer: ClassVar[type[Any] | None] = None

    def __init__(self, config: RunConfig, data: DataInfo, loss: Loss | None) -> None:
        self.config = config
        self.options: Any = config.options
        self.data = data
        self.examples: Batch = {}
        self._loss = loss

    @property
    def has_loss(self) -> bool:
        """Whether it has an adversarial loss that ``--loss`` swaps."""
        return self._loss is not None

    @property
    def loss(self) -> Loss:
        """The adversarial loss of this run."""
        assert self._loss is not None, f"{type(self).__name__} has no default loss and none was given"
        return self._loss

    # What it learns from

    @classmethod
    def defaults_for(cls, samples: str) -> dict[str, Any]:
        """The defaults for a kind of samples, such as ``"images"``."""
        return {**cls.defaults, **cls.defaults_by_kind.get(samples, {})}

    @classmethod
    def data_request(cls, config: RunConfig) -> dict[str, Any]:
        """More fields of the :class:`ganzoo.data.base.DataRequest` for the training data, ``crop`` for example."""
        return {}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        """Called once before a training, not before sampling: check the data, take from it what networks need.

        Raises:
            DataError: the data is unsuitable for this variant.
            ConfigError: settings that contradict the data.
        """

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """What one iteration computes with: a function of the position ``start`` (real samples seen so far)."""
        return loader.draw(start, n)

    # What it is made of

    def networks(self) -> dict[str, nn.Module]:
        """Freshly initialised networks by name."""
        raise NotImplementedError(f"{type(self).__name__} must implement networks()")

    def build(self) -> dict[str, nn.Module]:
        """The networks that are trained: :meth:`networks`, with what the settings add to them."""
        return self.networks()

    def games(self) -> tuple[Game, ...]:
        """What plays against what; empty where no default loss is used."""
        return ()

    def players(self) -> dict[str, tuple[str, ...]]:
        """Names of the networks that each player's optimizer moves. A network may belong to several players."""
        raise NotImplementedError(f"{type(self).__name__} must implement players()")

    def stages(self) -> list[Stage]:
        """The course of training; the steps of all stages together are the run's ``steps``."""
        raise NotImplementedError(f"{type(self).__name__} must implement stages()")

    def memory(self) -> dict[str, Tensor]:
        """The first values of ``State.memory``, by name, on the CPU."""
        return {}

    def trick_memory(self) -> dict[str, Tensor]:
        """The same of the tricks that are on."""
        return {}

    def exports(self) -> dict[str, str]:
        """Names of networks by role: what is averaged, saved by itself, loaded and measured.

        The first role is sampled and pictured. Each role is written to ``ROLE.safetensors``.
        """
        return {"generator": "generator"}

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        """A new optimizer of one player's parameters; fused, which computes the same in less time."""
        o = self.options
        return Adam(parameters, lr=o.lr, betas=(o.beta1, o.beta2), fused=fused(parameters))

    @classmethod
    def applied_tricks(cls) -> frozenset[str]:
        """The tricks that its losses apply, beside those of the trainer."""
        return frozenset(cls.supports or ())

    # What people look at

    def preview(self, network: nn.Module) -> tuple[Tensor, int]:
        """(samples [R * C, ...] on the CPU, C columns) of the network of the first role, from the same latents always.

        One row a class for a generator that takes classes. Of a translator a row is an input, what it is turned into,
        and its target where there is one.
        """
        if isinstance(network, Translator):
            return self._translations(network)
        if not isinstance(network, Generator):
            raise NotImplementedError(f"{type(self).__name__} must implement preview(): its network draws no samples")
        columns = 10 if network.classes else 8
        rows = min(network.classes, MOST_ROWS) or 8
        labels = torch.arange(rows).repeat_interleave(columns) if network.classes else None
        # A seed of their own keeps these latents apart from those that training draws.
        return network.sample(rows * columns, labels, seed=self.config.seed + 1_000_003), columns

    def _translations(self, network: Translator) -> tuple[Tensor, int]:
        """Rows of input, result and target."""
        given = self.examples[network.input]
        labels = torch.arange(len(given)) % network.classes if network.classes else None
        with torch.no_grad():
            device = device_of(network)
            result = network(given.to(device), *(() if labels is None else (labels.to(device),))).float().cpu()
        columns = [interpolate(given, size=result.shape[2:], mode="nearest"), result]
        paired = not any(name.startswith(SECOND) for name in (network.input, network.output))
        if paired and network.output in self.examples:  # samples of two sets that are not paired have no target
            columns.append(self.examples[network.output])
        channels = max(column.shape[1] for column in columns)
        rows = torch.stack([column.expand(-1, channels, -1, -1) for column in columns], dim=1)
        return rows.flatten(0, 1).clamp(-1, 1), len(columns)

    def render(self, samples: Tensor) -> Tensor | None:
        """Samples as uint8 images [N, C, H, W], for kinds of data that ganzoo cannot draw; None: as their kind is."""
        return None

    def writers(self) -> Mapping[str, Writer]:
        """What samples can be written to by ``ganzoo sample --output``, by the ending of the file (``".mid"``).

        Beside pictures, ``.npy`` for all kinds and ``.wav`` for waves.
        """
        return {}

    # What is used of a state

    def trained(self, state: State, role: str) -> nn.Module:
        """The network of a role as it is used after training: its average where there is one."""
        name = self.exports()[role]
        return state.ema.get(name, state.networks[name])

    @property
    def main_role(self) -> str:
        """The first role that it exports."""
        return next(iter(self.exports()))

    @staticmethod
    def network(state: State, name: str, kind: type[N]) -> N:
        """A network of the state, known to be of that kind."""
        found = state.networks[name]
        assert isinstance(found, kind), f"network {name!r} is a {type(found).__name__}, not a {kind.__name__}"
        return found


def fused(parameters: list[nn.Parameter]) -> bool:
    """Whether torch has a fused optimizer kernel for the device these parameters are on."""
    return all(p.device.type in ("cpu", "cuda") for p in parameters)


def unique_parameters(networks: Mapping[str, nn.Module], names: Collection[str]) -> list[nn.Parameter]:
    """The parameters of the named networks that are trained, in order; one that several share stands once."""
    return list(dict.fromkeys(p for name in names for p in networks[name].parameters() if p.requires_grad))


__all__ = ["Batch", "BatchLoader", "Load", "Variant", "device_of", "fused", "unique_parameters"]
