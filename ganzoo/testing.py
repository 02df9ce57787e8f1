"""The contract that a variant must meet, as a function that plugin authors call in their tests.

>>> from ganzoo.testing import check_variant
>>> check_variant("my-gan")
"""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.data.loader import Batch
from ganzoo.data.needs import embedded_set
from ganzoo.errors import Interrupted, PluginError
from ganzoo.models.adversarial import GAN
from ganzoo.models.interfaces import Classifier, Discriminator, Encoder, Generator, Translator
from ganzoo.models.load import load_variant
from ganzoo.models.state import Game, Stage, State
from ganzoo.models.translate import scaled, translate
from ganzoo.models.variant import Variant
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import SECOND
from ganzoo.runs.run import Run, checkpoints
from ganzoo.runs.trained import TrainedRun, input_channels, open_run
from ganzoo.runtime.tensor_files import read_tensors
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import prepare

STEPS = 6
"""Iterations of each little training, unless the variant's ``tiny`` says another number."""

Say = Callable[[str], None]


def check_variant(
    name: str,
    dataset: str | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    say: Say = lambda text: None,
) -> None:
    """Hold a registered variant to the contract, on tiny trainings on the CPU.

    Checked: its spec; in every stage, each update moves parameters of its player and of no one else; losses are finite
    0-d tensors; logits have the declared form; a discriminator that calls samples independent lets none influence
    another; the same seed gives the same weights; a run that is killed at, before or after any stage boundary and
    resumed equals an unbroken one bit for bit; pictures can be drawn; every exported network is read back and does
    what its kind says.

    Args:
        name: the variant.
        dataset: what to train on; default: an embedded set that fits.
        settings, texts: settings that make the variant small, as values or as text; they come after its ``tiny``.
        say: told about every check that passed.

    Raises:
        PluginError: the first part of the contract that is not met.
    """
    spec = registry().variants.spec(name)
    variant_class = load_variant(name)
    dataset = dataset or embedded_set(spec)
    fixed: dict[str, Any] = {
        "batch_size": 8, "seed": 1, "log_every": 2, "steps": STEPS, "metrics": "", "device": "cpu",
    }  # fmt: skip
    if any(field.startswith(SECOND) for field in spec.needs) and not dataset.startswith("unpaired"):
        fixed["second"] = dataset
    tiny = _Tiny(name, dataset, {**fixed, **variant_class.tiny, **(settings or {})}, texts or {})
    _require(bool(spec.summary) and not spec.summary.endswith("."), "its summary is one line without a full stop")
    _require(bool(variant_class.__doc__), "its class has a docstring")
    say("spec and class load")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _check_updates(tiny, Path(folder) / "unused")
        say("every update moves its own player, and no other")
        run = _check_repeats(tiny, Path(folder), say)
        _check_looks(run)
        say("pictures can be drawn")
        for role in run.variant.exports():
            _check_export(run, role)
        say(f"exports load and do what they say: {', '.join(run.roles)}")


@dataclass(frozen=True)
class _Tiny:
    """A training of few steps, over and over."""

    name: str
    dataset: str
    settings: Mapping[str, Any]
    texts: Mapping[str, str]

    def session(self, out: Path, resume: bool = False) -> TrainingSession:
        steps = int(self.texts.get("steps", self.settings["steps"]))
        every = {"checkpoint_every": 1, "keep": steps + 1, "sample_every": steps}
        settings = {**self.settings, **every}
        dataset = None if resume else self.dataset
        return prepare(self.name, dataset, out=out, resume=resume, settings=settings, texts=self.texts)


def _weights(run: TrainedRun) -> dict[str, Tensor]:
    return read_tensors(run.latest())[0]


# The updates of every stage


