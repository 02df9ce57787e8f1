"""C-RNN-GAN, arXiv:1611.09904: G writes notes one after the other, D reads the whole tune."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import Optimizer

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    BatchLoader,
    ConfigError,
    DataError,
    Dataset,
    Game,
    Load,
    Logits,
    Losses,
    Stage,
    State,
    Trainer,
    Update,
    option,
)
from ganzoo_zoo.crnngan.networks import Alphabet, Mood, NoteDiscriminator, NoteGenerator, encoded

PRETRAINER = "pretrainer"
FROZEN = "frozen"
"""In the memory of a state: 1 while D stands still."""
COLUMNS = ("length", "pitch", "intensity", "gap")


@dataclass(frozen=True, kw_only=True)
class CRNNGANOptions(AdamOptions):
    """Settings of C-RNN-GAN."""

    lr: float = option(2e-4, "Adam's step size of G in the game", above=0)
    lr_discriminator: float = option(1e-3, "Adam's step size of D, which meets a G that can write already", above=0)
    lr_pretraining: float = option(3e-3, "Adam's step size in pretraining", above=0)
    notes: Literal["choices", "numbers"] = option(
        "choices", "G chooses the numbers of a note among those in the data, or gives any, as in the paper"
    )
    width: int = option(128, "units of each LSTM; the paper: 350", at_least=1, at_most=8_192)
    layers: int = option(2, "LSTMs on top of each other, in G and in D", at_least=1, at_most=8)
    pretrain_share: float = option(
        0.75, "share of the iterations in which G learns to predict the next note, before the game", at_least=0, below=1
    )
    first_length: int = option(
        8, "notes of a tune at the beginning of pretraining; they grow to all in its first half", at_least=1
    )
    freeze_below: float = option(
        0.7, "D stands still while its loss is below this share of G's adversarial loss; 0: never", at_least=0
    )


class FreezingTrainer(Trainer):
    """Leaves out the steps of a discriminator that is too good."""

    def step(self, update: Update) -> None:
        if update.player == "discriminator" and self.variant.options.freeze_below:
            frozen = self.agreed(self.state.memory[FROZEN]) >= 0.5  # of several processes: of most
            self.record("discriminator_frozen", torch.tensor(float(frozen)))
            if frozen:
                return
        super().step(update)


class CRNNGAN(GAN):
    """``steps`` counts the iterations of both stages: pretraining, then the game."""

    Options = CRNNGANOptions
    Sampling = Mood
    defaults = {"loss": "non-saturating", "batch_size": 64, "steps": 4_000}
    presets: ClassVar = {
        "paper": {"notes": "numbers", "width": 350, "batch_size": 20, "feature_matching": "instead"},
    }
    tiny: ClassVar = {"width": 8, "layers": 1, "first_length": 2}
    least_batch = 1
    trainer = FreezingTrainer
    supports = tuple(
        trick for trick in LOSS_TRICKS
        if trick in ("feature_matching", "label_smoothing", "label_flipping", "instance_noise", "drift")
    )  # fmt: skip
    unsupported: ClassVar = {
        "spectral_norm": "it would reach D's last layer alone, and none of its LSTMs",
        **dict.fromkeys(("minibatch_kernels", "minibatch_std"), "D's last layer decides at each note"),
        **dict.fromkeys(("r1", "r2", "gradient_penalty", "dragan"), "a GPU has no second derivative of an LSTM"),
    }
    _adversarial: Tensor | None = None

    def prepare(self, dataset: Dataset, load: Load) -> None:
        self.alphabet()
        if self.options.first_length > self.data.shape[0]:
            raise ConfigError(
                f"first_length = {self.options.first_length}: tunes of {self.data.name!r} have "
                f"{self.data.shape[0]} notes."
            )

    def alphabet(self) -> Alphabet:
        """The values that each number of a note takes.

        Raises:
            DataError: the sequences are no notes.
        """
        found = self.data.extra.get("notes")
        if not isinstance(found, dict) or tuple(found) != COLUMNS or self.data.shape[1:] != (len(COLUMNS),):
            named = repr(self.data.name)
            raise DataError(f"{named} holds sequences that are no notes; tunes, melodies and midi:PATH hold notes.")
        return found

    @property
    def choices(self) -> bool:
        """Whether notes are chosen."""
        return self.options.notes == "choices"

    def networks(self) -> dict[str, nn.Module]:
        o, alphabet = self.options, self.alphabet()
        generator = NoteGenerator(self.data.shape[0], o.width, o.layers, alphabet, self.choices)
        return {
            "generator": generator,
            "discriminator": NoteDiscriminator(generator.features, o.width, o.layers),
        }

    def players(self) -> dict[str, tuple[str, ...]]:
        return {PRETRAINER: ("generator",), **super().players()}

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        """As every variant's; pretraining and D have step sizes of their own."""
        o, found = self.options, super().optimizer(player, parameters)
        for group in found.param_groups:
            group["lr"] = {PRETRAINER: o.lr_pretraining, "discriminator": o.lr_discriminator}.get(player, o.lr)
        return found

    def memory(self) -> dict[str, Tensor]:
        return {FROZEN: torch.zeros(())}

    def stages(self) -> list[Stage]:
        """Pretraining, then the game."""
        steps = self.config.steps
        first = min(round(steps * self.options.pretrain_share), steps - 1)
        pretraining = Stage("pretraining", first, (Update("pretraining", PRETRAINER, self.pretraining_loss),))
        game = Stage("adversarial", steps - first, self.updates(), begin=self.settle)
        return [stage for stage in (pretraining, game) if stage.steps]

    def settle(self, state: State) -> None:
        """The game begins with G's average: D soon tells tunes of the weights of the last step from real ones."""
        if "generator" in state.ema:
            state.networks["generator"].load_state_dict(state.ema["generator"].state_dict())

    def updates(self) -> tuple[Update, ...]:
        """As every GAN's; after each of D's losses it is decided whether D stands still."""
        return tuple(replace(u, after=self.compare) if u.name == "discriminator" else u for u in super().updates())

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """Real tunes as networks see them."""
        found = loader.draw(start, n)
        return {**found, "images": encoded(found["images"], self.alphabet(), self.choices)}

    def pretraining_loss(self, state: State, batch: Batch) -> Losses:
        """How badly G predicts the next note of real tunes, which are short at first: section 4.

        The likelihood of each number of a note, added up; of numbers the squared error.
        """
        generator = self.network(state, "generator", NoteGenerator)
        notes = batch["images"][:, : self.length_at(state.progress)]
        scores = generator.predicted(notes).float()
        if not self.choices:
            return {"total": mse_loss(scores, notes)}
        each = (len(COLUMNS), generator.places)
        pairs = zip(scores.unflatten(2, each).unbind(2), notes.unflatten(2, each).unbind(2), COLUMNS, strict=True)
        found = {name: cross_entropy(s.flatten(0, 1), n.argmax(2).flatten()) for s, n, name in pairs}
        return {**found, "total": torch.stack(list(found.values())).sum()}

    def length_at(self, progress: float) -> int:
        """Notes of a tune when so much of pretraining is done, 0 to 1."""
        first, whole = self.options.first_length, self.data.shape[0]
        return first + round((whole - first) * min(1.0, 2 * progress))

    def generated(self, state: State, batch: Batch, game: Game | None = None) -> Tensor:
        """Tunes as D sees them, [N, L, F]."""
        generator = self.network(state, "generator", NoteGenerator)
        return generator.written(generator.latents(len(batch["images"])))

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """D's loss. Its tunes are kept: writing them takes most of the time, and G's update needs as many."""
        tunes = self.keep(batch, "tunes", self.generated(state, batch))
        return super().discriminator_loss(state, batch, {"generator": tunes})

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """G's loss, of the tunes that D has just seen, or of new ones."""
        tunes = self.kept(batch, "tunes")
        return super().generator_loss(state, batch, None if tunes is None else {"generator": tunes})

    def discriminate_both(
        self, state: State, real: Tensor, fake: Tensor, batch: Batch, game: Game | None = None
    ) -> tuple[Logits, Logits]:
        """As every GAN's; G's adversarial loss is kept, whatever G itself minimises."""
        real_logits, fake_logits = super().discriminate_both(state, real, fake, batch, game)
        assert isinstance(real_logits, Tensor), "D has one head"
        assert isinstance(fake_logits, Tensor), "D has one head"
        self._adversarial = self.loss.generator(fake_logits, real_logits if self.loss.needs_real else None).detach()
        return real_logits, fake_logits

    def game_discriminator_loss(self, state: State, batch: Batch, game: Game, fake: Tensor) -> Losses:
        """D's loss, and beside it what G's adversarial loss is."""
        losses = super().game_discriminator_loss(state, batch, game, fake)
        assert self._adversarial is not None, "set by discriminate_both()"
        return {**losses, "adversarial": self._adversarial}

    def compare(self, state: State, losses: Losses) -> None:
        """D stands still from now on, or goes on: section 4."""
        frozen = losses["total"] < self.options.freeze_below * losses["adversarial"]
        state.memory[FROZEN].copy_(frozen)
