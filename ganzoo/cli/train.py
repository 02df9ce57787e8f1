"""``ganzoo train``: settings from the command line, a live panel, and where the results lie."""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.options import parse_assignments, speak
from ganzoo.runtime.processes import launched

if TYPE_CHECKING:
    from ganzoo.display.choose import Kind

USAGE = "ganzoo train VARIANT --dataset NAME"
SECTION = "Everything else is a setting: 'ganzoo info VARIANT' lists them, -o KEY=VALUE changes one."


@click.command("train", epilog=SECTION)
@click.argument("variant", required=False)
@click.option("--dataset", metavar="NAME|folder:PATH", help="What to learn from. [default: glyphs, which is embedded]")
@click.option("--second", metavar="NAME|folder:PATH", help="A second, unpaired set, for variants that translate.")
@click.option("--preset", metavar="NAME", default="", help="A set of settings by name, such as paper.")
@click.option("--init-from", metavar="RUN|WEIGHTS", help="Begin with the networks of another run: fine-tuning.")
@click.option("--steps", metavar="N", help="Iterations; each draws one batch. [default: the variant's]")
@click.option("--batch-size", metavar="N", help="Real samples in a step. [default: the variant's]")
@click.option("--loss", metavar="NAME", help="Adversarial loss; see 'ganzoo list losses'.")
@click.option("--labels", metavar="N", help="Labelled samples, for semi-supervised variants. [default: the variant's]")
@click.option("--labels-from", metavar="FILE.csv", help="Classes or attributes of the images of folder:PATH.")
@click.option("-o", "--option", "assignments", metavar="KEY=VALUE", multiple=True, help="Any setting; may be repeated.")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file of settings, such as a run's config.toml.")
@click.option("--seed", metavar="N", help="Seed of weights, order and latents. [default: 0]")
@click.option("--device", metavar="auto|cpu|cuda|mps", help="Where to train. [default: auto]")
@click.option("--precision", metavar="auto|fp32|tf32|bf16", help="Arithmetic; auto measures. [default: fp32]")
@click.option("--deterministic", is_flag=True, help="Exact resume on a GPU too, at some cost in speed.")
@click.option("--metric", "metrics", metavar="NAME[@ROLE][ vs DATASET]", multiple=True,
              help="Measure while training and at the end; may be repeated. The first chooses the best.")  # fmt: skip
@click.option("--logger", "loggers", metavar="NAME", multiple=True,
              help="Tell tensorboard or wandb too; may be repeated. See 'ganzoo list loggers'.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Run directory. [default: runs/VARIANT-DATASET-sSEED]")
@click.option("--resume", is_flag=True, help="Continue the run in --out exactly where its last checkpoint is.")
@click.option("--dry-run", is_flag=True, help="Check everything, show the settings and networks, write nothing.")
@click.option("--display", "shown", type=click.Choice(["auto", "pictures", "panel", "lines", "none"]), default="auto",
              envvar="GANZOO_DISPLAY", show_envvar=True,
              help="What is shown while it trains. [default: auto, as much as the terminal can]")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress; errors and warnings only.")
def command(
    variant: str | None,
    dataset: str | None,
    assignments: tuple[str, ...],
    metrics: tuple[str, ...],
    loggers: tuple[str, ...],
    config: Path | None,
    out: Path | None,
    resume: bool,
    deterministic: bool,
    dry_run: bool,
    shown: "Kind",
    quiet: bool,
    preset: str,
    **given: str | None,
) -> None:
    """Train VARIANT and print the run directory.

    \b
    ganzoo train NAME                           on embedded digits, no download
    ganzoo train NAME --dataset mnist -o lr=1e-4
    ganzoo train NAME --dataset folder:photos -o resolution=64
    ganzoo train NAME --out runs/x --resume     continue an interrupted run
    torchrun --standalone --nproc-per-node 2 --no-python ganzoo train NAME      on two GPUs
    """
    texts = parse_assignments(assignments)
    for word in ("variant", "dataset"):
        if word in texts:
            raise click.UsageError(f"-o {word}={texts[word]}: the {word} has its own place: {USAGE}")
    if any(not name.strip() for name in metrics):
        raise click.UsageError("--metric needs the name of a metric; 'ganzoo list metrics' shows all.")
    given["deterministic"] = "true" if deterministic else None
    if any(not name.strip() for name in loggers):
        raise click.UsageError("--logger needs the name of a logger; 'ganzoo list loggers' shows all.")
    given["metrics"] = ",".join(metrics) if metrics else None
    given["loggers"] = ",".join(loggers) if loggers else None
    for key, text in given.items():
        if text is None:
            continue
        if key in texts:
            raise click.UsageError(f"--{key.replace('_', '-')} {text} and -o {key}={texts[key]} say the same setting.")
        texts[key] = text
    if resume and config is not None:
        raise click.UsageError("--resume takes its settings from the run directory; leave --config out.")
    _known_names_first(variant, dataset)

    from ganzoo.cli.progress import DataProgress, training_shown
    from ganzoo.models.interfaces import Translator
    from ganzoo.training.setup import prepare

    out = out.expanduser() if out else None
    speaks = launched().rank == 0
    quiet = quiet or shown == "none" or not speaks
    with DataProgress(quiet) as progress:
        job = prepare(
            variant, dataset, out=out, config=config, resume=resume, texts=texts, progress=progress, preset=preset
        )
    if dry_run:
        if speaks:
            _show_plan(job)
        return
    with training_shown("none" if quiet else shown):
        run = job.train()
    if not quiet:
        samples = sorted((run.path / "samples").glob("*.png"))
        if samples:
            speak(f"samples: {samples[-1]}")
        asked = ["--input", "IMAGE"] if isinstance(run.network(), Translator) else ["-n", "64"]
        speak(f"more:    {shlex.join(['ganzoo', 'sample', str(run.path), *asked])}")
    if speaks:
        with suppress(OSError):  # the run is finished, whether or not anyone reads where it lies
            click.echo(run.path)
    if not quiet and run.config.report and (run.path / "report.html").exists():
        speak(f"report:  {run.path / 'report.html'}")


def _known_names_first(variant: str | None, dataset: str | None) -> None:
    """Importing torch takes seconds; a mistyped name should not have to wait for it."""
    from ganzoo.registry.registry import registry

    if variant is not None:
        registry().variants.spec(variant)
    if dataset is not None:
        registry().datasets.spec(dataset.partition(":")[0])


def _show_plan(job: Any) -> None:
    """What a training would do, to stdout."""
    from ganzoo.config.files import to_toml
    from ganzoo.training.checks import check_networks

    click.echo(f"# run directory: {job.out}{' (to be resumed)' if job.resume else ''}")
    data = job.dataset.info
    shape = "x".join(map(str, data.shape))
    click.echo(f"# data: {data.name}, {data.count:,} {data.kind} of {shape}, {len(data.classes)} classes")
    click.echo(f"# device: {job.device}")
    networks = job.variant.build()
    check_networks(job.variant, networks)
    for name, network in networks.items():
        click.echo(f"# {name}: {sum(p.numel() for p in network.parameters()):,} parameters")
    for stage in job.variant.stages():
        players = ", ".join(f"{u.player} every {u.every}" if u.every > 1 else u.player for u in stage.updates)
        click.echo(f"# stage {stage.name}: {stage.steps:,} steps of {players}")
    click.echo(to_toml(job.config), nl=False)
