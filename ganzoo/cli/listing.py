"""``ganzoo list``: reads specs only; nothing heavy is imported."""

from typing import Any

import click

from ganzoo.cli.options import emit_json, emit_table
from ganzoo.errors import UnknownNameError
from ganzoo.registry.registry import Catalogue, plural, registry

MANY = 12
"""With more variants than this they are grouped by family."""
VARIANT_COLUMNS = ("NAME", "NEEDS", "PAPER", "FROM", "SUMMARY")
KINDS = ("variants", "datasets", "losses", "metrics", "extractors", "loggers", "suites", "weights", "plugins")


@click.command("list")
@click.argument("words", nargs=-1, metavar="[KIND] [PATTERN]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """What is registered.

    KIND is variants (the default), datasets, losses, metrics, extractors, loggers, suites, weights or plugins.
    PATTERN is a shell pattern: "*gan".
    """
    kind, pattern = split_words(words)
    if kind == "plugins":
        from ganzoo.cli.plugins import show_plugins

        show_plugins(as_json, pattern)
        return
    catalogue = registry().catalogues()[kind]
    rows = [describe(catalogue, name) for name in catalogue.names(pattern)]
    if as_json:
        emit_json(rows)
    elif not rows and pattern:
        raise UnknownNameError(catalogue.kind, pattern, catalogue.names())
    elif not rows:
        click.echo(f"no {kind} are registered.", err=True)
    elif kind == "variants":
        show_variants(rows)
    elif kind == "datasets":
        emit_table(
            ("NAME", "SHAPE", "CLASSES", "FROM", "SUMMARY"),
            [(r["name"], *sizes(r), r["provider"], r["summary"]) for r in rows],
        )
    elif kind == "weights":
        emit_table(
            ("NAME", "VARIANT", "DATASET", "FROM", "SUMMARY"),
            [(f"zoo:{r['name']}", r["variant"], r["dataset"], r["provider"], r["summary"]) for r in rows],
        )
    else:
        emit_table(
            ("NAME", "FROM", "PAPER", "SUMMARY"),
            [(r["name"], r["provider"], r["paper"], r["summary"]) for r in rows],
        )
    for reason in registry().conflicts():
        click.echo(f"{click.style('warning:', fg='yellow')} {reason}.", err=True)
    for plugin in registry().plugins:
        if plugin.status == "broken":
            click.echo(
                f"{click.style('warning:', fg='yellow')} plugin {plugin.name!r} of {plugin.distribution} is broken: "
                f"{plugin.reason} (ganzoo plugins)",
                err=True,
            )


def show_variants(rows: list[dict[str, Any]]) -> None:
    """A table of variants; of many, one under the other by family."""
    families = sorted({r.get("family", "") for r in rows}) if len(rows) > MANY else []
    if len(families) < 2:
        emit_table(VARIANT_COLUMNS, [variant_row(r) for r in rows])
        return
    for family in families:
        click.echo(click.style(f"{'' if family == families[0] else chr(10)}{family or 'other'}", bold=True))
        emit_table(VARIANT_COLUMNS, [variant_row(r) for r in rows if r.get("family", "") == family])


def variant_row(row: dict[str, Any]) -> tuple[str, ...]:
    """What is shown of a variant."""
    return row["name"], ", ".join(row["needs"]), row["paper"], row["provider"], row["summary"]


def split_words(words: tuple[str, ...]) -> tuple[str, str | None]:
    """(kind, pattern) from the free words of the command line; a lone word that is not a kind is a pattern."""
    if words and words[0] in KINDS:
        kind, rest = words[0], words[1:]
    elif words and plural(words[0]) in KINDS:
        kind, rest = plural(words[0]), words[1:]
    elif len(words) == 2:
        raise UnknownNameError("kind", words[0], KINDS)
    else:
        kind, rest = "variants", words
    if len(rest) > 1:
        raise click.UsageError(f"too many words: {' '.join(words)}; write: ganzoo list [KIND] [PATTERN]")
    return kind, rest[0] if rest else None


def sizes(row: dict[str, Any]) -> tuple[str, str]:
    """Shape and number of classes of a data set in words; empty when they are known only when it is seen."""
    shape, classes = row.get("shape"), row.get("classes")
    return "x".join(map(str, shape or ())), str(len(classes)) if classes else ""


def describe(catalogue: Catalogue[Any], name: str) -> dict[str, Any]:
    """A registered thing as plain values."""
    if reason := catalogue.conflict(name):
        who = catalogue.provider(name)
        return {"name": name, "provider": who, "paper": "", "needs": (), "summary": f"CONFLICT: {reason}"}
    spec = catalogue.spec(name)
    row: dict[str, Any] = {
        "name": name,
        "provider": catalogue.provider(name),
        "paper": spec.paper,
        "summary": spec.summary,
    }
    for extra in (
        "family",
        "needs",
        "models",
        "samples",
        "provides",
        "classes",
        "shape",
        "splits",
        "licence",
        "download",
        "metrics",
        "unit",
        "better",
        "variant",
        "dataset",
        "scores",
        "sha256",
    ):
        if hasattr(spec, extra):
            row[extra] = getattr(spec, extra)
    return row