def _check_updates(tiny: _Tiny, out: Path) -> None:
    """One iteration of every stage by hand, watching whose parameters move."""
    session = tiny.session(out)
    variant, state = session.variant, new_state(session.variant, session.device)
    owned: dict[str, set[int]] = {}
    for player, names in variant.players().items():
        for network in names:
            _require(network in state.networks, f"player {player!r} trains network {network!r}, which does not exist")
        owned[player] = {id(p) for network in names for p in state.networks[network].parameters()}
        _require(bool(owned[player]), f"player {player!r} has parameters to move")
    for role, name in variant.exports().items():
        _require(name in state.networks, f"networks() has {name!r}, which exports() names for role {role!r}")
    run = Run.create(out, variant, {})
    loop = TrainingLoop(variant, state, session.dataset, run, lambda *a, **k: None, session.device)
    for stage in variant.stages():
        loop.trainer.enter(stage, 1)
        batch = loop.trainer.next_batch()
        for game in variant.games():
            _check_game(variant, state, game, batch)
        _check_stage(stage, loop, state, owned)


def _check_stage(stage: Stage, loop: TrainingLoop, state: State, owned: Mapping[str, set[int]]) -> None:
    """The updates of one stage, each on its own batch."""
    for update in stage.updates:
        where = f"update {update.name!r} of stage {stage.name!r}"
        _require(update.player in owned, f"{where} is of a player that players() names: {update.player!r}")
        batch = loop.trainer.next_batch()
        losses = update.loss(state, batch)
        for key, value in losses.items():
            _require(isinstance(value, Tensor) and value.dim() == 0, f"loss {key!r} of {where} is a 0-d tensor")
            _require(bool(value.isfinite()), f"loss {key!r} of {where} is finite at the start")
        _require("total" in losses, f"the losses of {where} have a 'total'")
        before = {id(p): p.detach().clone() for n in state.networks.values() for p in n.parameters()}
        loop.trainer.apply_update(update, batch)
        moved = {
            id(p) for n in state.networks.values() for p in n.parameters() if not torch.equal(p, before[id(p)])
        }  # fmt: skip
        _require(bool(moved), f"{where} moves parameters of {update.player!r}")
        _require(moved <= owned[update.player], f"{where} moves parameters of {update.player!r} alone")
        state.images += loop.trainer.batch_size


def _check_game(variant: Variant, state: State, game: Game, batch: Batch) -> None:
    """The discriminator of a game: the form of its logits, and whether samples are independent where it says so."""
    network = state.networks.get(game.discriminator)
    _require(network is not None, f"networks() has {game.discriminator!r}, which a game names")
    _require(game.real in batch, f"the batch has the field {game.real!r}, which a game names")
    if not isinstance(network, Discriminator) or not isinstance(variant, GAN):
        return
    with torch.no_grad():
        logits = variant.discriminate(state, batch[game.real], batch, game)
    heads = logits if isinstance(logits, tuple) else (logits,)
    _require(len(heads) == max(1, len(network.heads)), f"{game.discriminator!r} gives as many logits as it has heads")
    for head in heads:
        form = head.dim() == 4 and head.shape[1] == 1 if network.patch else head.dim() == 1
        said = "a map [N, 1, h, w]" if network.patch else "[N]"
        _require(form and len(head) == len(batch[game.real]), f"logits of {game.discriminator!r} are {said}")
    if network.independent:
        _check_independence(network, batch, game)


def _check_independence(network: Discriminator, batch: Batch, game: Game) -> None:
    """The second half of a batch may not influence the logits of the first."""
    first, field = batch[game.real], game.condition or network.condition
    condition = torch.cat([batch[field], batch[field]]) if field else None
    found: list[Tensor] = []
    for second in (first, -first):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)  # the same dropout for both
            logits = network(torch.cat([first, second]), condition)
        found.append((logits[0] if isinstance(logits, tuple) else logits)[: len(first)])
    _require(
        torch.allclose(found[0], found[1], atol=1e-5), "no sample influences the logit of another one (independent)"
    )


# Whole trainings


