"""What a kind of GAN is made of: networks, players, stages of updates. Override only what differs.

A :class:`Variant` builds networks and computes losses. It never differentiates and never steps: the trainer does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganzoo.config.fields import Options
from ganzoo.config.settings import AdamOptions, RunConfig
from ganzoo.data.base import DataInfo, Dataset
from ganzoo.data.loader import Batch, BatchLoader
from ganzoo.models.interfaces import Discriminator, Generator, Loss
from ganzoo.tricks import discriminator as discriminator_tricks
from ganzoo.tricks import penalties as penalties
from ganzoo.tricks import penalties as penalty_tricks
from ganzoo.tricks.augment import add_noise, augment, noise_std, policies

MOST_ROWS = 32
"""Of more classes than this, the pictures over time show the first ones only."""

N = TypeVar("N", bound=nn.Module)

__all__ = ["Batch", "BatchLoader", "Best", "Losses", "Stage", "State", "Update", "Variant", "fused"]

Losses = dict[str, Tensor]
"""0-d tensors; ``"total"`` is differentiated, the others are only logged under their names."""

Load = Callable[[str, str], Dataset | None]
"""``load(name, split)``: another data set, or another split of the one trained on (an empty name); None where the set
has no such split."""


@dataclass(frozen=True)
class Best:
    """The weights that were best so far, and by which number: kept in the checkpoint, so that no kill parts them.

    Attributes:
        step, images: when that was.
        metric, value: by what; ``latents`` is the seed of the samples it was taken of.
        weights: of each network that is used after training, on the CPU.
    """

    step: int
    images: int
    metric: str
    value: float
    latents: int
    weights: dict[str, dict[str, Tensor]]


@dataclass
class State:
    """Everything a resume needs, except the random number generators, which :mod:`ganzoo.runs.checkpoint` adds.

    Attributes:
        networks: by name, as the variant built them.
        ema: moving averages of some of them, in eval mode.
        optimizers: one a player.
        step: iterations done, over all stages; the current stage follows from it.
        images: real samples seen.
        window: sum and count of every logged value since the last line of the history.
        best: the best weights so far, where a metric tells.
    """

    networks: dict[str, nn.Module]
    ema: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    step: int = 0
    images: int = 0
    window: dict[str, tuple[Tensor, int]] = field(default_factory=dict)
    best: Best | None = None


@dataclass(frozen=True)
class Update:
    """One optimizer step of one player.

    Attributes:
        player: whose parameters move.
        loss: computes the losses; never calls backward.
        every: taken in every so-many-th iteration (n_critic for the generator of a Wasserstein GAN).
        after: called with the state after the step (weight clipping, say).
    """

    player: str
    loss: Callable[[State, Batch], Losses]
    every: int = 1
    after: Callable[[State], None] | None = None


@dataclass(frozen=True)
class Stage:
    """A phase of training: ``updates`` are taken in order in each of ``steps`` iterations."""

    name: str
    steps: int
    updates: tuple[Update, ...]


class Variant:
    """A kind of GAN. The defaults here are those of a plain, unconditional one.

    A subclass gives at least ``networks``. Class attributes:

    - ``Options``: its settings, a frozen dataclass derived from :class:`ganzoo.config.settings.Options`.
    - ``defaults``: values for the settings of every run that suit it (``steps``, ``loss`` ...).
    - ``main``: the network that samples or translates; it is averaged (EMA) and exported.
    - ``classifier``: the network that classifies, if one does; averaged and exported too.
    - ``lipschitz``: its critic's slope is bounded, so that losses that need it are sound.
    - ``unsupported``: settings of the tricks (:class:`ganzoo.config.settings.Tricks`) that make no sense here, each with its reason.

    Args:
        config: settings of the run.
        data: shape and classes of the samples.
        loss: the adversarial loss, or None for a variant without one.
    """

    Options: ClassVar[type[Options]] = AdamOptions
    defaults: ClassVar[Mapping[str, Any]] = {"loss": "non-saturating"}
    main: ClassVar[str] = "generator"
    classifier: ClassVar[str] = ""
    lipschitz: ClassVar[bool] = False
    unsupported: ClassVar[Mapping[str, str]] = {}

    def __init__(self, config: RunConfig, data: DataInfo, loss: Loss | None) -> None:
        self.config = config
        self.options: Any = config.options
        self.data = data
        self.tricks = config.tricks
        self.applied: set[str] = set()  # settings of the tricks that have been used: none may be ignored in silence
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
    def data_request(cls, config: RunConfig) -> dict[str, Any]:
        """More fields of the :class:`ganzoo.data.base.DataRequest` for the training data, ``crop`` for example."""
        return {}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        """Called once before a training, not before sampling: check the data, load what :meth:`evaluate` needs.

        Raises:
            DataError: the data is unfit for this variant.
            ConfigError: settings that contradict the data.
        """

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """What one iteration computes with: a function of the position ``start`` (real samples seen so far)."""
        return loader.draw(start, n)

    # What it is made of

    def networks(self) -> dict[str, nn.Module]:
        """Freshly initialised networks by name, ``"generator"`` and ``"discriminator"`` among them."""
        raise NotImplementedError(f"{type(self).__name__} must implement networks()")

    def build(self) -> dict[str, nn.Module]:
        """The networks that are trained: :meth:`networks`, with what the tricks adds to the discriminator."""
        networks = self.networks()
        if "discriminator" in networks:
            discriminator_tricks.fit(networks["discriminator"], self.tricks)
            self.applied |= {"spectral_norm", "minibatch_kernels", "minibatch_std"}
        return networks

    def players(self) -> dict[str, tuple[str, ...]]:
        """Who is trained against whom: names of the networks that each player's optimizer moves."""
        return {"discriminator": ("discriminator",), "generator": ("generator",)}

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        """A new optimizer of one player's parameters; fused, which computes the same in less time."""
        o = self.options
        return Adam(parameters, lr=o.lr, betas=(o.beta1, o.beta2), fused=fused(parameters))

    def stages(self) -> list[Stage]:
        """The course of training: by default one stage in which discriminator and generator alternate."""
        updates = (Update("discriminator", self.discriminator_loss), Update("generator", self.generator_loss))
        return [Stage("adversarial", self.config.steps, updates)]

    # What an adversarial step computes

    def fake(self, state: State, batch: Batch) -> Tensor:
        """Generated samples, as many as ``batch`` holds and of the same classes."""
        generator = self.network(state, "generator", Generator)
        labels = batch["labels"] if generator.classes else None
        return generator(generator.latents(len(batch["images"])), labels)

    def augment(self, state: State, images: Tensor) -> Tensor:
        """What the discriminator sees of samples: augmented, and with instance noise, where that is asked for."""
        self.applied |= {"diffaugment", "instance_noise"}
        images = augment(images, policies(self.tricks.diffaugment))
        if not self.tricks.instance_noise:
            return images
        before, during = self.course()
        seen = max(0, state.images - before)
        return add_noise(
            images, noise_std(self.tricks.instance_noise, seen, self.tricks.instance_noise_images or during)
        )

    def course(self) -> tuple[int, int]:
        """Real samples (before, from then on) the first stage in which the discriminator steps.

        What fades is to fade under its eyes: a phase that trains the generator alone must not use it up.
        """
        stages = self.stages()
        game = (i for i, stage in enumerate(stages) if any(u.player == "discriminator" for u in stage.updates))
        first = next(game, 0)  # a player of another name: all stages count
        before, during = (sum(stage.steps for stage in part) for part in (stages[:first], stages[first:]))
        return before * self.config.batch_size, during * self.config.batch_size

    def discriminate(self, state: State, images: Tensor, batch: Batch) -> Tensor:
        """The discriminator's logits [N] of ``images``, given the labels in ``batch`` where it takes them."""
        discriminator = self.network(state, "discriminator", Discriminator)
        seen = self.augment(state, images)
        return discriminator(seen, batch["labels"] if discriminator.classes else None).float()

    def discriminate_both(self, state: State, real: Tensor, fake: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits of as many real and generated samples: in one pass where neither can influence the other."""
        if not self.network(state, "discriminator", Discriminator).independent:
            return self.discriminate(state, real, batch), self.discriminate(state, fake, batch)
        twice = {**batch, "labels": batch["labels"].repeat(2)} if "labels" in batch else batch
        real_logits, fake_logits = self.discriminate(state, torch.cat([real, fake]), twice).split(
            [len(real), len(fake)]
        )
        return real_logits, fake_logits

    def discriminator_loss(self, state: State, batch: Batch) -> Losses:
        """The discriminator's loss on one batch of real and as many generated samples, with the tricks's penalties."""
        tricks, real = self.tricks, batch["images"]
        self.applied |= {"label_smoothing", "label_flipping", "r1", "gradient_penalty"}
        with torch.no_grad():
            fake = self.fake(state, batch)
        if tricks.r1:
            real = real.detach().requires_grad_()
        real_logits, fake_logits = self.discriminate_both(state, real, fake, batch)
        losses = {
            "total": penalty_tricks.discriminator(self.loss, tricks, real_logits, fake_logits),
            **self.loss.log_values(real_logits.detach(), fake_logits.detach()),
        }
        penalties = {}
        if tricks.r1:
            penalties["r1_penalty"] = penalty_tricks.r1(real_logits, real, tricks.r1)
        if tricks.gradient_penalty:
            penalties["gradient_penalty"] = penalty_tricks.gradient_penalty(
                lambda between: self.discriminate(state, between, batch), real.detach(), fake, tricks.gradient_penalty
            )
        return {**losses, **penalties, "total": losses["total"] + sum(penalties.values())}

    def generator_loss(self, state: State, batch: Batch) -> Losses:
        """The generator's loss on as many new samples as ``batch`` holds."""
        self.applied.add("feature_matching")
        if self.tricks.feature_matching != "none":
            return self._matching_loss(state, batch)
        fake_logits = self.discriminate(state, self.fake(state, batch), batch)
        real_logits = self.discriminate(state, batch["images"], batch) if self.loss.needs_real else None
        return {"total": self.loss.generator(fake_logits, real_logits)}

    def _matching_loss(self, state: State, batch: Batch) -> Losses:
        """Feature matching, instead of the adversarial loss or beside it."""
        with discriminator_tricks.last_features(state.networks["discriminator"]) as features:
            fake_logits = self.discriminate(state, self.fake(state, batch), batch)
            real_logits = self.discriminate(state, batch["images"], batch)
        matching = penalty_tricks.feature_distance(real=features[1], fake=features[0])
        if self.tricks.feature_matching == "instead":
            return {"total": matching}
        adversarial = self.loss.generator(fake_logits, real_logits if self.loss.needs_real else None)
        return {"total": adversarial + matching, "feature_matching": matching}

    # What people look at

    def evaluate(self, state: State) -> dict[str, float]:
        """Measures of the variant's own, by name: taken every ``evaluate_every`` steps and at the end.

        Called without gradients, with all networks in eval mode; random numbers drawn here disturb no training.
        """
        return {}

    def preview(self, network: nn.Module) -> tuple[Tensor, int]:
        """(samples [R * C, ...] on the CPU, C columns): always of the same latents, one row a class if it has any."""
        assert isinstance(network, Generator), f"{type(self).__name__} must override preview()"
        columns = 10 if network.classes else 8
        rows = min(network.classes, MOST_ROWS) or 8
        labels = torch.arange(rows).repeat_interleave(columns) if network.classes else None
        # A seed of their own keeps these latents apart from those that training draws.
        return network.sample(rows * columns, labels, seed=self.config.seed + 1_000_003), columns

    @staticmethod
    def trained(state: State, name: str) -> nn.Module:
        """A network as it is used after training: its average where there is one."""
        return state.ema.get(name, state.networks[name])

    @staticmethod
    def network(state: State, name: str, kind: type[N]) -> N:
        """A network of the state, known to be of that kind."""
        found = state.networks[name]
        assert isinstance(found, kind), f"network {name!r} is a {type(found).__name__}, not a {kind.__name__}"
        return found


def fused(parameters: list[nn.Parameter]) -> bool:
    """Whether torch has a fused optimizer kernel for the device these parameters are on."""
    return all(p.device.type in ("cpu", "cuda") for p in parameters)
