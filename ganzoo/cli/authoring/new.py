"""``ganzoo new NAME``: a plugin of one's own, ready to be trained."""

from pathlib import Path

import click


@click.command("new")
@click.argument("name")
@click.option("--like", metavar="VARIANT", default="", help="Begin with a copy of this variant's code.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write. [default: ganzoo-NAME]")
def command(name: str, like: str, out: Path | None) -> None:
    """Write a small distribution that offers the variant NAME: networks, settings, a card, a test."""
    from ganzoo.scaffold.write import write_plugin

    made = write_plugin(name, like, out)
    click.echo(made.folder)
    click.echo(
        f"next:  pip install -e {made.folder}\n"
        f"       ganzoo train {made.name}{made.train_words}\n"
        f"       ganzoo check {made.name}",
        err=True,
    )
