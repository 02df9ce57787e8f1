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
Alphabet = Mapping[str, Sequence[float]]
"""The values that each of the four numbers of a note takes in the data."""


@dataclass(frozen=True, kw_only=True)
class Mood(Options):
    """Settings of sampling."""

    temperature: float = option(
        1.0, "how much chance there is in choosing notes: 0: none, 1: as trained", at_least=0, at_most=10
    )


def encoded(notes: Tensor, alphabet: Alphabet, choices: bool) -> Tensor:
    """Notes [..., 4] as networks see them, [..., F]: the nearest value of each column one-hot, or each as a number from
    -1 to 1 over its range."""
    columns = notes.unbind(-1)
    values = [torch.tensor(list(each), device=notes.device) for each in alphabet.values()]
    if not choices:
        return torch.stack([(c - v.min()) * (2 / width(v)) - 1 for c, v in zip(columns, values, strict=True)], -1)
    nearest = [(c[..., None] - v).abs().argmin(-1) for c, v in zip(columns, values, strict=True)]
    return torch.cat([one_hot(n, len(v)) for n, v in zip(nearest, values, strict=True)], -1).to(notes.dtype)


def width(values: Tensor) -> float:
    """From the least to the largest; 1 where there is a single one."""
    return float(values.max() - values.min()) or 1.0


class Cell(nn.Module):
    """A step of an LSTM: input [N, I] and state to the next state, (output, memory) each [N, width]."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.gates = nn.Linear(inputs + width, 4 * width)

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        output, memory = state
        into, keep, new, out = self.gates(torch.cat([inputs, output], 1)).chunk(4, 1)
        # One more keeps the memory at the beginning of a training, as the authors' cells do.
        memory = torch.sigmoid(keep + 1) * memory + torch.sigmoid(into) * torch.tanh(new)
        return torch.sigmoid(out) * torch.tanh(memory), memory


class NoteGenerator(Generator):
    """Latents [N, latent_dim] to notes [N, length, 4]. Each step gets random numbers and the note before.

    A note is chosen among the values in the data, or four numbers as in the paper. What is chosen follows from the
    latents too, which become Gumbel noise: the same latents are the same tune.

    Args:
        length: notes of a tune.
        layers: LSTMs on top of each other.
        choices: notes are chosen.
    """

    Sampling = Mood

    def __init__(self, length: int, width: int, layers: int, alphabet: Alphabet, choices: bool) -> None:
        sizes = [len(values) for values in alphabet.values()] if choices else [1] * len(alphabet)
        features = sum(sizes)
        super().__init__(length * (NOISE + features * choices))
        self.length, self.width, self.choices, self.sizes = length, width, choices, sizes
        for name, values in alphabet.items():
            self.register_buffer(f"values_{name}", torch.tensor(list(values)))
        self.columns = tuple(alphabet)
        self.entry = nn.Sequential(nn.Linear(NOISE + features, width), nn.ReLU())
        self.cells = nn.ModuleList(Cell(width, width) for _ in range(layers))
        self.exit = nn.Linear(width, features)

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.decoded(self.written(latents))

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Mood) -> Tensor:
        return self.decoded(self.written(latents, sampling.temperature))

    def start(self, like: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Empty states of all layers, as many rows as ``like`` has."""
        empty = like.new_zeros(like.shape[0], self.width)
        return [(empty, empty) for _ in self.cells]

    def step(self, noise: Tensor, before: Tensor, states: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Scores [N, F] of the next note; ``states`` go on in place."""
        found = self.entry(torch.cat([noise, before], 1))
        for i, cell in enumerate(self.cells):
            states[i] = cell(found, states[i])
            found = states[i][0]
        return self.exit(found)

    def written(self, latents: Tensor, temperature: float = 1.0) -> Tensor:
        """Tunes [N, length, F] as D sees them; what is chosen lets gradients through as the softmax would."""
        parts = latents.reshape(latents.shape[0], self.length, -1)
        states = self.start(parts)
        before = parts.new_zeros(parts.shape[0], sum(self.sizes))
        found = []
        for i in range(self.length):
            before = self.step(parts[:, i, :NOISE], before, states)
            if self.choices:
                before = self.chosen(before, gumbel(parts[:, i, NOISE:]) * temperature)
            found.append(before)
        return torch.stack(found, 1)

    def chosen(self, scores: Tensor, noise: Tensor) -> Tensor:
        """One value of each column, one-hot [N, F], by scores with noise: arXiv:1611.01144, straight-through."""
        found = []
        for part in (scores.float() + noise).split(self.sizes, 1):
            hard = one_hot(part.argmax(1), part.shape[1]).to(part.dtype)
            soft = part.softmax(1)
            found.append((soft - soft.detach()) + hard)  # in this order it is exactly one-hot
        return torch.cat(found, 1)

    def predicted(self, notes: Tensor) -> Tensor:
        """Scores [N, T, F] of each of the real notes [N, T, F], given those before it and random numbers."""
        states = self.start(notes)
        before = torch.cat([torch.zeros_like(notes[:, :1]), notes[:, :-1]], 1)
        noise = torch.randn(*notes.shape[:2], NOISE, device=notes.device, dtype=notes.dtype)
        return torch.stack([self.step(noise[:, i], before[:, i], states) for i in range(notes.shape[1])], 1)

    def decoded(self, features: Tensor) -> Tensor:
        """What networks see, [N, L, F], as notes [N, L, 4]."""
        values = [self.get_buffer(f"values_{name}") for name in self.columns]
        if not self.choices:
            low = torch.stack([each.min() for each in values])
            span = torch.stack([each.max() - each.min() for each in values])
            return low + (features + 1) / 2 * span.where(span > 0, torch.ones_like(span))
        parts = features.split(self.sizes, -1)
        return torch.stack([(part * each).sum(-1) for part, each in zip(parts, values, strict=True)], -1)


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
