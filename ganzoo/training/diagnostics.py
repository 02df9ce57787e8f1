"""What a person would notice while watching a training, noticed for them: named warnings, and where a value broke.

discriminator-won    D tells real from generated almost without loss: G learns little from it
losses-frozen        every player's loss stands still
player-resting       a player's threshold (train_g_above) keeps it from being trained at all
diversity-lost       samples repeat each other, or miss modes or classes that the data has
not-finite           a loss is infinite or no number: the training stops, and the message says where that began

All but the last are warnings in the history, in ``run.json`` and on the terminal; they change nothing that is computed.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.data.base import Dataset, to_unit
from ganzoo.data.drawn.toys import MODES, modes
from ganzoo.metrics.measures.diversity import Reference
from ganzoo.metrics.measures.modes import count_modes
from ganzoo.models.interfaces import Generator
from ganzoo.models.state import State, Update
from ganzoo.models.variant import Variant
from ganzoo.runtime.device import uncompiled
from ganzoo.tricks.schedules import waits

WON = 0.02
"""D has won when its loss is below this share of what it is for a D that cannot tell (logits 0)."""
LINES = 5
"""Lines of the history over which a loss must stay so."""
RESTS = 20
"""Lines over which a player must not have been trained at all."""
LOOKS = 2
"""Looks at samples, in a row, that must be bad."""
FROZEN = 1e-6
"""Largest change of a loss, as a share of its size, that counts as none."""
FIRST_LOOK = 500
"""Steps before which samples are not looked at: every generator begins without diversity."""
SAMPLES, POINTS, REAL = 512, 2_500, 2_000
VALUES = 2**26
"""Real samples are held in memory as long as a training lasts: no more than these values, 256 MiB."""
REPEATED = 0.25
"""Share of near duplicates, beyond that of real samples, that is too much."""
CLASSIFIED = 0.8
"""Classes are counted only where the nearest real sample tells the class of a real one this often."""
MISSING = 0.1
"""A class or mode is missing when its share is below this part of what it is in the data."""


class TrainingWarning(UserWarning):
    """A training that goes on, but not well."""


@dataclass(frozen=True)
class Finding:
    """A warning: its name, and what was seen."""

    name: str
    message: str


class Diagnostics:
    """Watches one training. A finding is reported once, and again only after it has passed.

    Args:
        variant: what is trained.
        dataset: the real samples that generated ones are compared with.
        steps: iterations of the whole training; the first tenth of them is too early to discriminate samples by.
    """

    def __init__(self, variant: Variant, dataset: Dataset, steps: int) -> None:
        self.variant, self.dataset = variant, dataset
        self.first_look = max(FIRST_LOOK, steps // 10)
        self._reference: Reference | None = None
        self._losses: list[dict[str, float]] = []
        self._streaks: dict[str, int] = {}

    # Looking at samples

    @torch.no_grad()
    def look(self, state: State) -> dict[str, float]:
        """What the samples of the trained network show, by name; empty for a network that draws none.

        The random numbers are of a generator of their own, so that training is not disturbed.
        """
        network = self.variant.trained(state, self.variant.main_role)
        if state.step < self.first_look or not isinstance(network, Generator):
            return {}
        if self.dataset.info.name in MODES:
            counted = count_modes(network.sample(POINTS, seed=self.variant.config.seed), modes(self.dataset.info.name))
            return {"modes_found": float(counted.found), "high_quality": counted.quality}
        samples = network.sample(SAMPLES, seed=self.variant.config.seed)
        reference = self.reference()
        shown = {"duplicate_rate": reference.duplicate_rate(samples)}
        if reference.accuracy >= CLASSIFIED and not network.classes:
            shown["rarest_class"] = float(reference.class_shares(samples).min())
        return shown

    def reference(self) -> Reference:
        """Real samples, chosen at random: at regular distances they might all be of one class."""
        if self._reference is None:
            count = len(self.dataset.source)
            held = min(REAL, max(64, VALUES // math.prod(self.dataset.info.shape)))
            indices = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:held]
            labels = None if self.dataset.labels is None else self.dataset.labels.cpu()[indices]
            samples = to_unit(self.dataset.source.fetch(indices).cpu())
            self._reference = Reference.of(samples, labels, len(self.dataset.info.classes))
        return self._reference

    # Reading the history

    def read(self, record: Mapping[str, Any]) -> list[Finding]:
        """What a new line of the history gives reason to say."""
        # A value that is not finite stands in a history as a text.
        record = {k: v for k, v in record.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        self._losses = [*self._losses, {k: v for k, v in record.items() if k.endswith("_loss")}][-LINES:]
        found = dict(self._conditions(record))
        new = []
        for name, (message, patience) in found.items():
            self._streaks[name] = self._streaks.get(name, 0) + 1 if message else 0
            if message and self._streaks[name] == patience:
                new.append(Finding(name, message))
        return new

    def _conditions(self, record: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, int]]]:
        """(name, (what is wrong or nothing, how often in a row before it is said)), of what this line can tell."""
        yield "discriminator-won", (self._won(record), LINES)
        yield "losses-frozen", (self._frozen(), 1)
        yield "player-resting", (self._resting(record), RESTS)
        if "duplicate_rate" in record or "modes_found" in record:
            yield "diversity-lost", (self._uniform(record), LOOKS)

    def _won(self, record: Mapping[str, Any]) -> str:
        tricks = self.variant.config.tricks
        if not self.variant.has_loss or tricks.label_smoothing or tricks.label_flipping:
            # Smoothed and flipped targets are never met: the best D has D(x) - D(G(z)) of this.
            return self._won_by_probability(record, (1 - tricks.label_smoothing) * (1 - 2 * tricks.label_flipping))
        if "discriminator_loss" not in record:
            return ""
        undecided = torch.zeros(2)
        chance = float(self.variant.loss.discriminator(undecided, undecided))
        loss = record["discriminator_loss"]
        if chance <= 0 or loss > WON * chance:  # the loss of a critic has no level at which it cannot tell
            return ""
        return (
            f"the discriminator tells real from generated almost without loss ({loss:.2g}; one that cannot tell has "
            f"{chance:.2g}), so the generator learns little. A smaller lr or width weakens it, and so do "
            "instance_noise, label_smoothing, r1 and spectral_norm."
        )

    def _won_by_probability(self, record: Mapping[str, Any], best: float) -> str:
        """Where the loss has another level, or is of the variant's own: by D(x) and D(G(z))."""
        real, fake = record.get("D(x)"), record.get("D(G(z))")
        if real is None or fake is None or real - fake < (1 - WON) * best:
            return ""
        return (
            f"the discriminator tells real from generated (D(x) {real:.3f}, D(G(z)) {fake:.3f}): the generator may "
            "have broken down. Another seed or a smaller lr usually helps."
        )

    def _resting(self, record: Mapping[str, Any]) -> str:
        resting = [
            key.removesuffix("_skipped") for key, value in record.items() if key.endswith("_skipped") and value == 1
        ]
        if not resting:
            return ""
        return (
            f"{resting[0]} is not trained: its loss has never been above its threshold (train_d_above, train_g_above)."
        )

    def _frozen(self) -> str:
        if len(self._losses) < LINES:
            return ""
        names = set.intersection(*(set(line) for line in self._losses))
        values = {name: [line[name] for line in self._losses] for name in names}
        moving = [n for n, v in values.items() if max(v) - min(v) > FROZEN * max(abs(max(v)), abs(min(v)))]
        if moving or not values or waits(self.variant.config.tricks):
            return ""
        shown = ", ".join(f"{name} {values[name][-1]:.4g}" for name in sorted(values))
        return (
            f"no loss has moved over {LINES} lines of the history ({shown}): dead units, or an lr too small or large."
        )

    def _uniform(self, record: Mapping[str, Any]) -> str:
        said = []
        if "modes_found" in record:
            total = len(modes(self.dataset.info.name).centres)
            if record["modes_found"] < (1 - MISSING) * total:
                said.append(f"samples lie near {record['modes_found']:.0f} of {total} modes")
        if "duplicate_rate" in record and record["duplicate_rate"] > self.expected_duplicates + REPEATED:
            said.append(
                f"{record['duplicate_rate']:.0%} of {SAMPLES} samples nearly repeat another (real: "
                f"{self.expected_duplicates:.0%})"
            )
        if "rarest_class" in record:
            shares = self._real_shares()
            if record["rarest_class"] < MISSING * float(shares.min()):
                said.append(
                    f"a class has {record['rarest_class']:.1%} of the samples (the rarest of real ones: "
                    f"{float(shares.min()):.1%})"
                )
        if not said:
            return ""
        return f"{' and '.join(said)}. minibatch_std, minibatch_kernels, or a Wasserstein loss with a penalty may help."

    @property
    def expected_duplicates(self) -> float:
        """Share of near duplicates among real samples."""
        return self.reference().duplicates

    def _real_shares(self) -> Tensor:
        reference = self.reference()
        assert reference.labels is not None
        return torch.bincount(reference.labels, minlength=reference.classes).double() / len(reference.labels)


