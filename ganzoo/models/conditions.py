"""What a generator can be told beside its latent: nothing, a class, an embedding, a text, codes, or an image.

A generator owns its condition. The condition checks what a user asks for, says what is taken when no one asks, and
draws values where they are part of the game (the codes of InfoGAN). Conditions are modules, so that what they hold is
saved with the generator.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ganzoo.data.texts import plain_text, to_rows, words_in
from ganzoo.errors import UsageError, shown

YES_NO = {"yes": 1.0, "true": 1.0, "1": 1.0, "no": 0.0, "false": 0.0, "0": 0.0}
"""What can be written for an attribute."""


class Condition(nn.Module):
    """The base of all conditions. By itself it means that the generator takes none.

    Attributes:
        field: name of the batch field that holds the conditions of real samples; empty when they are drawn instead.
        classes: number of classes, for a condition that is one.
    """

    field: str = ""
    classes: int = 0

    @property
    def is_none(self) -> bool:
        """Whether the generator takes no condition."""
        return type(self) is Condition

    def draw(self, n: int, rng: torch.Generator | None = None) -> Tensor | None:
        """``n`` random conditions on the CPU, for training and sampling; None where there is nothing to draw."""
        return None

    def default(self, n: int, rng: torch.Generator | None = None) -> Tensor | None:
        """The conditions of ``n`` samples when no one asks for one."""
        return self.draw(n, rng)

    def parse(self, given: Any, n: int) -> Tensor | None:
        """What a user gives as conditions of ``n`` samples, checked, on the CPU.

        Raises:
            UsageError: wrong type, number or range.
        """
        raise UsageError("this generator was trained without labels: no class can be requested.")

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        """Conditions between ``a`` and ``b`` [n, ...] at ``t`` [n] in [0, 1]."""
        raise UsageError(f"there is nothing between two conditions of a {type(self).__name__}.")


class ClassCondition(Condition):
    """A class number, int64 [N].

    Args:
        classes: how many there are.
    """

    field = "labels"

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def draw(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        return torch.randint(self.classes, (n,), generator=rng)

    def default(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """0, 1, ... in turn."""
        return torch.arange(n) % self.classes

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        """Shares of classes between class numbers ``a`` and ``b`` [n], float32 [n, classes]; each row sums to 1.

        A generator takes them only where its ``mixes_classes`` says so.
        """
        return torch.lerp(one_hot(a, self.classes).float(), one_hot(b, self.classes).float(), t[:, None])

    def parse(self, given: Any, n: int) -> Tensor:
        labels = torch.as_tensor(given)
        if labels.is_floating_point() or labels.dtype == torch.bool or labels.dim() > 1:
            raise UsageError(f"labels {given!r}: give class numbers, one for each sample or one for all.")
        chosen = labels.to("cpu", torch.int64)
        chosen = chosen.expand(n) if chosen.dim() == 0 else chosen
        if len(chosen) != n:
            raise UsageError(f"{len(chosen)} labels for {n} samples: give one for each, or a single class.")
        if len(chosen) and (int(chosen.min()) < 0 or int(chosen.max()) >= self.classes):
            wrong = int(chosen.min()) if int(chosen.min()) < 0 else int(chosen.max())
            raise UsageError(f"class {wrong} is out of range: valid classes are 0 to {self.classes - 1}.")
        return chosen


class VectorCondition(Condition):
    """A vector of fixed length, float32 [N, length]; the base of embeddings and codes."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def parse(self, given: Any, n: int) -> Tensor:
        vectors = torch.as_tensor(given)
        if not vectors.is_floating_point() or vectors.shape[-1:] != (self.length,) or vectors.dim() not in (1, 2):
            raise UsageError(
                f"a condition of shape {list(vectors.shape)} and type {vectors.dtype}: this generator takes vectors "
                f"[N, {self.length}] of floats, or one [{self.length}] for all samples."
            )
        chosen = vectors.to("cpu", torch.float32)
        chosen = chosen.expand(n, -1) if chosen.dim() == 1 else chosen
        if len(chosen) != n:
            raise UsageError(f"{len(chosen)} vectors for {n} samples: give one for each, or a single one.")
        if not bool(chosen.isfinite().all()):
            raise UsageError("a condition holds a value that is not finite.")
        return chosen

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        return torch.lerp(a, b, t[:, None])


