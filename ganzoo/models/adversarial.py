"""The default GAN: generators against discriminators, with every trick of the settings."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ganzoo.config.settings import RunConfig
from ganzoo.data.base import DataInfo
from ganzoo.data.loader import Batch
from ganzoo.models.interfaces import Discriminator, Generator, Logits, Loss, Translator
from ganzoo.models.state import Game, Losses, Stage, State, Update, combined
from ganzoo.models.variant import Variant
from ganzoo.tricks import discriminator as discriminator_tricks
from ganzoo.tricks import penalties
from ganzoo.tricks.augment import adapt, add_noise, augment, diffuse, noise_std, policies
from ganzoo.tricks.names import DISCRIMINATOR_TRICKS, GENERATOR_TRICKS, INPUT_TRICKS, NETWORK_TRICKS
from ganzoo.tricks.one_stage import OnLogits, SharedPass, SharedPasses
from ganzoo.tricks.schedules import annealed, memory_name, weights

PROBABILITY, TIME = "ada.probability", "diffusion.time"
"""Names in the memory of a state."""


class GAN(Variant):
    """Generators against discriminators. A plain, unconditional GAN overrides ``networks`` alone.

    A variant of several games overrides :meth:`games`. One whose losses add something to the adversarial ones calls
    :meth:`discriminator_loss` and :meth:`generator_loss` with its own generated samples, and declares in ``supports``
    the tricks that this applies (:data:`ganzoo.tricks.names.LOSS_TRICKS` are all).
    """

    defaults: ClassVar[Mapping[str, Any]] = {"loss": "non-saturating"}
    _kept: tuple[Batch, dict[str, Tensor]] | None = None

    def __init__(self, config: RunConfig, data: DataInfo, loss: Loss | None) -> None:
        super().__init__(config, data, loss)
        self._passes = SharedPasses()

    @classmethod
    def applied_tricks(cls) -> frozenset[str]:
        if cls.supports is not None:
            return frozenset((*cls.supports, penalties.PATH_LENGTH))
        found = {*NETWORK_TRICKS, penalties.PATH_LENGTH}
        if cls.discriminator_loss is GAN.discriminator_loss:
            found |= {*DISCRIMINATOR_TRICKS, *INPUT_TRICKS}
            if cls.generator_loss is GAN.generator_loss:
                found |= {*GENERATOR_TRICKS, "one_stage"}
        return frozenset(found)

    # What it is made of

    def games(self) -> tuple[Game, ...]:
        """One: ``generator`` against ``discriminator``."""
        return (Game(),)

    def build(self) -> dict[str, nn.Module]:
        """:meth:`networks`, with what the tricks add to the discriminator of every game."""
        networks = self.networks()
        for name in dict.fromkeys(game.discriminator for game in self.games()):
            if name in networks:
                discriminator_tricks.fit(networks[name], self.config.tricks)
        return networks

    def trick_memory(self) -> dict[str, Tensor]:
        tricks = self.config.tricks
        wanted = {PROBABILITY: tricks.ada, TIME: tricks.diffusion}
        names = [name for name, target in wanted.items() if target]
        names += [memory_name(name) for name in weights(annealed(tricks))]
        names += [self.path_mean(game) for game in self.games() if tricks.path_length]
        return {name: torch.zeros(()) for name in names}

    def weight(self, state: State, name: str) -> Tensor | float:
        """The weight of a penalty, as it is now where it is annealed."""
        return state.memory.get(memory_name(name), getattr(self.config.tricks, name))

    def players(self) -> dict[str, tuple[str, ...]]:
        """All discriminators against all generators."""
        return {
            "discriminator": tuple(dict.fromkeys(game.discriminator for game in self.games())),
            "generator": tuple(dict.fromkeys(game.generator for game in self.games())),
        }

    def stages(self) -> list[Stage]:
        """One stage in which discriminator and generator alternate."""
        return [Stage("adversarial", self.config.steps, self.updates())]

    def updates(self) -> tuple[Update, ...]:
        """One step of the discriminators, then one of the generators; before them now and then one of penalties, and
        after them one of path lengths."""
        tricks, every = self.config.tricks, self.config.tricks.penalty_every
        path = Update(penalties.PATH_LENGTH, "generator", self.path_length_loss, tricks.path_every)
        lazy = (Update("penalty", "discriminator", self.penalty_loss, every),) if every > 1 else ()
        return (
            *lazy,
            Update("discriminator", "discriminator", self.discriminator_loss, also=self._passes.shown),
            Update("generator", "generator", self.generator_loss),
            *((path,) if tricks.path_length else ()),
        )

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        """As every variant's; with lazy penalties a player's steps are more, and each is a little smaller."""
        found, tricks = super().optimizer(player, parameters), self.config.tricks
        lazy = {"discriminator": tricks.penalty_every > 1, "generator": tricks.path_length}
        if lazy.get(player):
            every = tricks.penalty_every if player == "discriminator" else tricks.path_every
            share = every / (every + 1)
            for group in found.param_groups:
                group["lr"] *= share
                if "betas" in group:
                    group["betas"] = tuple(beta**share for beta in group["betas"])
        return found

    # What an adversarial step computes

    def condition(self, state: State, game: Game, batch: Batch) -> Tensor | None:
        """What the game's generator is told: the batch's condition, or one that is drawn; None if it takes none."""
        generator = self.network(state, game.generator, Generator)
        if generator.condition.field:
            return batch[generator.condition.field]
        drawn = generator.condition.draw(len(batch[game.real]))
        return None if drawn is None else drawn.to(batch[game.real].device)

    def generated(self, state: State, batch: Batch, game: Game | None = None) -> Tensor:
        """Generated samples of a game, as many as ``batch`` holds and of the same conditions; what a translator makes
        of its input."""
        game = game or self.games()[0]
        network = state.networks[game.generator]
        if isinstance(network, Translator):
            images = batch[network.input]
            return network(images, batch["labels"]) if network.classes else network(images)
        generator = self.network(state, game.generator, Generator)
        latents = generator.latents(len(batch[game.real]))
        return generator(latents, self.condition(state, game, batch))

    def keep(self, batch: Batch, name: str, value: Tensor) -> Tensor:
        """Keep for a later update of the same batch what this one has computed; the same without gradients comes back.

        A discriminator's update keeps the images that the generator's will differentiate: that saves a pass of the
        generator in every iteration. Parts of an accumulated batch are batches of their own.
        """
        if self._kept is None or self._kept[0] is not batch:
            self._kept = batch, {}
        self._kept[1][name] = value
        return value.detach()

    def kept(self, batch: Batch, name: str) -> Tensor | None:
        """What was kept of this very batch, once: after an update that differentiates it, it is no longer true."""
        if self._kept is None or self._kept[0] is not batch:
            return None
        return self._kept[1].pop(name, None)

    def augment(self, state: State, samples: Tensor) -> Tensor:
        """What a discriminator sees of samples: augmented, and with instance noise, where that is requested."""
        tricks = self.config.tricks
        probability = state.memory.get(PROBABILITY, state.memory.get(memory_name("diffaugment")))
        samples = augment(samples, policies(tricks.diffaugment), probability)
        if tricks.diffusion:
            samples = diffuse(samples, state.memory[TIME])
        if not tricks.instance_noise:
            return samples
        before, during = self.noise_course()
        seen = max(0, state.images - before)
        fade = tricks.instance_noise_images or during
        return add_noise(samples, noise_std(tricks.instance_noise, seen, fade))

    def noise_course(self) -> tuple[int, int]:
        """Real samples (before, from then on) the first stage in which a discriminator steps.

        The noise fades while the discriminator learns: a phase that trains the generator alone must not use it up.
        """
        stages = self.stages()
        with_game = (i for i, s in enumerate(stages) if any(u.player == "discriminator" for u in s.updates))
        first = next(with_game, 0)  # a player of another name: all stages count
        sizes = [stage.steps * (stage.batch_size or self.config.batch_size) for stage in stages]
        return sum(sizes[:first]), sum(sizes[first:])

    def discriminate(self, state: State, samples: Tensor, batch: Batch, game: Game | None = None) -> Logits:
        """The logits of ``samples`` in a game, given the condition in ``batch`` where the discriminator takes one."""
        game = game or self.games()[0]
        discriminator = self.network(state, game.discriminator, Discriminator)
        field = game.condition or discriminator.condition
        logits = discriminator(self.augment(state, samples), batch[field] if field else None)
        return tuple(head.float() for head in logits) if isinstance(logits, tuple) else logits.float()

    def discriminate_both(
        self, state: State, real: Tensor, fake: Tensor, batch: Batch, game: Game | None = None
    ) -> tuple[Logits, Logits]:
        """Logits of as many real and generated samples: in one pass where neither can influence the other."""
        game = game or self.games()[0]
        discriminator = self.network(state, game.discriminator, Discriminator)
        if not discriminator.independent or len(real) != len(fake):
            return self.discriminate(state, real, batch, game), self.discriminate(state, fake, batch, game)
        field = game.condition or discriminator.condition
        twice = {**batch, field: torch.cat([batch[field], batch[field]])} if field else batch
        logits = self.discriminate(state, torch.cat([real, fake]), twice, game)
        if not isinstance(logits, tuple):
            real_logits, fake_logits = logits.split([len(real), len(fake)])
            return real_logits, fake_logits
        halves = [head.split([len(real), len(fake)]) for head in logits]
        return tuple(half[0] for half in halves), tuple(half[1] for half in halves)

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """The discriminators' loss over all games, with the penalties that are requested.

        Args:
            generated: samples by the name of the generator that made them; others are made here.
        """
        found: list[tuple[Game, Losses]] = []
        for game in self.games():
            fake = (generated or {}).get(game.generator)
            if fake is None:
                with torch.set_grad_enabled(self.config.tricks.one_stage):
                    fake = self.generated(state, batch, game)
            found.append((game, self.game_discriminator_loss(state, batch, game, fake)))
        return combined(found, weighted=False)

    def game_discriminator_loss(self, state: State, batch: Batch, game: Game, fake: Tensor) -> Losses:
        """The discriminator's loss in one game, on the batch's real samples and on generated ones."""
        tricks, real = self.config.tricks, batch[game.real]
        made, fake = fake, fake.detach().requires_grad_(tricks.one_stage)
        at_once = tricks.penalty_every == 1
        if at_once:
            real, fake = self.sloped(real, fake)
        real_logits, fake_logits = self.discriminate_both(state, real, fake, batch, game)
        if tricks.one_stage:
            self._passes.add(batch, game.name, self.shared_pass(made, fake, real_logits, fake_logits))
        pairs = list(zip(penalties.heads(real_logits), penalties.heads(fake_logits), strict=True))
        terms = [penalties.discriminator(self.loss, tricks, *pair) for pair in pairs]
        adversarial = torch.stack(terms).mean() if len(terms) > 1 else terms[0]
        adapted = self.adapted(state, len(batch[game.real]), penalties.flat(real_logits).detach())
        shown = self.loss.log_values(penalties.flat(real_logits).detach(), penalties.flat(fake_logits).detach())
        found: Losses = {}
        if at_once:
            found = self.game_penalties(state, batch, game, (real, fake), (real_logits, fake_logits))
        if tricks.drift:
            found["drift"] = tricks.drift * penalties.flat(real_logits).square().mean()
        return {**shown, **found, **adapted, "total": adversarial + sum(found.values())}

    def shared_pass(self, made: Tensor, shown: Tensor, real_logits: Logits, fake_logits: Logits) -> SharedPass:
        """What G needs of the pass in which D judged ``shown``, with one logit a sample."""
        real, fake = (penalties.flat(logits).detach() for logits in (real_logits, fake_logits))
        losses: tuple[OnLogits, OnLogits] = (
            lambda logits: penalties.discriminator(self.loss, self.config.tricks, real, logits),
            lambda logits: self.loss.generator(logits, real if self.loss.needs_real else None),
        )
        return SharedPass(made, shown, fake, losses)

    def adapted(self, state: State, count: int, logits: Tensor) -> Losses:
        """Change how much is augmented, by the logits of ``count`` real samples; returns what is logged."""
        tricks, found = self.config.tricks, {}
        for name, target, images, shown in (
            (PROBABILITY, tricks.ada, tricks.ada_images, "ada_probability"),
            (TIME, tricks.diffusion, tricks.diffusion_images, "diffusion_time"),
        ):
            if target:
                adapt(state.memory[name], logits, target, count / images)
                found[shown] = state.memory[name].clone()
        return found

    def sloped(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Samples that require gradients where a penalty differentiates logits by them."""
        tricks = self.config.tricks
        if tricks.penalty_slope == "exact":
            real = real.detach().requires_grad_() if tricks.r1 else real
            fake = fake.detach().requires_grad_() if tricks.r2 else fake
        return real, fake

    def game_penalties(
        self, state: State, batch: Batch, game: Game, samples: tuple[Tensor, Tensor], logits: tuple[Logits, Logits]
    ) -> Losses:
        """The penalties on slopes of a game's discriminator, by name.

        Args:
            samples: real and generated, as :meth:`sloped` gives them.
            logits: of both; those of a kind without R1 or R2 are not looked at.
        """
        tricks, found = self.config.tricks, {}

        def judge(others: Tensor) -> Logits:
            return self.discriminate(state, others, batch, game)

        for name, each, own in zip(("r1", "r2"), samples, logits, strict=True):
            if not getattr(tricks, name):
                continue
            gamma = self.weight(state, name)
            if tricks.penalty_slope == "exact":
                found[f"{name}_penalty"] = penalties.r1(own, each, gamma)
            else:
                found[f"{name}_penalty"] = penalties.by_difference(judge, own, each, gamma)
        real, fake = (each.detach() for each in samples)
        if tricks.gradient_penalty:
            found["gradient_penalty"] = penalties.gradient_penalty(
                judge, real, fake, self.weight(state, "gradient_penalty")
            )
        if tricks.dragan:
            found["dragan_penalty"] = penalties.dragan(judge, real, self.weight(state, "dragan"))
        return found

    def penalty_loss(self, state: State, batch: Batch) -> Losses:
        """The penalties of all games alone, as many times as large as they are rarer."""
        found: list[tuple[Game, Losses]] = []
        for game in self.games():
            tricks, real = self.config.tricks, batch[game.real]
            fake = real
            if tricks.r2 or tricks.gradient_penalty:  # the others look at real samples only
                with torch.no_grad():
                    fake = self.generated(state, batch, game).detach()
            samples = self.sloped(real, fake)
            logits = [
                self.discriminate(state, each, batch, game) if gamma else real
                for gamma, each in zip((tricks.r1, tricks.r2), samples, strict=True)
            ]
            added = self.game_penalties(state, batch, game, samples, (logits[0], logits[1]))
            total = tricks.penalty_every * sum(added.values(), fake.new_zeros(()))
            found.append((game, {**added, "total": total}))
        return combined(found, weighted=False)

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """The generators' loss over all games, each with its weight.

        Args:
            generated: samples by the name of the generator that made them; others are made here.
        """
        found: list[tuple[Game, Losses]] = []
        for game in self.games():
            if shared := self._passes.take(batch, game.name):
                found.append((game, {"total": shared.generator_total()}))
                continue
            fake = (generated or {}).get(game.generator)
            fake = self.generated(state, batch, game) if fake is None else fake
            found.append((game, self.game_generator_loss(state, batch, game, fake)))
        return combined(found, weighted=True)

    def game_generator_loss(self, state: State, batch: Batch, game: Game, fake: Tensor) -> Losses:
        """The generator's loss in one game."""
        if self.config.tricks.feature_matching != "none":
            return self._matching_loss(state, batch, game, fake)
        fake_logits = self.discriminate(state, fake, batch, game)
        real_logits = self.discriminate(state, batch[game.real], batch, game) if self.loss.needs_real else None
        return {"total": self._generator_total(fake_logits, real_logits)}

    def _generator_total(self, fake_logits: Logits, real_logits: Logits | None) -> Tensor:
        """The adversarial loss, averaged over the heads of the discriminator."""
        fake_heads = penalties.heads(fake_logits)
        real_heads = [None] * len(fake_heads) if real_logits is None else penalties.heads(real_logits)
        terms = [self.loss.generator(fake, real) for fake, real in zip(fake_heads, real_heads, strict=True)]
        return torch.stack(terms).mean() if len(terms) > 1 else terms[0]

    def _matching_loss(self, state: State, batch: Batch, game: Game, fake: Tensor) -> Losses:
        """Feature matching, instead of the adversarial loss or beside it."""
        with discriminator_tricks.last_features(state.networks[game.discriminator]) as features:
            fake_logits = self.discriminate(state, fake, batch, game)
            real_logits = self.discriminate(state, batch[game.real], batch, game)
        matching = penalties.feature_distance(real=features[1], fake=features[0])
        if self.config.tricks.feature_matching == "instead":
            return {"total": matching}
        adversarial = self._generator_total(fake_logits, real_logits if self.loss.needs_real else None)
        return {"total": adversarial + matching, "feature_matching": matching}

    def path_mean(self, game: Game) -> str:
        """Name of the mean length of a game's generator in the memory of a state."""
        name = f"{penalties.PATH_LENGTH}.mean"
        several = len({each.generator for each in self.games()}) > 1
        return f"{name} {game.generator}" if several else name

    def path_length_loss(self, state: State, batch: Batch) -> Losses:
        """How far the slopes of each generator are from their mean (arXiv:1912.04958, equation 4), on half a batch."""
        found, tricks = [], self.config.tricks
        for game in {game.generator: game for game in self.games()}.values():
            generator = self.network(state, game.generator, Generator)
            # Batch normalisation has nothing to say of one sample.
            least = 1 + any(isinstance(module, _BatchNorm) for module in generator.modules())
            count = max(least, len(batch[game.real]) // 2)
            condition = self.condition(state, game, batch)
            latents = generator.latents(count)
            start, samples = generator.paths(latents, None if condition is None else condition[:count])
            mean = state.memory[self.path_mean(game)]
            penalty = penalties.path_length(penalties.path_lengths(samples, start), mean)
            total = tricks.path_length * tricks.path_every * penalty
            found.append((game, {"path_penalty": penalty, "path_mean": mean.clone(), "total": total}))
        return combined(found, weighted=False)
