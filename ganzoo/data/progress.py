"""How long preparations tell what they are doing; apart from base.py, which needs torch."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, total)`` by long preparations; ``total`` is 0 when not known."""


def silent(what: str, done: int, total: int) -> None:
    """A :data:`Progress` that shows nothing."""
