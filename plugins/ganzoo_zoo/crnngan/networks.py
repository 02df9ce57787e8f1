"""Networks of C-RNN-GAN: an LSTM that writes a note at each step, and one that reads both ways and decides at each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, one_hot

from ganzoo.plugin import Discriminator, Generator, Options, option

NOISE = 4
"""Random numbers for each note: as many as it has itself (section 3)."""
LEAST = 1e-6
"""How near a random number comes to 0 and 1, whose logarithms are taken."""
CLOSED = -1e4
"""The score of a place that stands for no value."""
Alphabet = Mapping[str, Sequence[float]]
"""The values that each of the four numbers of a note takes in the data."""


@dataclass(frozen=True, kw_only=True)
class Mood(Options):
    """Settings of sampling."""

    temperature: float = option(
        1.0, "how much chance there is in choosing notes: 0: none, 1: as trained", at_least=0, at_most=10
    )


def encoded(notes: Tensor, alphabet: Alphabet, choices: bool) -> Tensor:
    """Notes [..., 4] as networks see them, [..., F]: the nearest value of each column one-hot, with as many places for
    each as the longest needs; or each as a number from -1 to 1 over its range."""
    columns = notes.unbind(-1)
    values = [torch.tensor(list(each), device=notes.device) for each in alphabet.values()]
    if not choices:
        return torch.stack([(c - v.min()) * (2 / width(v)) - 1 for c, v in zip(columns, values, strict=True)], -1)
    nearest = [(c[..., None] - v).abs().argmin(-1) for c, v in zip(columns, values, strict=True)]
    return one_hot(torch.stack(nearest, -1), max(map(len, values))).flatten(-2).to(notes.dtype)


def width(values: Tensor) -> float:
    """From the least to the largest; 1 where there is a single one."""
    return float(values.max() - values.min()) or 1.0


class Cell(nn.Module):
    """A step of an LSTM: inputs, I numbers together, and state to the next state, (output, memory) each [N, width]."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.gates = nn.Linear(inputs + width, 4 * width)
        with torch.no_grad():  # open, so that the memory is kept at the beginning of a training: the authors' cells
            self.gates.bias[width : 2 * width] += 1

    def forward(self, inputs: tuple[Tensor, ...], state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        output, memory = state
        gates = self.gates(torch.cat([*inputs, output], 1))
        wide = memory.shape[1]
        into, keep, out = torch.sigmoid(gates[:, : 3 * wide]).chunk(3, 1)
        memory = keep * memory + into * torch.tanh(gates[:, 3 * wide :])
        return out * torch.tanh(memory), memory


class NoteGenerator(Generator):
    """Latents [N, latent_dim] to notes [N, length, 4]. Each step gets random numbers and the note before.

    A note is chosen among the values in the data, or four numbers as in the paper. What is chosen follows from the
    latents too, which become Gumbel noise: the same latents are the same tune.

    Args:
        length: notes of a tune.
        layers: LSTMs on top of each other.
        choices: notes are chosen.

    Attributes:
        features: numbers of a note as networks see it.
        places: of each column, where notes are chosen.
    """

    Sampling = Mood

    def __init__(self, length: int, width: int, layers: int, alphabet: Alphabet, choices: bool) -> None:
        sizes = [len(values) for values in alphabet.values()]
        self.places = max(sizes)
        self.features = len(sizes) * self.places if choices else len(sizes)
        super().__init__(length * (NOISE + sum(sizes) * choices))
        self.length, self.width, self.choices = length, width, choices
        values, is_open = torch.zeros(len(sizes), self.places), torch.zeros(len(sizes), self.places)
        for row, told in enumerate(alphabet.values()):
            values[row, : len(told)], is_open[row, : len(told)] = torch.tensor(list(told)), 1
        low = torch.tensor([min(told) for told in alphabet.values()])
        high = torch.tensor([max(told) for told in alphabet.values()])
        self.register_buffer("values", values)
        self.register_buffer("closed", (1 - is_open.flatten()) * CLOSED)
        self.register_buffer("low", low)
        self.register_buffer("range", (high - low).where(high > low, 1.0))
        self.register_buffer("place", (is_open.flatten().cumsum(0) - 1).long().clamp(min=0))
        first = Cell(NOISE + self.features, width)
        self.cells = nn.ModuleList([first, *(Cell(width, width) for _ in range(layers - 1))])
        self.exit = nn.Linear(width, self.features)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.decoded(self.written(latents))

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Mood) -> Tensor:
        return self.decoded(self.written(latents, sampling.temperature))

    def start(self, like: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Empty states of all layers, as many rows as ``like`` has."""
        empty = like.new_zeros(like.shape[0], self.width)
        return [(empty, empty) for _ in self.cells]

    def step(self, chance: Tensor, before: Tensor, states: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Scores [N, F] of the next note; ``states`` go on in place.

        Args:
            chance: random numbers, [N, NOISE].
            before: the note before, [N, F].
        """
        states[0] = self.cells[0]((chance, before), states[0])
        for i, cell in enumerate(self.cells[1:], 1):
            states[i] = cell((states[i - 1][0],), states[i])
        return self.exit(states[-1][0])

    def written(self, latents: Tensor, temperature: float = 1.0) -> Tensor:
        """Tunes [N, length, F] as D sees them; what is chosen lets gradients through as the softmax would."""
        parts = latents.reshape(latents.shape[0], self.length, -1)
        if self.choices:
            noise = gumbel(parts[..., NOISE:])[..., self.get_buffer("place")] * temperature + self.get_buffer("closed")
        states = self.start(parts)
        before = parts.new_zeros(parts.shape[0], self.features)
        found = []
        for i in range(self.length):
            before = self.step(parts[:, i, :NOISE], before, states)
            if self.choices:
                before = self.chosen(before + noise[:, i])
            found.append(before)
        return torch.stack(found, 1)

    def chosen(self, scores: Tensor) -> Tensor:
        """The best value of each column, one-hot [N, F], of scores with noise: arXiv:1611.01144, straight-through."""
        parts = scores.float().unflatten(1, (-1, self.places))
        hard = (parts >= parts.amax(2, keepdim=True)).to(parts.dtype)
        if torch.is_grad_enabled():
            soft = parts.softmax(2)
            hard = (soft - soft.detach()) + hard  # in this order it is exactly one-hot
        return hard.flatten(1)

    def predicted(self, notes: Tensor) -> Tensor:
        """Scores [N, T, F] of each of the real notes [N, T, F], given those before it and random numbers."""
        states = self.start(notes)
        before = torch.cat([torch.zeros_like(notes[:, :1]), notes[:, :-1]], 1)
        chance = torch.randn(*notes.shape[:2], NOISE, device=notes.device, dtype=notes.dtype)
        found = torch.stack([self.step(chance[:, i], before[:, i], states) for i in range(notes.shape[1])], 1)
        return found + self.get_buffer("closed") if self.choices else found

    def decoded(self, features: Tensor) -> Tensor:
        """What networks see, [N, L, F], as notes [N, L, 4]."""
        if not self.choices:
            return self.get_buffer("low") + (features + 1) / 2 * self.get_buffer("range")
        return (features.unflatten(-1, (-1, self.places)) * self.get_buffer("values")).sum(-1)


def gumbel(normal: Tensor) -> Tensor:
    """Noise of the Gumbel distribution from that of the normal one, of the same shape."""
    uniform = (0.5 * (1 + torch.erf(normal.float() / sqrt(2)))).clamp(LEAST, 1 - LEAST)
    return -(-uniform.log()).log()


class NoteDiscriminator(Discriminator):
    """Tunes [N, L, F] to logits [N]: an LSTM that reads both ways and decides at each note.

    The mean of these decisions, as probabilities, is that of the tune (section 3).
    """

    independent = True

    def __init__(self, features: int, width: int, layers: int) -> None:
        super().__init__()
        self.body = nn.LSTM(features, width, layers, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, 1)

    def forward(self, samples: Tensor, condition: Tensor | None = None) -> Tensor:
        decisions = self.head(self.body(samples)[0]).float().flatten(1)
        # log p - log (1 - p), where p is the mean of sigmoids: no probability rounds to 0 or 1.
        return logsigmoid(decisions).logsumexp(1) - logsigmoid(-decisions).logsumexp(1)
