"""Pieces that several commands share: JSON output, tables, ``-o key=value``, classes, outputs."""

import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from ganzoo.errors import UnknownNameError, UsageError

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;]*m)")


class Source(click.Path):
    """A path, or ``zoo:NAME`` for weights that come with a plugin."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from ganzoo.runs.shipped import located

        return super().convert(located(value) if isinstance(value, str) else value, param, ctx)


SOURCE = Source()


def speak(text: str) -> None:
    """A line on stderr. If no one reads it, or the disk behind it is full, the work goes on in silence."""
    with suppress(OSError, ValueError):
        # Not err=True: click would look behind sys.stderr, where a panel puts lines above itself.
        click.echo(without_controls(text), file=sys.stderr)


def without_controls(text: str) -> str:
    """A text for a terminal: control characters, which names from elsewhere may hold, are written out.

    Line ends, tabs, and the colours that click sets stay.
    """
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def emit_json(value: Any) -> None:
    """Print a value as JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def emit_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns to stdout: bold headings on a terminal, plain text in a pipe.

    The last column is wrapped to the terminal's width; nothing is cut.
    """
    import shutil
    import textwrap

    if not rows:
        return
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    indent = sum(w + 2 for w in widths[:-1])
    room = max(30, shutil.get_terminal_size((120, 24)).columns - indent)

    rows = [[without_controls(cell) for cell in row] for row in rows]

    def line(row: Sequence[str]) -> str:
        start = "".join(cell.ljust(w + 2) for cell, w in zip(row[:-1], widths[:-1], strict=True))
        parts = textwrap.wrap(row[-1], room) or [""]
        return ("\n" + " " * indent).join([start + parts[0], *parts[1:]]).rstrip()

    click.echo(click.style(line(header), bold=True))
    for row in rows:
        click.echo(line(row))


def parse_assignments(pairs: Sequence[str], flag: str = "-o") -> dict[str, str]:
    """``("lr=0.1",)`` to ``{"lr": "0.1"}``; ``flag`` is what stood before them, for messages.

    Raises:
        UsageError: no ``=``, or one key twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not sign or not key:
            raise UsageError(f"{flag} {pair}: write it as {flag} KEY=VALUE.")
        if key in found:
            raise UsageError(f"{flag} {key} is given twice: {found[key]} and {text}.")
        found[key] = text.strip()
    return found


def choose_classes(wanted: str | None, count: int, names: tuple[str, ...]) -> list[int]:
    """The numbers of the classes requested: one, all, or none when none was named.

    Args:
        count: how many classes the generator has.
        names: of the classes of its data; taken only if they are as many.

    Raises:
        UsageError: a class that does not exist.
    """
    if wanted is None:
        return []
    if wanted == "all":
        return list(range(count))
    names = names if len(names) == count else tuple(map(str, range(count)))
    if wanted in names:
        return [names.index(wanted)]
    try:
        k = int(wanted)
    except ValueError:
        raise UnknownNameError("class", wanted, names) from None
    if not 0 <= k < count:
        raise UsageError(f"--class {k} is out of range: valid classes are 0 to {count - 1} or all.")
    return [k]


def refuse_output(target: Path, overwrite: bool) -> None:
    """Raise UsageError for an output that cannot be; nothing of the user's is replaced unasked."""
    if target.suffix and not target.is_dir():
        if target.exists() and not overwrite:
            raise UsageError(f"{target} exists: add --overwrite, or choose another --output.")
        if not target.absolute().parent.is_dir():
            raise UsageError(f"{target.parent}: no such folder.")
    elif target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists and is not an empty folder: choose another --output.")
    above = next(parent for parent in target.absolute().parents if parent.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        raise UsageError(f"{target} cannot be written: {above} is not writable. Choose another --output.")
