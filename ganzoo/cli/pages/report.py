"""``ganzoo report``: what a training gave, on one page; or several side by side."""

import os
from pathlib import Path

import click

from ganzoo.errors import UsageError


@click.command("report")
@click.argument("runs", metavar="RUN...", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.html",
              help="Where to write it. [default: report.html in the run; for several: comparison.html]")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing FILE.")
def command(runs: tuple[Path, ...], output: Path | None, overwrite: bool) -> None:
    """Show runs on one HTML page, and print where it lies.

    \b
    ganzoo report runs/x                        runs/x/report.html
    ganzoo report runs/x runs/y -o both.html

    Samples, curves, settings and where they come from; several runs side by side. The page loads nothing from anywhere.
    Every training writes one at its end. 'report.html' of a run is written anew without being asked.
    """
    paths = [path.expanduser() for path in runs]
    default = paths[0] / "report.html" if len(paths) == 1 else Path("comparison.html")
    target = (output or default).expanduser()
    if target.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{target}: name a FILE.html.")
    if target.is_dir():
        raise UsageError(f"{target} is a folder: name a FILE.html.")
    own = output is None and len(paths) == 1
    if target.exists() and not overwrite and not own:
        raise UsageError(f"{target} exists: add --overwrite, or choose another --output.")
    parent = target.absolute().parent
    if not own and not parent.is_dir():
        raise UsageError(f"{target.parent}: no such folder.")
    if parent.is_dir() and not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"{target.parent} is not writable: choose another place with --output FILE.html.")
    from ganzoo.report.page import write_report

    click.echo(write_report(paths, target))
