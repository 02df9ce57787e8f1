"""``ganzoo compare``: several runs side by side in the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.options import emit_json, emit_table, speak

if TYPE_CHECKING:
    from ganzoo.report.compare import Difference


@click.command("compare")
@click.argument("runs", metavar="RUN...", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, with all digits of the scores.")
def command(runs: tuple[Path, ...], as_json: bool) -> None:
    """Say in which settings runs differ, how they score, and how long they took.

    \b
    ganzoo compare runs/x runs/y
    ganzoo report runs/x runs/y -o both.html     the same with pictures and curves

    Scores are those of the final weights; * marks the best where all runs were trained on the same data.
    """
    from ganzoo.report.compare import compare
    from ganzoo.report.facts import read_runs
    from ganzoo.report.page import refuse_paths

    paths = [path.expanduser() for path in runs]
    refuse_paths(paths)
    found = read_runs(paths)
    comparison = compare(found)
    if as_json:
        emit_json({
            "runs": [{"name": run.name, "path": str(run.path), "variant": run.variant, "data": run.dataset,
                      "status": run.status, "steps": run.steps, "images": run.images, "seconds": run.seconds,
                      "images per second": run.rate, "scores": run.scores(), "best": run.scores("best"),
                      "settings": run.flat, "missing": run.missing} for run in found],
            **comparison.as_json(),
        })  # fmt: skip
        return
    for title, rows in (
        ("SETTING", comparison.settings), ("SCORE", comparison.scores), ("RUN", comparison.times),
    ):  # fmt: skip
        if rows:
            show(title, comparison.names, rows)
            click.echo()
    for note in comparison.notes:
        speak(note)
    for run in found:
        for reason in run.missing:
            speak(f"{run.name}: {reason}")


def show(title: str, names: Sequence[str], rows: "Sequence[Difference]") -> None:
    """A table of a column a run."""
    emit_table(
        (title, *names),
        [(row.name, *(f"{cell} *" if i in row.best else cell for i, cell in enumerate(row.cells))) for row in rows],
    )
