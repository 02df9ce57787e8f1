"""The contract that a variant must meet, as a function that plugin authors call in their tests.

>>> from ganzoo.testing import check_variant
>>> check_variant("my-gan")
"""

import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate

import ganzoo.training.loop
from ganzoo.data.loader import Batch
from ganzoo.errors import Interrupted, PluginError
from ganzoo.models.adversarial import GAN
from ganzoo.models.blocks import PooledConv2d, UpsampledConv2d
from ganzoo.models.interfaces import Discriminator, Generator
from ganzoo.models.load import load_variant
from ganzoo.models.state import State
from ganzoo.models.variant import fused
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.registry import registry
from ganzoo.runs.run import Run
from ganzoo.runs.trained import open_run
from ganzoo.runtime.tensor_files import read_tensors
from ganzoo.training.loop import TrainingLoop, new_state
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import prepare

STEPS = 6
"""Trainer of each little training; even, so that it can be cut in half."""

Say = Callable[[str], None]


def check_variant(
    name: str,
    dataset: str | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    say: Say = lambda text: None,
) -> None:
    """Hold a registered variant to the contract, on a tiny training on the CPU.

    Checked: its spec; every player's parameters are its own and move; nobody else's move in its update; losses are
    finite 0-d tensors; a discriminator that calls samples independent lets none influence another; the same seed gives
    the same weights; a resumed run equals an unbroken one bit for bit; the saved generator draws the same samples as
    the trained one, whatever the batch size.

    Args:
        name: the variant.
        dataset: what to train on; default: an embedded set that fits.
        settings, texts: settings that make the variant small, as values or as text.
        say: told about every check that passed.

    Raises:
        PluginError: the first part of the contract that is not met.
    """
    spec = registry().variants.spec(name)
    dataset = dataset or ("glyphs" if "images" in spec.models else "ring")
    fixed = {"batch_size": 8, "seed": 1, "log_every": 2, "checkpoint_every": STEPS // 2, "sample_every": STEPS}
    tiny = _Tiny(name, dataset, {**fixed, "device": "cpu", **(settings or {})}, texts or {})
    _require(bool(spec.summary) and not spec.summary.endswith("."), "its summary is one line without a full stop")
    _require(bool(load_variant(name).__doc__), "its class has a docstring")
    say("spec and class load")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _check_updates(tiny, Path(folder) / "unused")
        say("every update moves its own player, and no other")
        _check_repeats(tiny, Path(folder), say)
        _check_samples(Path(folder) / "whole", say)


@dataclass(frozen=True)
class _Tiny:
    """A training of few steps, over and over."""

    name: str
    dataset: str
    settings: Mapping[str, Any]
    texts: Mapping[str, str]

    def job(self, out: Path, steps: int, resume: bool = False) -> TrainingSession:
        settings = {**self.settings, "steps": steps}
        dataset = None if resume else self.dataset
        return prepare(self.name, dataset, out=out, resume=resume, settings=settings, texts=self.texts)

    def weights(self, out: Path, steps: int, resume: bool = False) -> dict[str, Tensor]:
        return read_tensors(self.job(out, steps, resume).train().latest())[0]


def _check_updates(tiny: _Tiny, out: Path) -> None:
    """One iteration by hand, watching whose parameters move."""
    job = tiny.job(out, steps=1)
    state = new_state(job.variant, job.device)
    owners: dict[int, str] = {}
    for player, names in job.variant.players().items():
        for network in names:
            _require(network in state.networks, f"player {player!r} trains network {network!r}, which does not exist")
            for parameter in state.networks[network].parameters():
                _require(id(parameter) not in owners, f"network {network!r} belongs to one player")
                owners[id(parameter)] = player
    for role, name in job.variant.exports().items():
        _require(name in state.networks, f"networks() has {name!r}, which exports() names for role {role!r}")
    run = Run.create(out, job.variant, {})
    loop = TrainingLoop(job.variant, state, job.dataset, run, lambda *a, **k: None, job.device)
    _check_independence(state.networks.get("discriminator"), loop.trainer.next_batch())
    for stage in job.variant.stages():
        _require(bool(stage.updates), f"stage {stage.name!r} has updates")
        for update in stage.updates:
            before = {id(p): p.detach().clone() for n in state.networks.values() for p in n.parameters()}
            batch = loop.trainer.next_batch()
            losses = update.loss(state, batch)
            for key, value in losses.items():
                _require(isinstance(value, Tensor) and value.dim() == 0, f"loss {key!r} is a 0-d tensor")
                _require(bool(value.isfinite()), f"loss {key!r} is finite at the start")
            _require("total" in losses, f"the loss of player {update.player!r} has a 'total'")
            loop.trainer.apply_update(update, batch)
            moved = {
                owners.get(id(p), "nobody")
                for n in state.networks.values() for p in n.parameters() if not torch.equal(p, before[id(p)])
            }  # fmt: skip
            _require(moved == {update.player}, f"the update of {update.player!r} moves its parameters alone: {moved}")
            state.images += job.config.batch_size


def _check_independence(network: object, batch: Batch) -> None:
    """A discriminator that says so may not let the second half of a batch influence the logits of the first."""
    if not (isinstance(network, Discriminator) and network.independent):
        return
    first, labels = batch["images"], batch["labels"].repeat(2) if network.classes else None
    logits: list[Tensor] = []
    for second in (first, -first):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)  # the same dropout for both
            logits.append(network(torch.cat([first, second]), labels)[: len(first)])
    _require(
        torch.allclose(logits[0], logits[1], atol=1e-5), "no sample influences the logit of another one (independent)"
    )


