"""What variants share that draw what a text says: encoders of texts, their training, settings of sampling.

A text is a row of bytes, int64 [N, L], zeros behind the end. Encoders turn it into an embedding [N, E].
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d, relu

from ganzoo.plugin import ConfigError, Generator, Options, TextCondition, UsageError, option, to_texts

COLUMNS = 8
"""Samples in a row of a picture: of one text, or from one text to another."""
MOST_LINES, MOST_BYTES = 1_000, 2**20
"""Of a file of texts."""
LIBRARY, INSTALL = "sentence_transformers", 'pip install "ganzoo[text]"'
PRETRAINED = "sentence-transformers:"
TRAINED = "trained"


class TextEncoder(nn.Module):
    """Texts int64 [N, L] to embeddings [N, length]: convolutions over letters, and the largest value of each feature.

    The form is that of the character networks of arXiv:1605.05395, section 4, smaller and without a recurrent layer.
    An embedding does not depend on the zeros behind a text.

    Args:
        length: of an embedding.
        width: features of the first layer.
    """

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.length = length
        self.letters = nn.Embedding(256, width, padding_idx=0)
        maps = width, 2 * width, 4 * width
        self.layers = nn.ModuleList(
            nn.Conv1d(inputs, outputs, 3, padding=1) for inputs, outputs in zip((width, *maps), maps, strict=False)
        )
        self.last = nn.Linear(maps[-1], length)

    def forward(self, texts: Tensor) -> Tensor:
        there = (texts > 0).float()[:, None]
        found = self.letters(texts).transpose(1, 2) * there
        for number, layer in enumerate(self.layers):
            if number:
                found, there = (max_pool1d(each, 2, ceil_mode=True) for each in (found, there))
            found = relu(layer(found)) * there  # what stands behind a text must not be seen
        return self.last(found.amax(2))


class PretrainedEncoder(nn.Module):
    """Texts int64 [N, L] to embeddings [N, length] by a model of sentence-transformers, which is not saved.

    What was embedded once is remembered.

    Args:
        name: of a model, or the path of its folder.

    Raises:
        ConfigError: the package is missing, or has no such model.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        said = f"text_encoder = {PRETRAINED + name!r}"
        try:
            library = import_module(LIBRARY)
        except ImportError as error:
            raise ConfigError(f"{said} needs the package sentence-transformers: {INSTALL}.") from error
        try:
            self._embed = library.SentenceTransformer(name, device="cpu").encode
        except Exception as error:  # the library raises many kinds
            first = " ".join(str(error).split())[:200]
            raise ConfigError(f"{said}: no such model is here, and it could not be fetched ({first}).") from error
        self._known: dict[str, Tensor] = {}
        self.length = len(self.embedded("a"))

    def embedded(self, text: str) -> Tensor:
        """The embedding of one text, float32 [length], on the CPU."""
        if text not in self._known:
            self._known[text] = torch.as_tensor(self._embed([text], show_progress_bar=False)[0]).float().cpu()
        return self._known[text]

    def forward(self, texts: Tensor) -> Tensor:
        return torch.stack([self.embedded(text) for text in to_texts(texts)]).to(texts.device)

    def __deepcopy__(self, memo: dict[int, Any]) -> "PretrainedEncoder":
        return self  # an average of the generator needs no second model


def joint_loss(images: Tensor, texts: Tensor, same: Tensor, margin: float = 1.0) -> Tensor:
    """Structured joint embedding (arXiv:1605.05395, equations 2 to 5, over a batch): a hinge, both ways, 0-d.

    The product of an image and its own text is to be larger, by a margin, than that with every other text, and than
    that of every other image with the text.

    Args:
        images, texts: embeddings [N, E]; row i of both belongs together.
        same: bool [N, N], where two texts are equal: those are no contradiction.
    """
    score = images @ texts.T
    own = score.diagonal()
    wrong = (~same).float()
    by_image = (margin + score - own[:, None]).relu() * wrong
    by_text = (margin + score - own[None]).relu() * wrong
    return (by_image + by_text).sum() / wrong.sum().clamp_min(1)


def equal_rows(texts: Tensor) -> Tensor:
    """Which of texts int64 [N, L] are equal: bool [N, N]."""
    return (texts[:, None] == texts[None]).all(2)


