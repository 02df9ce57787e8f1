"""``ganzoo plugins``: which plugins there are, what they bring, and what is wrong with them."""

import dataclasses
from fnmatch import fnmatchcase

import click

from ganzoo.cli.options import emit_json, emit_table
from ganzoo.registry.registry import plural, registry


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Health of the plugins: ok, slow (imports something heavy at its top) or broken, and why."""
    show_plugins(as_json, None)


def show_plugins(as_json: bool, pattern: str | None) -> None:
    """Print all plugins, or those whose name matches a shell pattern."""
    zoo = registry()
    root = click.get_current_context().find_root().command
    if isinstance(root, click.Group):
        root.list_commands(click.get_current_context())  # plugins add their commands now, and some may fail to
    found = [p for p in zoo.plugins if pattern is None or fnmatchcase(p.name, pattern)]
    if as_json:
        emit_json({"plugins": [dataclasses.asdict(p) for p in found], "conflicts": zoo.conflicts()})
        return
    rows = []
    for p in found:
        brings = "; ".join(f"{plural(kind)}: {', '.join(names)}" for kind, names in p.provides.items())
        rows.append((p.name, p.distribution, p.version, p.status, p.reason or brings or "hooks only"))
    emit_table(("PLUGIN", "FROM", "VERSION", "STATUS", "BRINGS, OR WHAT IS WRONG"), rows)
    for reason in zoo.conflicts():
        click.echo(f"{click.style('warning:', fg='yellow')} {reason}.", err=True)
