"""What both variants share: the encoder of texts learns first, and D also looks at real images with wrong texts."""

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.plugin import (
    GAN,
    LOSS_TRICKS,
    AdamOptions,
    Batch,
    ConfigError,
    DataError,
    Dataset,
    Encoder,
    Game,
    Load,
    Logits,
    Losses,
    Stage,
    State,
    Update,
    option,
)
from ganzoo_zoo.networks import ConvEncoder
from ganzoo_zoo.texts import (
    COLUMNS,
    PRETRAINED,
    TRAINED,
    PretrainedEncoder,
    TextEncoder,
    TextGenerator,
    equal_rows,
    joint_loss,
    mismatched,
)

ROWS = 8
"""Texts of a picture over time."""
EXAMPLES = 1_000
"""Texts of the training data that are looked at for examples."""


@dataclass(frozen=True, kw_only=True)
class TextOptions(AdamOptions):
    """Settings of both variants."""

    lr: float = option(5e-4, "Adam's step size; the papers: 0.0002", above=0)
    matching: bool = option(True, "a real image with a wrong text counts as generated (GAN-CLS)")
    reduced: int = option(
        32, "numbers that an embedding becomes in G and D; the papers: 128", at_least=1, at_most=8_192
    )
    width: int = option(
        32, "feature maps at half the full resolution; doubled at each smaller one", at_least=1, at_most=8_192
    )
    text_encoder: str = option(TRAINED, f"trained: on this data, first; or {PRETRAINED}MODEL, a name or a folder")
    embedding: int = option(64, "length of an embedding of the trained encoder", at_least=1, at_most=8_192)
    text_width: int = option(32, "features of its first layer", at_least=1, at_most=4_096)
    encoder_lr: float = option(1e-3, "Adam's step size while it learns", above=0)
    encoder_share: float = option(0.15, "share of the iterations in which it learns, before the game", above=0, below=1)


