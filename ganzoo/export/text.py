"""Texts that leave home: names that may hold anything, made safe for Markdown, YAML and Python, and free of folders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARKS = "*_[]#!~&"


def one_line(text: object) -> str:
    """A text as it may stand in code, in YAML between double quotes, and in Markdown between backticks: one line.

    Control characters, quotes, backslashes, backticks, bars and angle brackets become spaces.
    """
    return " ".join("".join(c if c.isprintable() and c not in '`|<>"\\' else " " for c in str(text)).split())


def markdown(text: object) -> str:
    """A text as it may stand in Markdown: it makes no heading, link, picture or HTML."""
    return "".join(f"\\{c}" if c in MARKS else c for c in one_line(text))


def public_name(name: str) -> str:
    """``folder:/home/me/photos`` as ``folder:photos``: what is passed on does not tell where things lie here."""
    word, sign, rest = name.partition(":")
    return f"{word}{sign}{Path(rest).name}" if sign and ("/" in rest or "\\" in rest) else name


def public_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """The header of a weights file without the folders of the machine that it comes from."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            name = public_name(value)
            return Path(name).name if Path(name).is_absolute() else name
        if isinstance(value, Mapping):
            return {key: cleaned(item) for key, item in value.items()}
        return [cleaned(item) for item in value] if isinstance(value, list | tuple) else value

    found: dict[str, Any] = cleaned(header)
    return found
