"""``ganzoo gallery``: a local web page of all runs, with live sampling."""

import importlib.util
from pathlib import Path

import click

from ganzoo.cli.options import speak
from ganzoo.errors import UsageError

NEEDED = ("starlette", "uvicorn")


@click.command("gallery")
@click.argument("folder", metavar="[RUNS_DIR]", default="runs", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="0: any free one.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def command(folder: Path, port: int, no_browser: bool) -> None:
    """Show all runs of a folder on a local web page, and draw samples from them.

    Prints the address and serves until Ctrl-C (exit code 130). Only this machine can reach it. Needs the extra
    ganzoo[gallery].

    \b
    ganzoo gallery                  the runs in runs/
    ganzoo gallery bench/runs --port 0 --no-browser
    """
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise UsageError(f"the gallery needs {' and '.join(missing)}: pip install 'ganzoo[gallery]'.")
    folder = folder.expanduser()
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder. Name a folder of runs: ganzoo gallery RUNS_DIR.")
    from ganzoo.gallery.server import serve

    def said(address: str) -> None:
        click.echo(address)
        speak(f"the gallery of {folder} is open; Ctrl-C closes it.")

    serve(folder, port, not no_browser, said)