class TextGAN(GAN):
    """``steps`` counts the iterations of all stages, the encoder's included."""

    supports: ClassVar[Collection[str] | None] = LOSS_TRICKS
    _examples: Tensor | None = None

    # Texts and their encoder

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if "text_length" not in self.data.extra:
            raise DataError(
                f"data set {self.data.name!r} does not say how long its texts are: info.extra['text_length']."
            )
        # At random: a folder may be sorted. Each text once, so that the first rows of a picture differ.
        chosen = torch.randint(self.data.count, (EXAMPLES,), generator=torch.Generator().manual_seed(0))
        rows = dataset.fetch("text", chosen).cpu()
        known: dict[bytes, Tensor] = {}
        for row in rows:
            known.setdefault(bytes(row.tolist()), row)
        self._examples = torch.stack(list(known.values()))

    @property
    def trains_encoder(self) -> bool:
        """Whether the encoder of texts is trained here."""
        return self.options.text_encoder == TRAINED

    def encoder(self) -> TextEncoder | PretrainedEncoder:
        """A new encoder of texts.

        Raises:
            ConfigError: neither "trained" nor a model that is here.
        """
        o = self.options
        if self.trains_encoder:
            return TextEncoder(o.embedding, o.text_width)
        if not o.text_encoder.startswith(PRETRAINED) or o.text_encoder == PRETRAINED:
            raise ConfigError(f"text_encoder = {o.text_encoder!r}: write {TRAINED}, or {PRETRAINED}MODEL.")
        return PretrainedEncoder(o.text_encoder.removeprefix(PRETRAINED))

    def texts(self) -> tuple[int, tuple[str, ...]]:
        """Bytes of a text, and the words that may be asked for: of a pretrained encoder all."""
        words = self.data.extra.get("words", ()) if self.trains_encoder else ()
        return int(self.data.extra["text_length"]), tuple(words)

    def with_encoders(self, generator: TextGenerator, others: dict[str, nn.Module]) -> dict[str, nn.Module]:
        """All networks: the generator with examples of texts, and what learns the embedding."""
        if self._examples is not None:
            generator.told.remember(self._examples)
        networks: dict[str, nn.Module] = {"generator": generator, **others}
        if self.trains_encoder:
            o = self.options
            encoder = copy.deepcopy(generator.told.encoder)
            assert encoder is not None, "a generator's own"
            networks["text_encoder"] = encoder.requires_grad_(True)
            networks["image_encoder"] = ConvEncoder(o.embedding, max(4, o.width // 2), self.data.shape)
        return networks

    def players(self) -> dict[str, tuple[str, ...]]:
        found = super().players()
        return {**found, "embedding": ("text_encoder", "image_encoder")} if self.trains_encoder else found

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        """As every variant's; the encoders have a step size of their own."""
        found = super().optimizer(player, parameters)
        if player == "embedding":
            for group in found.param_groups:
                group["lr"] = self.options.encoder_lr
        return found

    def with_embedding(self, stages: Callable[[int], list[Stage]]) -> list[Stage]:
        """All stages: the encoder's, then the others; at the begin of them G and D are given what was learned.

        Args:
            stages: the other stages for so many steps.
        """
        if not self.trains_encoder:
            return stages(self.config.steps)
        first = min(max(1, round(self.config.steps * self.options.encoder_share)), self.config.steps)
        embedding = Stage("embedding", first, (Update("embedding", "embedding", self.embedding_loss),))
        found = [stage for stage in stages(self.config.steps - first) if stage.steps]
        if found:
            begin = found[0].begin

            def both(state: State) -> None:
                self.hand_over(state)
                if begin:
                    begin(state)

            found[0] = replace(found[0], begin=both)
        return [embedding, *found]

    def hand_over(self, state: State) -> None:
        """Give G and D, which share it, the encoder that was trained; and G's average."""
        trained = state.networks["text_encoder"].state_dict()
        for networks in (state.networks, state.ema):
            if "generator" in networks:
                encoder = self.network_in(networks["generator"]).told.encoder
                assert encoder is not None, "made by networks()"
                encoder.load_state_dict(trained)

    @staticmethod
    def network_in(network: nn.Module) -> TextGenerator:
        """The generator, as what it is."""
        assert isinstance(network, TextGenerator), "made by networks()"
        return network

    def embedding_loss(self, state: State, batch: Batch) -> Losses:
        """Images and their texts are to be near each other, others not."""
        images = self.network(state, "image_encoder", Encoder)(batch["images"]).float()
        texts = state.networks["text_encoder"](batch["text"]).float()
        same = equal_rows(batch["text"])
        with torch.no_grad():
            best = (images @ texts.T).argmax(1)
            found = same.gather(1, best[:, None]).float().mean()
        return {"total": joint_loss(images, texts, same), "text found": found}

    def preview(self, network: nn.Module) -> tuple[Tensor, int]:
        """Eight texts of the training data, a row each, from the same latents always."""
        generator = self.network_in(network)
        texts = generator.told.default(ROWS).repeat_interleave(COLUMNS, 0)
        return generator.sample(len(texts), texts, seed=self.config.seed + 1_000_003), COLUMNS

    # Matching-aware

    def discriminate_both(
        self, state: State, real: Tensor, fake: Tensor, batch: Batch, game: Game | None = None
    ) -> tuple[Logits, Logits]:
        """Real logits, twice, beside those of generated images and those of real ones with wrong texts.

        Means over each are algorithm 1 of arXiv:1605.05396, and losses that compare pairs find as many of both.
        """
        real_logits, fake_logits = super().discriminate_both(state, real, fake, batch, game)
        assert isinstance(real_logits, Tensor), "D has one head"
        assert isinstance(fake_logits, Tensor), "D has one head"
        if not self.options.matching:
            return real_logits, fake_logits
        other, there = mismatched(batch["text"])
        wrong = self.discriminate(state, real, {**batch, "text": batch["text"][other]}, game)
        assert isinstance(wrong, Tensor), "D has one head"
        wrong = torch.where(there, wrong, fake_logits)  # all texts of the batch are equal
        return torch.cat([real_logits, real_logits]), torch.cat([fake_logits, wrong])

    def game_penalties(
        self, state: State, batch: Batch, game: Game, samples: tuple[Tensor, Tensor], logits: tuple[Logits, Logits]
    ) -> Losses:
        """Of real images with their texts, and of generated ones: the first half of what was judged."""
        real, fake = (each[: len(own)] for each, own in zip(logits, samples, strict=True))
        return super().game_penalties(state, batch, game, samples, (real, fake))