def mismatched(texts: Tensor) -> tuple[Tensor, Tensor]:
    """For each text one of the others in the batch that says something else, at random.

    Returns:
        (its number int64 [N], whether there is one bool [N]).
    """
    other = (~equal_rows(texts)).float()
    there = other.sum(1) > 0
    return torch.multinomial(torch.where(there[:, None], other, 1.0), 1)[:, 0], there


@dataclass(frozen=True, kw_only=True)
class Texts(Options):
    """Settings of sampling."""

    text: str = option("", "what is to be drawn, such as 'a small red star'; empty: texts of the training data")
    texts: str = option("", "a file of texts, one a line; each is drawn in a row of eight", path="one")
    to: str = option("", "with text: rows of eight go from that text to this one, and latents stand still")


class TextGenerator(Generator):
    """A generator whose condition is a text; it keeps the encoder of texts, which stands still while it learns.

    Args:
        encoder: see :class:`ganzoo.plugin.TextCondition`.
        length, words: of texts: what the data set tells.
    """

    Sampling = Texts

    def __init__(self, latent_dim: int, encoder: nn.Module, length: int, words: tuple[str, ...]) -> None:
        super().__init__(latent_dim, TextCondition(encoder.requires_grad_(False), length, words))

    @property
    def told(self) -> TextCondition:
        """Its condition."""
        assert isinstance(self.condition, TextCondition), "made by __init__"
        return self.condition

    def drawn(self, latents: Tensor, embeddings: Tensor) -> Tensor:
        """Samples of embeddings [N, E]."""
        raise NotImplementedError(f"{type(self).__name__} must implement drawn(latents, embeddings)")

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        if condition is None:
            raise UsageError("this generator needs texts: give one for each sample.")
        return self.drawn(latents, self.told.embed(condition))

    def condition_from(self, sampling: Texts, n: int, rng: torch.Generator) -> Tensor | None:
        """Texts as they are asked for, rows int64 [n, L]; on the way from one to another embeddings [n, E]."""
        if sampling.to and not sampling.text:
            raise UsageError(f"to = {sampling.to!r} needs a text to begin with: text=...")
        if sampling.text and sampling.texts:
            raise UsageError("text and texts: give one of them.")
        place = torch.arange(n)
        if sampling.texts:
            rows = torch.stack([self.told.row(text, name) for name, text in lines_of(Path(sampling.texts))])
            return rows[place // COLUMNS % len(rows)]
        if not sampling.text:
            return None
        begin = self.told.row(sampling.text).expand(n, -1)
        if not sampling.to:
            return begin
        end = self.told.row(sampling.to, "to").expand(n, -1)
        with torch.no_grad():
            return self.told.interpolate(begin, end, torch.linspace(0, 1, COLUMNS)[place % COLUMNS])

    def stream(
        self,
        n: int,
        condition: Any = None,
        seed: int = 0,
        batch_size: int = 500,
        batches: slice = slice(None),
        **sampling: Any,
    ) -> Iterator[Tensor]:
        """As every generator's; on the way from text to text in batches of whole rows."""
        if sampling.get("to"):
            batch_size = max(COLUMNS, batch_size // COLUMNS * COLUMNS)
        return super().stream(n, condition, seed, batch_size, batches, **sampling)

    def along_rows(self, latents: Tensor, sampling: Texts) -> Tensor:
        """Latents of which the first of a row stands for all of it, on the way from text to text."""
        if not sampling.to:
            return latents
        return latents[torch.arange(len(latents), device=latents.device) // COLUMNS * COLUMNS]

    def generate(self, latents: Tensor, condition: Tensor | None, sampling: Any) -> Tensor:
        return self(self.along_rows(latents, sampling), condition)


def lines_of(path: Path) -> list[tuple[str, str]]:
    """The lines of a file that are not empty, each with its place for messages.

    Raises:
        UsageError: it cannot be read, is no text in UTF-8, or holds nothing, or too much.
    """
    try:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            raise UsageError(f"texts = {path} has {path.stat().st_size:,} bytes: {MOST_BYTES:,} at most are read.")
        if path.exists() and not path.is_file():
            raise UsageError(f"texts = {path} is no file.")
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"texts = {path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"texts = {path} is not in UTF-8: save it as UTF-8, a text a line.") from error
    found = [(f"{path}, line {number}", line) for number, line in enumerate(lines, 1) if line.strip()]
    if not 1 <= len(found) <= MOST_LINES:
        raise UsageError(f"texts = {path} holds {len(found):,} texts: it must be 1 to {MOST_LINES:,}, one a line.")
    return found