def _check_repeats(tiny: _Tiny, folder: Path, say: Say) -> TrainedRun:
    """Whole little trainings: repeated, and cut and resumed around every stage boundary. Returns the unbroken run."""
    whole = tiny.session(folder / "whole").train()
    expected = _weights(whole)
    _require(_equal(expected, _weights(tiny.session(folder / "again").train())), "the same seed gives the same weights")
    say("repeatable from its seed")
    boundaries, step = set(), 0
    for stage in whole.variant.stages():
        step += stage.steps
        boundaries |= {step - 1, step, step + 1}
    total = step
    for cut in sorted({total // 2, *boundaries}):
        if not 0 < cut < total:
            continue
        place = folder / f"cut-{cut}"
        shutil.copytree(folder / "whole", place)
        for path in checkpoints(place)[cut:]:
            path.unlink()
        resumed = _weights(tiny.session(place, resume=True).train())
        _require(_equal(expected, resumed), f"a run resumed at step {cut} equals an unbroken one, bit for bit")
        shutil.rmtree(place)
    say("resumes exactly")
    return open_run(folder / "whole")


@contextmanager
def cut_at(step: int) -> Iterator[None]:
    """Within it, a training ends after the checkpoint of this step, as a killed one does.

    Raises:
        PluginError: it ended without one.
    """

    class Cut:
        @hookimpl
        def ganzoo_checkpoint_saved(self, run: Run, path: Path) -> None:
            if run.step == step:
                raise KeyboardInterrupt

    listener = Cut()
    registry().attach(listener, "cut")
    try:
        yield
        raise PluginError(f"contract not met: a training saves its checkpoint at step {step}.")
    except Interrupted:
        pass
    finally:
        registry().detach(listener)


def _check_looks(run: TrainedRun) -> None:
    """What merely looks is a warning when it fails; here it is an error."""
    failed = [w["message"] for w in run.details.get("warnings", []) if w["name"].endswith("-failed")]
    _require(not failed, f"pictures and diagnostics work: {'; '.join(failed)}")
    _require(any((run.path / "samples").glob("*.png")), "a picture of samples is drawn")


# What is read back


def _check_export(run: TrainedRun, role: str) -> None:
    """One exported network, by its kind."""
    network = run.network(role)
    if isinstance(network, Generator):
        _check_generator(run, network)
    elif isinstance(network, Translator):
        _check_translator(run, network, role)
    elif isinstance(network, Encoder | Classifier):
        _check_rows(run, network, role)


def _check_generator(run: TrainedRun, generator: Generator) -> None:
    """Its samples fit the data, and do not depend on the batch they are drawn in."""
    same = type(generator).Sampling is run.variant.Sampling
    _require(same, "Variant.Sampling is the Sampling of its generator, so that 'ganzoo info' lists the settings")
    samples = generator.sample(5, seed=3)
    _require(tuple(samples.shape[1:]) == run.data.shape, f"samples have the shape of the data: {run.data.shape}")
    _require(bool(samples.isfinite().all()), "samples are finite")
    if run.data.kind == "images":
        _require(float(samples.abs().max()) <= 1, "images are within [-1, 1]")
    one_by_one = generator.sample(5, seed=3, batch_size=1)
    _require(
        torch.allclose(samples, one_by_one, atol=1e-4),
        "a sample does not depend on the others in its batch (eval mode)",
    )


def _check_translator(run: TrainedRun, network: Translator, role: str) -> None:
    """It takes images of any size."""
    channels, (height, width) = input_channels(network, run.data), run.data.shape[1:]
    condition = torch.zeros(1, dtype=torch.int64) if network.classes else None
    for sides in ((height, width), (height + network.multiple, width + 1)):
        if any((side * network.scale) % 1 for side in sides):
            continue
        result = translate(network, torch.zeros(1, channels, *sides, dtype=torch.uint8), 0, condition)
        expected = tuple(scaled(network, side) for side in sides)
        _require(tuple(result.shape[2:]) == expected, f"{role!r} turns images of {sides} into {expected}, by its scale")


def _check_rows(run: TrainedRun, network: nn.Module, role: str) -> None:
    """One row for each sample: latents, or logits of classes."""
    length = network.latent_dim if isinstance(network, Encoder) else network.classes
    with torch.no_grad():
        found = network(torch.zeros(2, *run.data.shape))
    _require(tuple(found.shape) == (2, length), f"{role!r} gives [N, {length}], one row for each sample")


def _equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def _require(met: bool, what: str) -> None:
    if not met:
        raise PluginError(f"contract not met: {what}.")
