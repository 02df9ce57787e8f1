"""What sets tunes apart: arXiv:1611.09904, section 4.2."""

from collections.abc import Callable

import torch
from torch import Tensor

from ganzoo.plugin import EvaluationContext, Metric

GRID = 24
"""Parts of a beat: notes that begin within one of them begin together."""
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 8, 11))
"""Major, natural minor and harmonic minor, in semitones above the key note."""
REPEATED = 3
"""Tones of a short sequence that may come again."""
LENGTH, PITCH, INTENSITY, GAP = range(4)


def polyphony(notes: Tensor) -> Tensor:
    """Share of tones that begin together with another one: notes [N, L, 4] to [N], 0 to 1."""
    together = (notes[:, 1:, GAP] * GRID).round() <= 0
    alone = together.new_zeros(len(notes), 1)
    return (torch.cat([alone, together], 1) | torch.cat([together, alone], 1)).float().mean(1)


def scale(notes: Tensor) -> Tensor:
    """Share of tones in the scale that fits best: notes [N, L, 4] to [N], 0 to 1."""
    tones = notes[..., PITCH].round().long() % 12
    found = []
    for steps in SCALES:
        for key in range(12):
            within = torch.zeros(12, dtype=torch.bool)
            within[[(key + step) % 12 for step in steps]] = True
            found.append(within[tones].float().mean(1))
    return torch.stack(found).amax(0)


def repetitions(notes: Tensor) -> Tensor:
    """How many pairs of equal sequences of three tones a tune has that do not overlap: notes [N, L, 4] to [N].

    Only tones and their order count, not their lengths. So does the authors' code, which leaves out the last ones.
    """
    parts = notes[..., PITCH].round().unfold(1, REPEATED, 1)
    same = (parts[:, :, None] == parts[:, None]).all(3)
    return same.tril(-REPEATED).sum((1, 2)).float()


def span(notes: Tensor) -> Tensor:
    """Semitones from the lowest to the highest tone: notes [N, L, 4] to [N]."""
    tones = notes[..., PITCH].round()
    return tones.amax(1) - tones.amin(1)


MEASURES: dict[str, Callable[[Tensor], Tensor]] = {
    "polyphony": polyphony, "scale": scale, "repetitions": repetitions, "span": span,
}  # fmt: skip


def furthest(a: Tensor, b: Tensor) -> float:
    """The largest difference of two distribution functions, 0 to 1 (Kolmogorov and Smirnov): samples [N] and [M]."""
    a, b = a.sort().values, b.sort().values
    places = torch.cat([a, b])
    shares = [torch.searchsorted(each, places, right=True) / len(each) for each in (a, b)]
    return float((shares[0] - shares[1]).abs().max())


class TuneStatistics(Metric):
    """The mean over four measures of how far their distributions are apart; beside it the mean of each, and of real
    tunes."""

    def unsuitable(self, context: EvaluationContext) -> str:
        reason = super().unsuitable(context)
        shape = context.target.shape
        if reason or (len(shape) == 2 and shape[1] == 4 and shape[0] > REPEATED):
            return reason
        return f"{self.spec.name} is of notes, four numbers each"

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        dataset = context.reference()
        chosen = context.chosen(dataset, min(self.spec.count, len(dataset.source)))
        real = dataset.source.fetch(chosen).cpu().float()
        own = torch.cat(list(context.samples(self.spec.count))).float()
        found = {name: (measure(own), measure(real)) for name, measure in MEASURES.items()}
        means = {name: float(a.mean()) for name, (a, _) in found.items()}
        reals = {f"real {name}": float(b.mean()) for name, (_, b) in found.items()}
        return {"distance": sum(furthest(*pair) for pair in found.values()) / len(found), **means, **reals}
