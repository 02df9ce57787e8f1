"""What is asked of ``ganzoo sample``, from words: terms of an arithmetic, classes of a morph, what contradicts what."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganzoo.cli.options import choose_classes
from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from ganzoo.models.latents import Term

FILMS = (".gif", ".mp4")
"""Endings of films."""
MOST_SEED = 2**63 - 1
MOST_SEEDS, MOST_TERMS = 10, 10
"""More would not fit into a picture."""
TERM = re.compile(r"\s*([+-]?)\s*(\d+(?:\s*,\s*\d+)*)\s*")


def parse_terms(text: str) -> "list[Term]":
    """``"1,2,3 - 4,5,6 + 7,8,9"``: seeds whose latents are averaged, with their signs.

    Raises:
        UsageError: what is written is something else.
    """
    from ganzoo.models.latents import Term

    if not text.strip():
        raise UsageError('--arithmetic needs seeds, such as "1,2,3 - 4,5,6 + 7,8,9".')
    terms: list[Term] = []
    place = 0
    while place < len(text):
        found = TERM.match(text, place)
        if found is None or (terms and not found[1]):
            raise UsageError(
                f'--arithmetic {text!r}: cannot read {text[place:].strip()!r}; write seeds as "1,2,3 - 4,5,6 + 7,8,9".'
            )
        seeds = tuple(int(seed) for seed in found[2].split(","))
        if max(seeds) > MOST_SEED:
            raise UsageError(f"--arithmetic {text!r}: seed {max(seeds)} is above {MOST_SEED}.")
        terms.append(Term(-1 if found[1] == "-" else 1, seeds))
        place = found.end()
    if len(terms) > MOST_TERMS or max(len(term.seeds) for term in terms) > MOST_SEEDS:
        raise UsageError(f"--arithmetic {text!r}: at most {MOST_TERMS} terms of {MOST_SEEDS} seeds fit into a picture.")
    return terms


def parse_morph(text: str, count: int, names: tuple[str, ...]) -> list[int]:
    """``"3,8"`` or ``"all"``: the classes that a morph passes through.

    Args:
        count: how many classes the generator has.
        names: of the classes of its data.

    Raises:
        UsageError: no classes, fewer than two, or one that does not exist.
    """
    if not count:
        raise UsageError(f"--morph {text}: this generator was trained without labels, it has no classes to go through.")
    chosen: list[int] = []
    for part in text.split(","):
        try:
            chosen += choose_classes(part.strip(), count, names)
        except UsageError as error:
            raise UsageError(str(error).replace("--class", "--morph", 1)) from None
    if len(chosen) < 2:
        raise UsageError(f"--morph {text}: name two classes at least, such as --morph 0,1, or all.")
    return chosen


def refuse_together(given: Sequence[str], word: str, reason: str, allowed: Sequence[str] = ()) -> None:
    """Raise UsageError for the first option of ``given`` that does not go with ``word``."""
    wrong = [other for other in given if other not in allowed]
    if wrong:
        raise UsageError(f"{wrong[0]} does not go with {word}: {reason}")
