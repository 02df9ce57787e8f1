"""``ganzoo info NAME``: the card of a registered thing."""

import dataclasses
import inspect
import re
import typing
from pathlib import Path
from typing import Any

import click

from ganzoo.cli.options import emit_json, emit_table
from ganzoo.errors import UnknownNameError, UsageError
from ganzoo.registry.registry import Catalogue, registry
from ganzoo.runtime.files import replace_text

APART = ("name", "kind", "settings", "defaults_by_kind", "presets", "card")
"""Parts of a card that are shown in a form of their own."""
SHARED = ("every run", "tricks")
"""Whose settings are shown only when they are requested."""
NOT_TEXT = re.compile(r"^```math\n.*?^```\n\n?|^!\[[^\n]*\n\n?", re.M | re.S)
"""What a terminal cannot show of a card: the formula as LaTeX, which it also says in words, and pictures."""


@click.command("info")
@click.argument("name")
@click.option("--all", "everything", is_flag=True, help="Also the settings of every run, and the tricks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: always everything.")
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg",
              help="Draw a variant's networks into a file instead.")  # fmt: skip
def command(name: str, everything: bool, as_json: bool, figure: Path | None) -> None:
    """The card of a variant, data set, loss or metric: the idea, its settings, who provides it."""
    zoo = registry()
    name = name.removeprefix("zoo:")  # as weights are listed
    holders = [c for c in zoo.catalogues().values() if name in c]
    if not holders:
        names = [n for c in zoo.catalogues().values() for n in c]
        raise UnknownNameError("name", name, names, "'ganzoo list KIND' shows all of a kind.")
    if figure is not None:
        draw(name, figure)
        return
    for catalogue in holders:
        card = variant_card(name) if catalogue.kind == "variant" else plain_card(catalogue, name)
        if as_json:
            emit_json(card)
        else:
            show(card, everything)


def draw(name: str, file: Path) -> None:
    """Write the figure of a variant and print where it lies.

    Raises:
        UsageError: it is no variant, the file is no ``.svg``, or its folder does not exist.
    """
    from ganzoo.anatomy.draw import figure
    from ganzoo.anatomy.flow import anatomy

    if name not in registry().variants:
        raise UsageError(f"--figure {file}: {name!r} is no variant, and variants alone have networks.")
    if file.suffix.lower() != ".svg":
        raise UsageError(f"--figure {file}: the figure is an SVG; end the name with .svg.")
    if not file.parent.is_dir():
        raise UsageError(f"--figure {file}: there is no folder {file.parent}.")
    replace_text(file, figure(anatomy(name)))
    click.echo(file)


def plain_card(catalogue: Catalogue[Any], name: str) -> dict[str, Any]:
    """Everything a spec says."""
    spec, plugin = catalogue.spec(name), catalogue.plugin(name)
    return {
        "kind": catalogue.kind,
        **dataclasses.asdict(spec),
        "provided by": f"{plugin.distribution} {plugin.version} (plugin {plugin.name})",
    }


def variant_card(name: str) -> dict[str, Any]:
    """The spec, every setting with its default, meaning and choices, and the ``card.md`` beside the variant's code."""
    from ganzoo.config.fields import describe
    from ganzoo.config.settings import RunConfig, Tricks
    from ganzoo.data.needs import usual_dataset
    from ganzoo.models.load import load_variant

    variant = load_variant(name)
    defaults = {"dataset": usual_dataset(name), **variant.defaults}
    settings = []
    for holder, whose in (
        (RunConfig, "every run"), (Tricks, "tricks"), (variant.Options, name), (variant.Sampling, "sample -s"),
        (variant.Scoring, "score -s"),
    ):  # fmt: skip
        hints = typing.get_type_hints(holder)
        for f in dataclasses.fields(holder):
            if "help" in f.metadata and f.name not in variant.unsupported:
                settings.append(
                    {
                        "key": f.name,
                        "default": defaults.get(f.name, f.default),
                        "type": describe(hints[f.name]),
                        "help": f.metadata["help"],
                        "of": whose,
                    }
                )
    card = Path(inspect.getfile(variant)).with_name("card.md")
    return {
        **plain_card(registry().variants, name),
        "settings": settings,
        "defaults_by_kind": {kind: dict(values) for kind, values in variant.defaults_by_kind.items()},
        "presets": {name: dict(values) for name, values in variant.presets.items()},
        "card": card.read_text(encoding="utf-8") if card.is_file() else "",
    }


def as_text(value: Any) -> str:
    """A setting as it is typed."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def show(card: dict[str, Any], everything: bool) -> None:
    """Print a card as text: what its author wrote first, then what the spec says, then settings."""
    if card.get("card"):
        click.echo(NOT_TEXT.sub("", card["card"]).rstrip())
        click.echo()
    click.echo(click.style(f"{card['name']} ({card['kind']})", bold=True))
    for key, value in card.items():
        if key in (*APART, "files") or value in ("", (), None):
            continue
        text = ", ".join(map(str, value)) if isinstance(value, tuple | list) else value
        click.echo(f"{key + ':':<13} {text}")
    for file in card.get("files", ()):
        click.echo(f"file:         {file['path']}  {file['checksum']}  {file['size']:,} bytes")
    for kind, values in card.get("defaults_by_kind", {}).items():
        click.echo(f"on {kind}:  {' '.join(f'-o {key}={as_text(value)}' for key, value in values.items())}")
    for name, values in card.get("presets", {}).items():
        words = " ".join(f"-o {key}={as_text(value)}" for key, value in values.items())
        click.echo(f"--preset {name}:  {words}")
    if card.get("settings"):
        click.echo()
        rows = [
            (s["key"], "" if s["default"] is None else str(s["default"]), s["of"], f"{s['help']} ({s['type']})")
            for s in card["settings"]
            if everything or s["of"] not in SHARED
        ]
        emit_table(("SETTING", "DEFAULT", "OF", "MEANING"), rows)
        if not everything:
            click.echo(f"\nganzoo info {card['name']} --all also shows the settings of every run.")