def _check_repeats(tiny: _Tiny, folder: Path, say: Say) -> None:
    """Whole little trainings: repeated, and cut and resumed."""
    whole = tiny.weights(folder / "whole", STEPS)
    _require(_equal(whole, tiny.weights(folder / "again", STEPS)), "the same seed gives the same weights")
    say("repeatable from its seed")
    with cut_at(STEPS // 2):
        tiny.weights(folder / "cut", STEPS)
    resumed = tiny.weights(folder / "cut", STEPS, resume=True)
    _require(_equal(whole, resumed), "a resumed run equals an unbroken one, bit for bit")
    say("resumes exactly")


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


def _check_samples(folder: Path, say: Say) -> None:
    """What is read back from a run directory."""
    run = open_run(folder)
    if not isinstance(run.network(), Generator):
        say("its main network draws no samples by itself: nothing to check there")
        return
    generator = run.generator()
    samples = generator.sample(5, seed=3)
    _require(tuple(samples.shape[1:]) == run.data.shape, f"samples have the shape of the data: {run.data.shape}")
    _require(bool(samples.isfinite().all()), "samples are finite")
    if samples.dim() == 4:
        _require(float(samples.abs().max()) <= 1, "images are within [-1, 1]")
    one_by_one = generator.sample(5, seed=3, batch_size=1)
    _require(
        torch.allclose(samples, one_by_one, atol=1e-4),
        "a sample does not depend on the others in its batch (eval mode)",
    )
    say("samples load, fit the data, and do not depend on the batch")


def _equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def _require(met: bool, what: str) -> None:
    if not met:
        raise PluginError(f"contract not met: {what}.")


@contextmanager
def plain_paths() -> Iterator[None]:
    """Fast paths taken away: memory layout, fused optimizers, folded layers, one pass for real and generated.

    What is left computes the same and takes longer: what fast paths are held to, and measured against. Dropout keeps
    its random numbers (:class:`ganzoo.models.blocks.Dropout`), because those of torch's would be others.
    """

    def upsampled(self: Any, maps: Tensor) -> Tensor:
        return conv2d(interpolate(maps, scale_factor=2, mode="nearest"), self.weight, self.bias, padding=1)

    def pooled(self: Any, maps: Tensor) -> Tensor:
        return avg_pool2d(conv2d(maps, self.weight, self.bias, padding=1), 2)

    def is_fast(module: Any) -> bool:
        return vars(module).get("fused") is fused

    with ExitStack() as stack:

        def replace(place: Any, name: str, value: Any) -> None:
            stack.callback(setattr, place, name, vars(place)[name])
            setattr(place, name, value)

        replace(UpsampledConv2d, "forward", upsampled)
        replace(PooledConv2d, "forward", pooled)
        replace(ganzoo.training.loop, "layout", lambda network: network)
        replace(GAN, "discriminate_both", apart)
        for module in [module for module in sys.modules.values() if module and is_fast(module)]:
            replace(module, "fused", lambda parameters: False)  # plugins import it by name
        yield


def apart(variant: GAN, state: State, real: Tensor, fake: Tensor, batch: Batch, game: Any = None) -> tuple[Any, Any]:
    """Logits of real and of generated samples, each in a pass of its own."""
    return variant.discriminate(state, real, batch, game), variant.discriminate(state, fake, batch, game)