class EmbeddingCondition(VectorCondition):
    """An embedding, of a text for example, float32 [N, length].

    Args:
        length: of a vector.
        examples: how many embeddings of the training data the generator keeps, to sample from when no one gives one.
        field: name of the batch field that holds the embeddings.
    """

    examples: Tensor

    def __init__(self, length: int, examples: int = 64, field: str = "embeddings") -> None:
        super().__init__(length)
        self.field = field
        self.register_buffer("examples", torch.zeros(examples, length))

    def remember(self, embeddings: Tensor) -> None:
        """Keep the first rows of ``embeddings`` [M, length] as examples, again from the start if there are too few."""
        rows = torch.arange(len(self.examples)) % len(embeddings)
        self.examples.copy_(embeddings[rows])

    def draw(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        return self.examples.cpu()[torch.randint(len(self.examples), (n,), generator=rng)]

    def default(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """The examples in turn."""
        return self.examples.cpu()[torch.arange(n) % len(self.examples)]


class AttributeCondition(EmbeddingCondition):
    """Attributes, each 0 or 1, float32 [N, attributes].

    Args:
        names: of the attributes, in the order of the columns.
        examples: how many rows of the training data the generator keeps, to sample from when no one gives one.
    """

    def __init__(self, names: Sequence[str], examples: int = 64) -> None:
        super().__init__(len(names), examples, field="attributes")
        self.names = tuple(names)

    def columns(self, wanted: Mapping[str, str]) -> dict[int, float]:
        """``{"glasses": "yes", "hat": "no"}``: values by column.

        Raises:
            UsageError: an unknown attribute, or neither yes nor no.
        """
        known = {plain(name): column for column, name in enumerate(self.names)}
        found = {}
        for name, word in wanted.items():
            if plain(name) not in known:
                raise UsageError(f"attribute {name!r} is unknown: choose from {', '.join(self.names)}.")
            if word.lower() not in YES_NO:
                raise UsageError(f"{name} = {word!r}: write yes or no.")
            found[known[plain(name)]] = YES_NO[word.lower()]
        return found


class TextCondition(Condition):
    """A text, int64 [N, length]: bytes of UTF-8, zeros behind the end; or its embedding, float32 [N, E].

    Args:
        encoder: texts int64 [N, L] to embeddings [N, E]; saved with the generator, so that its weights are enough to
            ask for a text. None: of a file that takes texts and keeps no encoder by itself.
        length: bytes of a text, at most.
        words: those that are known, in lower case; empty: every word may be asked for.
        examples: how many texts of the training data the generator keeps, to sample from when no one gives one.
        field: name of the batch field that holds the texts.
    """

    examples: Tensor

    def __init__(
        self, encoder: nn.Module | None, length: int, words: Sequence[str] = (), examples: int = 64, field: str = "text"
    ) -> None:
        super().__init__()
        self.encoder, self.length, self.words, self.field = encoder, length, tuple(words), field
        self.register_buffer("examples", torch.zeros(examples, length, dtype=torch.int64))

    def remember(self, texts: Tensor) -> None:
        """Keep the first rows of ``texts`` int64 [M, length] as examples, again from the start if there are too few."""
        self.examples.copy_(texts[torch.arange(len(self.examples)) % len(texts)])

    def draw(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        return self.examples.cpu()[torch.randint(len(self.examples), (n,), generator=rng)]

    def default(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """The examples in turn."""
        return self.examples.cpu()[torch.arange(n) % len(self.examples)]

    def embed(self, given: Tensor) -> Tensor:
        """Embeddings [N, E] of texts int64 [N, L]; embeddings stay as they are."""
        if given.is_floating_point():
            return given
        if self.encoder is None:
            raise UsageError("this generator keeps no encoder of texts by itself: there is nothing between two texts.")
        found: Tensor = self.encoder(given)
        return found

    def row(self, text: str, name: str = "text") -> Tensor:
        """A text as a row int64 [length].

        Args:
            name: of what holds it, for messages.

        Raises:
            UsageError: empty, too long, or with a word that is not known.
        """
        plain = plain_text(text)
        if not words_in(plain):
            raise UsageError(f"{name} = {shown(text)} holds no word.")
        if (size := len(plain.encode())) > self.length:
            raise UsageError(f"{name} = {shown(text)} has {size:,} bytes: this generator takes {self.length} at most.")
        for word in words_in(plain) if self.words else []:
            if word not in self.words:
                near = get_close_matches(word, self.words, 3, 0.5) or sorted(self.words)[:8]
                said = ", ".join(near)
                raise UsageError(
                    f"{name} = {shown(text)}: {shown(word)} is in no text of the training data. Near: {said}."
                )
        return to_rows([plain], self.length)[0]

    def parse(self, given: Any, n: int) -> Tensor:
        """A text, or a list of ``n`` texts; rows int64 [N, L], or one; embeddings float32 [N, E], or one."""
        if isinstance(given, str):
            return self.row(given).expand(n, -1)
        if isinstance(given, list | tuple) and all(isinstance(text, str) for text in given):
            chosen = torch.stack([self.row(text) for text in given]) if given else torch.zeros(0, self.length).long()
        else:
            chosen = torch.as_tensor(given).cpu()
            if chosen.dim() not in (1, 2) or chosen.dtype not in (torch.int64, torch.float32):
                raise UsageError("give a text, a text for each sample, or rows of bytes int64 [N, L].")
            if chosen.dtype == torch.int64 and chosen.numel() and not 0 <= int(chosen.min()) <= int(chosen.max()) < 256:
                raise UsageError("a row of bytes holds a number that is no byte: 0 to 255.")
            chosen = chosen.expand(n, -1) if chosen.dim() == 1 else chosen
        if len(chosen) != n:
            raise UsageError(f"{len(chosen)} texts for {n} samples: give one for each, or a single one.")
        return chosen

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        """Embeddings between those of two texts, float32 [n, E]: arXiv:1605.05396, section 4.3."""
        here = next((p.device for p in self.parameters()), a.device)
        return torch.lerp(self.embed(a.to(here)), self.embed(b.to(here)), t.to(here)[:, None])


def plain(name: str) -> str:
    """The name of an attribute without what may be written one way or another: ``Long-Hair`` is ``long_hair``."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


class CodeCondition(VectorCondition):
    """Codes as in InfoGAN (arXiv:1606.03657, section 7): one-hot vectors, then numbers in [-1, 1], float32 [N, length].

    Args:
        categorical: number of choices of each categorical code.
        continuous: number of continuous codes.
    """

    def __init__(self, categorical: Sequence[int] = (), continuous: int = 0) -> None:
        super().__init__(sum(categorical) + continuous)
        self.categorical, self.continuous = tuple(categorical), continuous

    def draw(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """Uniform over the choices, and uniform in [-1, 1]."""
        chosen = [torch.randint(choices, (n,), generator=rng) for choices in self.categorical]
        numbers = torch.rand(n, self.continuous, generator=rng) * 2 - 1
        return self.encode(chosen, numbers)

    def encode(self, chosen: Sequence[Tensor], numbers: Tensor) -> Tensor:
        """Choices, int64 [N] each, and numbers [N, continuous] as one vector [N, length]."""
        parts = [one_hot(choice, choices).float() for choice, choices in zip(chosen, self.categorical, strict=True)]
        return torch.cat([*parts, numbers], dim=1)

    def decode(self, codes: Tensor) -> tuple[list[Tensor], Tensor]:
        """The inverse of :meth:`encode`: what each categorical code chooses, and the numbers."""
        *parts, numbers = codes.split([*self.categorical, self.continuous], dim=1)
        return [part.argmax(1) for part in parts], numbers


class ImageCondition(Condition):
    """An image [N, *shape] in [-1, 1], of a generator that also takes a latent.

    Args:
        shape: (C, H, W).
        field: name of the batch field that holds the images.
    """

    def __init__(self, shape: Sequence[int], field: str = "images") -> None:
        super().__init__()
        self.shape, self.field = tuple(shape), field

    def default(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        raise UsageError(f"this generator needs an image {list(self.shape)} for every sample.")

    def parse(self, given: Any, n: int) -> Tensor:
        if not isinstance(given, Tensor) or tuple(given.shape) not in ((n, *self.shape), self.shape):
            raise UsageError(f"this generator takes images [N, {', '.join(map(str, self.shape))}] in [-1, 1].")
        return given.cpu().float().expand(n, *self.shape)

    def interpolate(self, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        return torch.lerp(a, b, t.view(-1, 1, 1, 1))


def condition_of(given: Condition | int) -> Condition:
    """A condition as it is, or the condition on that many classes; 0 is none."""
    if isinstance(given, Condition):
        return given
    return ClassCondition(given) if given else Condition()
