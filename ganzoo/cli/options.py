"""Pieces that several commands share: JSON output, tables, ``-o key=value``."""

import json
from collections.abc import Sequence
from typing import Any

import click

from ganzoo.errors import UsageError


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

    def line(row: Sequence[str]) -> str:
        start = "".join(cell.ljust(w + 2) for cell, w in zip(row[:-1], widths[:-1], strict=True))
        parts = textwrap.wrap(row[-1], room) or [""]
        return ("\n" + " " * indent).join([start + parts[0], *parts[1:]]).rstrip()

    click.echo(click.style(line(header), bold=True))
    for row in rows:
        click.echo(line(row))


def parse_assignments(pairs: Sequence[str]) -> dict[str, str]:
    """``("lr=0.1",)`` to ``{"lr": "0.1"}``.

    Raises:
        UsageError: no ``=``, or one key twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not sign or not key:
            raise UsageError(f"-o {pair}: write it as -o KEY=VALUE.")
        if key in found:
            raise UsageError(f"-o {key} is given twice: {found[key]} and {text}.")
        found[key] = text.strip()
    return found
