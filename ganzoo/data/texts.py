"""Texts as tensors: a row of bytes for each, int64 [N, L], UTF-8, zeros behind the end.

Texts are in lower case, with single spaces. What a network must know of them stands in ``DataInfo.extra``:
``text_length``, the bytes of a row, and ``words``, those of the training data.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

LONGEST = 256
"""Bytes of a text that are kept, at most."""
MOST_WORDS = 20_000
"""Words that are remembered, the most frequent ones."""
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def plain_text(text: str) -> str:
    """Lower case, single spaces."""
    return " ".join(text.lower().split())


def words_in(text: str) -> list[str]:
    """The words of a text, in order: letters and digits, with hyphens and apostrophes between them."""
    return _WORD.findall(text.lower())


def to_rows(texts: Sequence[str], length: int) -> Tensor:
    """Rows int64 [N, length] of texts that are as :func:`plain_text` gives them, none longer than ``length`` bytes."""
    rows = torch.zeros((len(texts), length), dtype=torch.int64)
    for row, text in zip(rows, texts, strict=True):
        content = text.encode()
        row[: len(content)] = torch.tensor(list(content), dtype=torch.int64)
    return rows


def to_texts(rows: Tensor) -> list[str]:
    """The inverse of :func:`to_rows`."""
    return [bytes(row.tolist()).rstrip(b"\0").decode(errors="replace") for row in rows.cpu()]


def cut(text: str, most: int = LONGEST) -> str:
    """A text of at most so many bytes: its first whole words, or its first letters where a word alone is longer."""
    if len(text.encode()) <= most:
        return text
    start = text.encode()[: most + 1].decode(errors="ignore")
    return start.rpartition(" ")[0] or start.encode()[:most].decode(errors="ignore")


def facts(texts: Iterable[str], length: int) -> dict[str, Any]:
    """What networks must know of the texts of the training data, for ``DataInfo.extra``."""
    counts = Counter(word for text in texts for word in words_in(text))
    most = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
    return {"text_length": length, "words": sorted(most)}
