"""``ganzoo check NAME``: does a variant keep the contract that all of ganzoo relies on?"""

import click

from ganzoo.cli.options import parse_assignments
from ganzoo.registry.registry import registry


@click.command("check")
@click.argument("name")
@click.option("--dataset", metavar="NAME", help="What to train on. [default: an embedded set that fits]")
@click.option("-o", "--option", "assignments", metavar="KEY=VALUE", multiple=True, help="Settings that make it small.")
def command(name: str, dataset: str | None, assignments: tuple[str, ...]) -> None:
    """Hold variant NAME to the contract, on tiny trainings on the CPU."""
    registry().variants.spec(name)
    texts = parse_assignments(assignments)

    from ganzoo.testing import check_variant

    check_variant(name, dataset, say=lambda text: click.echo(f"ok: {text}"), texts=texts)
    click.echo(f"{name} keeps the contract.")
