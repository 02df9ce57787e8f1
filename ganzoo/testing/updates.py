"""One little training by hand, watching in every step what is moved, and what is not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo.data.loader import Batch
from ganzoo.errors import PluginError
from ganzoo.models.state import Losses, Stage, State, Update
from ganzoo.models.variant import Variant
from ganzoo.runs.run import Run
from ganzoo.testing.buffers import Buffers
from ganzoo.testing.common import Tiny, own_errors, require
from ganzoo.testing.devices import Devices, Elsewhere, hold_loose_tensors
from ganzoo.testing.games import check_game, check_signs
from ganzoo.testing.hidden import check_hidden
from ganzoo.testing.sampling import check_sampling
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.trainer import Trainer

NO_PULL = 1e-6
"""A gradient that is never larger than this is rounding."""


def check_updates(tiny: Tiny, out: Path) -> None:
    """All iterations of all stages."""
    session = tiny.session(out)
    variant = session.variant
    with own_errors("building its networks"):
        state = new_state(variant, session.device)
    owned = check_players(variant, state)
    with own_errors("setting up its training"):
        run = Run.create(out, variant, {})
        loop = TrainingLoop(variant, state, session.dataset, run, lambda *a, **k: None, session.device)
    check_hidden(variant, state)
    watch = Watch(variant, state, owned)
    loop.trainer.loader = Elsewhere(loop.trainer.loader)  # type: ignore[assignment]  # it stands in for it
    for network in state.networks.values():
        network.train()
    for stage in loop.stages:
        StageCheck(stage, loop.trainer, watch).run()
    watch.check_all_moved()
    check_hidden(variant, state)
    check_sampling(variant, state, watch.devices)


def check_players(variant: Variant, state: State) -> dict[str, set[int]]:
    """The parameters of each player, by identity."""
    owned: dict[str, set[int]] = {}
    with own_errors("players() or exports()"):
        players, exports = variant.players(), variant.exports()
    for player, names in players.items():
        for network in names:
            require(network in state.networks, f"player {player!r} trains network {network!r}, which does not exist")
        owned[player] = {id(p) for network in names for p in state.networks[network].parameters()}
        require(bool(owned[player]), f"player {player!r} has parameters to move")
    for role, name in exports.items():
        require(name in state.networks, f"networks() has {name!r}, which exports() names for role {role!r}")
    return owned


class Watch:
    """What every parameter and buffer was before, and what has happened to it since.

    Args:
        owned: the parameters of each player, by identity.
    """

    def __init__(self, variant: Variant, state: State, owned: Mapping[str, set[int]]) -> None:
        self.variant, self.state, self.owned = variant, state, owned
        self.devices = Devices()
        hold_loose_tensors(self.devices, variant, state)
        self.buffers = Buffers(variant, state)
        self.names: dict[int, str] = {}
        self._parameters: dict[int, nn.Parameter] = {}
        for name, network in state.networks.items():
            for key, parameter in network.named_parameters():
                self.names.setdefault(id(parameter), f"{key!r} of network {name!r}")
                self._parameters[id(parameter)] = parameter
        self._before = {key: p.detach().clone() for key, p in self._parameters.items()}
        self._ever: set[int] = set()
        self._pull: dict[int, float] = {}
        self._active: set[str] = set()

    def forgive(self) -> None:
        """Take everything as it is now: the beginning of a stage may set what it likes."""
        self.moved()
        self.buffers.refresh()

    def moved(self) -> set[int]:
        """The parameters that differ from what they were at the last call."""
        found = set()
        for key, parameter in self._parameters.items():
            if not torch.equal(parameter, self._before[key]):
                self._before[key].copy_(parameter.detach())
                found.add(key)
        return found

    def stepped(self, where: str, players: set[str]) -> bool:
        """After a step of these players: did they move, and they alone? Returns whether anything moved."""
        found = self.moved()
        allowed = set().union(*(self.owned[player] for player in players))
        strange = sorted(self.names[key] for key in found - allowed)
        said = " and ".join(repr(player) for player in sorted(players))
        require(not strange, f"{where} moves parameters of {said} alone; it moves {', '.join(strange[:3])}")
        self.buffers.check(where, players)
        for key in allowed:
            gradient = self._parameters[key].grad
            if gradient is not None:
                self._pull[key] = max(self._pull.get(key, 0.0), float(gradient.detach().abs().max()))
        self._ever |= found
        self._active |= players
        return bool(found)

    def check_all_moved(self) -> None:
        """Every parameter that some player with updates owns has moved, at some time.

        A bias that takes part in the loss and cancels out of it stays: the last one of a Wasserstein critic, or one
        before a normalisation.
        """
        trained = set().union(*(self.owned[player] for player in self._active))
        resting = set().union(*(self.owned[player] for player in self.owned.keys() - self._active))
        for key, parameter in self._parameters.items():
            if not parameter.requires_grad or key in self._ever or (key in resting and key not in trained):
                continue
            name = self.names[key]
            require(key in trained, f"a player trains {name}, or its requires_grad is False")
            cancels = name.split("'")[1].endswith("bias") and self._pull.get(key, 1.0) < NO_PULL
            why = "its gradient is always zero" if self._pull.get(key) == 0 else "no loss reaches it"
            why = "its optimizer does not step it" if self._pull.get(key) else why
            require(cancels, f"training moves {name}, or its requires_grad is False: {why}")


class StageCheck:
    """The iterations of one stage."""

    def __init__(self, stage: Stage, trainer: Trainer, watch: Watch) -> None:
        self.trainer, self.watch = trainer, watch
        self.stage = replace(
            stage, updates=tuple(self._watched(stage, update) for update in stage.updates), begin=self._beginning(stage)
        )
        self.moving: set[str] = set()

    def run(self) -> None:
        """Take them, and look at the games before the first one."""
        for update in self.stage.updates:
            known = update.player in self.watch.owned
            require(known, f"{self._where(update)} is of a player that players() names: {update.player!r}")
        self.trainer.enter(self.stage, 1)
        self._look_at_games(self._next_batch())
        if type(self.trainer).iterate is Trainer.iterate:
            for number in range(1, self.stage.steps + 1):
                self._iterate(number)
        else:
            self._apply(self.stage.updates, self._next_batch())
            for number in range(1, self.stage.steps + 1):
                self._iterate_its_own_way(number)
        for update in self.stage.updates:
            moves = update.name in self.moving
            require(moves, f"{self._where(update)} moves parameters of {update.player!r}")

    def _iterate(self, number: int) -> None:
        """As :meth:`ganzoo.training.trainer.Trainer.iterate`, but the first iteration takes all updates."""
        trainer = self.trainer
        if number > 1:
            trainer.enter(self.stage, number)
        batch = self._next_batch()
        trainer.set_rates(self.stage, number)
        self._apply(self.stage.updates if number == 1 else trainer.due(self.stage, number), batch)
        trainer.advance()
        trainer.average()

    def _apply(self, updates: tuple[Update, ...], batch: Batch) -> None:
        """One step of each."""
        for update in updates:
            where = self._where(update)
            with own_errors(where):
                self.trainer.apply_update(update, batch)
            if self.watch.stepped(where, {update.player}):
                self.moving.add(update.name)

    def _iterate_its_own_way(self, number: int) -> None:
        """A trainer of the variant's own: only whole iterations can be watched."""
        due = self.trainer.due(self.stage, number)
        where = f"iteration {number} of stage {self.stage.name!r}"
        with own_errors(where):
            self.trainer.iterate(replace(self.stage, begin=None), number)
        self.watch.stepped(where, {update.player for update in due})

    def _look_at_games(self, batch: Batch) -> None:
        variant, state = self.watch.variant, self.watch.state
        for game in variant.games():
            with own_errors(f"discriminator {game.discriminator!r}"):
                check_game(variant, state, game, batch)
        check_signs(variant, state, self.stage, batch)
        self.watch.forgive()

    def _next_batch(self) -> Batch:
        with own_errors("its batch()"), self.watch.devices.watching("its batch()"):
            batch = self.trainer.next_batch()
        for field, values in batch.items():
            self.watch.devices.require_here(values, f"field {field!r}")
        return batch

    def _where(self, update: Update) -> str:
        return f"update {update.name!r} of stage {self.stage.name!r}"

    def _beginning(self, stage: Stage) -> Callable[[State], None] | None:
        begin = stage.begin
        if begin is None:
            return None

        def watched(state: State) -> None:
            with own_errors(f"the beginning of stage {stage.name!r}"):
                begin(state)
            self.watch.forgive()

        return watched

    def _watched(self, stage: Stage, update: Update) -> Update:
        """The same update, whose loss and what follows it are watched."""
        where, after = f"update {update.name!r} of stage {stage.name!r}", update.after
        devices = self.watch.devices

        def loss(state: State, batch: Batch) -> Losses:
            kept = {field: values.detach().clone() for field, values in batch.items()}
            with own_errors(f"the loss of {where}"), devices.watching(f"the loss of {where}"):
                losses = update.loss(state, batch)
            check_batch(batch, kept, where)
            check_losses(losses, where, devices)
            return losses

        def follow(state: State, losses: Losses) -> None:
            assert after is not None, "only then is it called"
            with own_errors(f"what follows {where}"), devices.watching(f"what follows {where}"):
                after(state, losses)

        return replace(update, loss=loss, after=follow if after else None)


def check_batch(batch: Batch, kept: Batch, where: str) -> None:
    """A loss reads the batch: the next update is given the same one."""
    require(batch.keys() == kept.keys(), f"the loss of {where} adds nothing to the batch and takes nothing out of it")
    for field, values in kept.items():
        same = batch[field].shape == values.shape and torch.equal(batch[field], values)
        require(same, f"the loss of {where} leaves field {field!r} of the batch as it is")


def check_losses(losses: Losses, where: str, devices: Devices) -> None:
    """Finite 0-d tensors, where the training runs."""
    if not isinstance(losses, Mapping):
        raise PluginError(f"contract not met: the loss of {where} is a dictionary of tensors.")
    for key, value in losses.items():
        require(isinstance(value, Tensor) and value.dim() == 0, f"loss {key!r} of {where} is a 0-d tensor")
        require(bool(value.isfinite()), f"loss {key!r} of {where} is finite")
    require("total" in losses, f"the losses of {where} have a 'total'")
    require(losses["total"].requires_grad, f"the 'total' of {where} can be differentiated")
    devices.where = f"the loss of {where}"
    devices.require_here(losses["total"], "'total'")
