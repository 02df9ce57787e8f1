"""What a discriminator gives, and who pulls its logits where."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.loader import Batch
from ganzoo.models.adversarial import GAN
from ganzoo.models.interfaces import Discriminator, Logits
from ganzoo.models.state import Game, Stage, State, Update
from ganzoo.models.variant import Variant
from ganzoo.testing.common import own_errors, require
from ganzoo.testing.structure import depends

UNDECIDED = 0.5
"""The logit at which losses are asked where they pull: hinge and least squares both still want more of real samples and
less of generated ones, whatever a network gives at its start."""
SLIGHT = 1e-9
"""A pull that is smaller than this is none."""


def check_game(variant: Variant, state: State, game: Game, batch: Batch) -> None:
    """The discriminator of a game: the form of its logits, and whether samples are independent where it says so."""
    network = state.networks.get(game.discriminator)
    require(network is not None, f"networks() has {game.discriminator!r}, which a game names")
    require(game.real in batch, f"the batch has the field {game.real!r}, which a game names")
    if not isinstance(network, Discriminator) or not isinstance(variant, GAN):
        return
    field = game.condition or network.condition
    require(not field or field in batch, f"the batch has the field {field!r}, which {game.discriminator!r} is shown")
    with torch.no_grad():
        logits = variant.discriminate(state, batch[game.real], batch, game)
    heads = heads_of(logits)
    require(len(heads) == max(1, len(network.heads)), f"{game.discriminator!r} gives as many logits as it has heads")
    for head in heads:
        form = head.dim() == 4 and head.shape[1] == 1 if network.patch else head.dim() == 1
        said = "a map [N, 1, h, w]" if network.patch else "[N]"
        require(form and len(head) == len(batch[game.real]), f"logits of {game.discriminator!r} are {said}")
    if network.independent:
        check_independence(network, batch, game)
    if field:
        check_condition(network, batch, game, field)


def check_independence(network: Discriminator, batch: Batch, game: Game) -> None:
    """The second half of a batch may not influence the logits of the first."""
    first, field = batch[game.real], game.condition or network.condition
    condition = torch.cat([batch[field], batch[field]]) if field else None
    found: list[Tensor] = []
    for second in (first, -first):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)  # the same dropout for both
            # A copy: spectral normalisation goes on with its vectors in each pass of training.
            logits = copy.deepcopy(network)(torch.cat([first, second]), condition)
        found.append(heads_of(logits)[0][: len(first)])
    alone = torch.allclose(found[0], found[1], atol=1e-5)
    require(alone, f"no sample influences the logit of another one ({game.discriminator!r} is independent)")


def check_condition(network: Discriminator, batch: Batch, game: Game, field: str) -> None:
    """The same samples with other conditions have other logits."""
    given = batch[field]
    others = other_conditions(given, network.classes)
    samples = batch[game.real]

    def logits(condition: Tensor) -> Callable[[Any], Tensor]:
        return lambda copied: torch.cat([head.flatten() for head in heads_of(copied(samples, condition))])

    used = depends(network, logits(given), logits(others))
    require(used, f"the logits of {game.discriminator!r} depend on {field!r}, which it declares as its condition")


def other_conditions(given: Tensor, classes: int) -> Tensor:
    """Conditions [N, ...] that all differ from those given: other classes, or other values."""
    if given.is_floating_point():
        return given.flip(0) * 0.5 + 0.25
    most = classes or int(given.max()) + 1
    return (given + 1) % max(most, 2)


def heads_of(logits: Logits) -> tuple[Tensor, ...]:
    """The logits of each head."""
    return logits if isinstance(logits, tuple) else (logits,)


# The direction of losses


@dataclass
class Seen:
    """One pass of samples through a discriminator, and where its logits are held."""

    samples: Tensor
    condition: Tensor | None
    held: tuple[Tensor, ...]


@dataclass
class Pull:
    """Sums of the gradients of a loss by logits; minimising it moves the logits the other way."""

    real: float = 0.0
    generated: float = 0.0


def check_signs(variant: Variant, state: State, stage: Stage, batch: Batch) -> None:
    """Generator and discriminator pull the logits of generated samples in opposite directions.

    The discriminator pulls those of real samples where the generator pulls those of its own. Which direction means
    real is left open: an autoencoder as a discriminator has a small error for real samples. Seen are the discriminators
    that a game names, called as networks; what a loss adds beside logits has no direction that could be wrong.
    """
    with own_errors("players()"):
        players = variant.players()
    for game in variant.games():
        network = state.networks.get(game.discriminator)
        if not isinstance(network, Discriminator) or game.real not in batch:
            continue
        judged: list[tuple[Update, Pull]] = []
        made: list[tuple[Update, Pull]] = []
        for update in stage.updates:
            judges = game.discriminator in players[update.player]
            if judges == (game.generator in players[update.player]):
                continue  # a player of neither, or of both
            pull = pull_of(update, state, batch, game, network, stage)
            (judged if judges else made).append((update, pull))
        compare(judged, made, game, stage)


def pull_of(update: Update, state: State, batch: Batch, game: Game, network: Discriminator, stage: Stage) -> Pull:
    """Where a loss pulls the logits of real and of generated samples."""
    with holding_logits(network) as seen, own_errors(f"the loss of update {update.name!r} of stage {stage.name!r}"):
        total = update.loss(state, batch)["total"]
    found = Pull()
    held = [head for each in seen for head in each.held if head.requires_grad]
    if not held or not total.requires_grad:
        return found
    slopes = torch.autograd.grad(total, held, allow_unused=True)
    by_head = {id(head): slope for head, slope in zip(held, slopes, strict=True) if slope is not None}
    for each in seen:
        rows = [by_head[id(head)].reshape(len(head), -1).sum(1) for head in each.held if id(head) in by_head]
        if not rows or any(len(row) != len(each.samples) for row in rows):
            continue
        total_of_rows = torch.stack(rows).sum(0)
        kinds = kinds_of(each, batch, game, network)
        found.real += float(total_of_rows[kinds == 1].sum())
        found.generated += float(total_of_rows[kinds == 0].sum())
    return found


@contextmanager
def holding_logits(network: Discriminator) -> Iterator[list[Seen]]:
    """Within it, logits have the value :data:`UNDECIDED` and the gradients of what they are."""
    seen: list[Seen] = []

    def hold(module: Any, given: tuple[Any, ...], named: Mapping[str, Any], logits: Logits) -> Logits:
        held = tuple(head - head.detach() + UNDECIDED for head in heads_of(logits))
        samples = given[0] if given else named["samples"]
        condition = given[1] if len(given) > 1 else named.get("condition")
        seen.append(Seen(samples.detach(), condition, held))
        return held if isinstance(logits, tuple) else held[0]

    handle = network.register_forward_hook(hold, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


def kinds_of(seen: Seen, batch: Batch, game: Game, network: Discriminator) -> Tensor:
    """Of each sample that was judged: 1 for a real one with its own condition, 0 for a generated one, -1 for a real
    one with another condition, which counts as neither."""
    real, field = batch[game.real], game.condition or network.condition
    kinds = torch.zeros(len(seen.samples), dtype=torch.int64)
    if seen.samples.shape[1:] != real.shape[1:]:
        return kinds - 1
    for i, sample in enumerate(seen.samples):
        place = next((j for j, one in enumerate(real) if torch.equal(one, sample)), None)
        if place is not None:
            own = not field or seen.condition is None or torch.equal(seen.condition[i], batch[field][place])
            kinds[i] = 1 if own else -1
    return kinds


def compare(judged: list[tuple[Update, Pull]], made: list[tuple[Update, Pull]], game: Game, stage: Stage) -> None:
    """Raise PluginError, naming the update, where two pulls contradict each other."""
    real, generated = (sign(sum(getattr(pull, key) for _, pull in judged)) for key in ("real", "generated"))
    names = ", ".join(repr(update.name) for update, _ in judged)
    of_stage = f"of stage {stage.name!r} has the right sign"
    require(
        real * generated <= 0,
        f"update {names} {of_stage}: it pulls the logits of real and of generated samples of {game.discriminator!r} "
        "the same way",
    )
    for update, pull in made:
        own = sign(pull.generated)
        if own * generated <= 0 <= own * real:
            continue
        # A generator that lowers its logits is taken to be the one that is wrong: larger is more real.
        who = repr(update.name) if own > 0 else names
        require(
            False,
            f"update {who} {of_stage}: {names} and {update.name!r} pull the logits of generated samples of "
            f"{game.discriminator!r} the same way",
        )


def sign(value: float) -> int:
    """-1, 0 or 1."""
    return 0 if abs(value) < SLIGHT else (1 if value > 0 else -1)