def explain(
    variant: Variant, state: State, update: Update, batch: Mapping[str, Tensor], losses: Mapping[str, Tensor]
) -> str:
    """Where a loss that is not finite came from: the first thing on its way that is not.

    The loss is computed once more with a watch on every layer; what chance broke may not break again.
    """
    for name, values in batch.items():
        if values.is_floating_point() and not bool(values.isfinite().all()):
            return f"the batch's {name!r} are not finite"
    for name, network in state.networks.items():
        for key, tensor in network.state_dict().items():
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                owner = next((p for p, names in variant.players().items() if name in names), "no player")
                return f"{key} of network {name!r} is not finite: the step of {owner!r} before this one broke it"
    layer = _first_layer(state, update, dict(batch))
    if layer:
        return layer
    parts = [name for name, value in losses.items() if name != "total" and not math.isfinite(float(value))]
    return f"every layer's output is finite, the loss itself is not{': ' + ', '.join(parts) if parts else ''}"


def _first_layer(state: State, update: Update, batch: dict[str, Tensor]) -> str:
    """The first layer whose output is not finite although its input is; empty when there is none."""
    first: list[str] = []

    def watch(label: str, inputs: tuple[Any, ...], output: Any) -> None:
        if first or not isinstance(output, Tensor) or bool(output.isfinite().all()):
            return
        if all(bool(x.isfinite().all()) for x in inputs if isinstance(x, Tensor)):
            first.append(f"the output of {label} is the first that is not finite")

    handles = []
    for name, network in state.networks.items():
        for key, module in network.named_modules():
            if not any(module.children()):
                label = f"layer {key or type(module).__name__} of network {name!r} ({type(module).__name__})"
                handles.append(module.register_forward_hook(_labelled(watch, label)))
    try:
        with uncompiled(state.networks.values()):
            update.loss(state, batch)
    finally:
        for handle in handles:
            handle.remove()
    return first[0] if first else ""


def _labelled(watch: Any, label: str) -> Any:
    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        watch(label, inputs, output)

    return hook
