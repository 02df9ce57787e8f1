"""``ganzoo bench``: a suite of trainings to its table."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.errors import GanzooError

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from ganzoo.bench.runner import Progress
    from ganzoo.bench.suite import BenchTask, Suite


class SomeFailedError(GanzooError):
    """Some jobs of the suite failed; the table is written all the same."""


@click.command("bench")
@click.argument("suite", metavar="SUITE|FILE.toml")
@click.option("--variants", metavar="NAME,...", help="Only these entries, by label or variant.")
@click.option("--seeds", type=click.IntRange(1, 1000), help="Seeds 0 to N - 1 instead of the suite's.")
@click.option("--shard", metavar="I/N", default="1/1", show_default=True, help="This part of the jobs: job arrays.")
@click.option("--jobs", "at_once", type=click.IntRange(1, 64), default=1, show_default=True,
              help="Trainings at once: small ones leave a GPU, or cores, idle.")  # fmt: skip
@click.option("--device", metavar="auto|cpu|cuda|mps", default="auto", show_default=True, help="Where to train.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results. [default: bench/SUITE]")
@click.option("--dry-run", is_flag=True, help="Check the suite and list its jobs; write nothing.")
@click.option("--table", "table_only", is_flag=True, help="Train nothing: the table of what is there.")
@click.option("--quiet", is_flag=True, help="The table only.")
def command(
    suite: str,
    variants: str | None,
    seeds: int | None,
    shard: str,
    at_once: int,
    device: str,
    out: Path | None,
    dry_run: bool,
    table_only: bool,
    quiet: bool,
) -> None:
    """Train all of SUITE, measure it, print the table.

    \b
    ganzoo bench smoke                       does everything work?
    ganzoo bench mnist --jobs 2
    ganzoo bench mnist --variants NAME --seeds 1
    ganzoo bench mine.toml --shard 3/8       in a job array

    Killed or interrupted, the same command goes on. Results lie in --out: table.md, .csv, .json, .tex and index.html,
    and every training as a run directory.
    """
    from ganzoo.bench import runner
    from ganzoo.bench.suite import find, read
    from ganzoo.bench.suite import shard as part

    only = tuple(name.strip() for name in (variants or "").split(",") if name.strip())
    path = find(suite)
    chosen = read(path, path.stem if Path(suite).suffix == ".toml" else suite, seeds, only)
    jobs = part(chosen.jobs, shard)
    folder = (out or Path("bench") / chosen.name).expanduser()
    if dry_run:
        show_plan(chosen, jobs, folder)
        return
    failed: dict[str, str] = {}
    if not table_only:
        runner.claim(folder, chosen)
        with Overview(folder, quiet) as overview:
            progress = runner.run(folder, jobs, device, shard, at_once, overview.report)
        failed = {name: progress.reason[name] for name, state in progress.state.items() if state == "failed"}
    runner.check_mark(folder, chosen)
    show_table(folder, chosen, quiet)
    if failed:
        first, why = next(iter(failed.items()))
        raise SomeFailedError(f"{len(failed)} of {len(jobs)} jobs failed, the first was {first}: {why}")


def show_plan(suite: "Suite", jobs: "tuple[BenchTask, ...]", folder: Path) -> None:
    """What would be done, to stdout."""
    click.echo(f"# suite {suite.name}: {suite.about}")
    click.echo(f"# {len(jobs)} jobs to {folder}, metrics {', '.join(map(str, suite.metrics)) or 'none'}")
    for reason in suite.left_out:
        click.echo(f"# left out: {reason}")
    for job in jobs:
        budget = f"{job.images:,} images" if job.images else f"{job.minutes:g} minutes"
        settings = " ".join(f"{key}={value}" for key, value in job.settings.items())
        click.echo(f"{job.name}: {job.variant} on {job.dataset}, seed {job.seed}, {budget}  {settings}")


def show_table(folder: Path, suite: "Suite", quiet: bool) -> None:
    """Write the table in all its forms, print it as Markdown."""
    from ganzoo.bench import course, page, table

    rows = table.collect(folder, suite)
    by_minutes = course.courses(folder, suite, rows)
    more = course.markdown(by_minutes)
    table.write(folder, suite, rows, more, {"minutes": course.plain(by_minutes)} if by_minutes else {})
    page.write(folder, suite, rows, by_minutes)
    click.echo(table.markdown(suite, rows) + (f"\n{more}" if more else ""), nl=False)
    if not quiet:
        click.echo(f"page: {folder / 'index.html'}", err=True)


class Overview:
    """What is going on: a live table on a terminal, a line for each change elsewhere; on stderr.

    Args:
        folder: of the suite; how far a job is, its run directory tells.
        quiet: say nothing.
    """

    COLOURS = {"running": "yellow", "finished": "green", "failed": "red"}

    def __init__(self, folder: Path, quiet: bool) -> None:
        self.folder, self.quiet = folder, quiet
        self._progress: Progress | None = None
        self._live: Live | None = None

    def __enter__(self) -> "Overview":
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=2, get_renderable=self.table)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def report(self, progress: "Progress", name: str) -> None:
        """A job has changed."""
        self._progress = progress
        if self._live is None and not self.quiet:
            why = f": {progress.reason[name]}" if progress.reason.get(name) else ""
            done = sum(state in ("finished", "failed") for state in progress.state.values())
            click.echo(f"[{done}/{len(progress.state)}] {name} {progress.state[name]}{why}", err=True)

    def table(self) -> "Table":
        """The jobs at work, how far they are, and those that failed."""
        from rich.table import Table
        from rich.text import Text

        table = Table("job", "state", "images seen", min_width=60, caption_justify="left")
        counts: dict[str, int] = {}
        for name, state in self._progress.state.items() if self._progress else ():
            counts[state] = counts.get(state, 0) + 1
            if state in ("running", "failed"):
                why = self._progress.reason.get(name, "") if self._progress else ""
                said = Text(f"{state}: {why}" if why else state, style=self.COLOURS[state])
                table.add_row(Text(name), said, how_far(self.folder / "runs" / name) if state == "running" else "")
        table.caption = ", ".join(f"{count} {state}" for state, count in counts.items())
        return table


def how_far(run: Path) -> str:
    """``1,280 of 3,200`` images seen, by the last line of a run's history; nothing before there is one."""
    from ganzoo.config.files import read_toml
    from ganzoo.runs.history import last_step

    try:
        settings = read_toml(run / "config.toml")
        batch = settings["batch_size"]
        return f"{last_step(run) * batch:,} of {settings['steps'] * batch:,}"
    except (GanzooError, OSError, ValueError, KeyError):  # it has not begun, or is being written at this moment
        return ""
