"""``ganzoo classroom``: a GAN that learns points, as a film: data, samples, and what D says, over the training."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.options import parse_assignments
from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from ganzoo.training.session import TrainingSession

SHARED = {
    "batch_size": 128, "ema_halflife": 0, "dropout": 0.0, "lr": 1e-3, "diagnostics": False, "threads": 1,
    "metrics": "", "report": False, "device": "cpu", "lr_schedule": "linear", "lr_decay_start": 0.3,
}  # fmt: skip
"""Settings of every lesson, as far as the variant has them: small, quick, and nothing that hides what happens."""
LESSONS: dict[str, dict[str, Any]] = {
    "gaussian1d": {
        "steps": 1_500, "latent_dim": 1, "width": 32, "beta1": 0.0, "d_steps": 5, "lr": 2e-3, "r1": 0.02,
    },
    "ring": {"steps": 1_500, "latent_dim": 2, "width": 64, "lr": 5e-3},
    "grid": {"steps": 4_000, "latent_dim": 2, "width": 64, "lr": 5e-3},
}  # fmt: skip
KEPT = ("steps", "checkpoint_every", "keep", "sample_every")
"""Settings that decide which moments a film shows."""


@click.command("classroom")
@click.argument("toy", type=click.Choice(list(LESSONS)))
@click.option("--variant", metavar="NAME", help="What learns. [default: the first GAN]")
@click.option("--loss", metavar="NAME", help="Adversarial loss; see 'ganzoo list losses'.")
@click.option("--beside", metavar="KEY=VALUE[,...]", multiple=True,
              help="Another training beside the first, with these settings changed; may be repeated.")  # fmt: skip
@click.option("--steps", type=click.IntRange(2, 1_000_000), help="Iterations. [default: 1500; grid 4000]")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of the trainings.")
@click.option("-o", "--option", "assignments", metavar="KEY=VALUE", multiple=True, help="Any setting; may be repeated.")
@click.option("--frames", type=click.IntRange(2, 1000), default=50, show_default=True, help="Frames of the film.")
@click.option("--fps", type=click.IntRange(1, 50), default=10, show_default=True, help="Frames in a second.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for film, frames and runs. "
              "[default: runs/classroom-TOY]")  # fmt: skip
@click.option("--resume", is_flag=True, help="Finish what was interrupted in --out; with the same other options.")
@click.option("--quiet", is_flag=True, help="No progress; errors and warnings only.")
def command(
    toy: str, variant: str | None, loss: str | None, beside: tuple[str, ...], steps: int | None, seed: int,
    assignments: tuple[str, ...], frames: int, fps: int, out: Path | None, resume: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Train on TOY and print where the film lies: data, samples and D's output over the training.

    Beside the film are its frames, and classroom.png: four moments of each training.

    One dimension (gaussian1d) is drawn as in the first GAN paper, arXiv:1406.2661, figure 1. In two (ring, grid) D's
    output is a map of colours. The networks are small: a film takes about a minute.

    \b
    ganzoo classroom gaussian1d
    ganzoo classroom gaussian1d --loss minimax --beside loss=non-saturating
    ganzoo classroom ring --beside minibatch_kernels=32
    """
    folder = (out or Path("runs") / f"classroom-{toy}").expanduser()
    texts = parse_assignments(assignments)
    for word, value in (("loss", loss), ("steps", steps), ("seed", seed)):
        if word in texts:
            raise UsageError(f"-o {word}={texts[word]}: write --{word} {texts[word]}.")
        if value is not None:
            texts[word] = str(value)
    others = [parse_assignments(text.split(","), "--beside") for text in beside]
    for key in (key for other in [texts, *others] for key in other):
        if key in KEPT and (key != "steps" or any(key in other for other in others)):
            raise UsageError(f"{key} = ... : the film decides it; --steps and --frames are for all trainings.")

    from ganzoo.report.classroom.film import save_lesson, titles_of
    from ganzoo.runs.run import refuse_existing

    name = variant or usual_variant()
    if not resume:
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"{folder} exists: add --resume to finish what it holds, or choose another --out.")
        refuse_existing(folder)
    elif not (folder / "run-1").is_dir():
        raise UsageError(f"{folder} holds no training of a classroom: there is nothing to resume.")
    jobs = [
        prepared(toy, name, {**texts, **other}, frames, folder / f"run-{i}") for i, other in enumerate([{}, *others], 1)
    ]
    runs = [trained(job, quiet) for job in jobs]
    changed = list(dict.fromkeys(key for other in others for key in other))
    click.echo(save_lesson(runs, titles_of([job.config for job in jobs], name, changed), folder, fps))


def usual_variant() -> str:
    """The first GAN, by its family.

    Raises:
        UsageError: none is installed.
    """
    from ganzoo.registry.registry import registry

    variants = registry().variants
    for name in variants.names():
        spec = variants.spec(name)
        if spec.family == "first" and "points" in spec.models:
            return name
    raise UsageError("no variant for points is installed: name one with --variant.")


def prepared(toy: str, variant: str, texts: dict[str, str], frames: int, out: Path) -> "TrainingSession":
    """A training whose checkpoints are the moments of the film; one that has begun goes on.

    Raises:
        UsageError: settings that cannot be.
    """
    from dataclasses import fields

    from ganzoo.config.settings import FREE_KEYS, TRICK_KEYS
    from ganzoo.models.load import load_variant
    from ganzoo.training.setup import prepare

    lesson = {**SHARED, **LESSONS[toy]}
    steps = int(texts.get("steps", lesson["steps"]))
    every = max(1, steps // frames)
    lesson |= {"checkpoint_every": every, "keep": steps // every + 1, "sample_every": steps, "log_every": every}
    variant_class = load_variant(variant)
    known = {f.name for f in fields(variant_class.Options)} | {*FREE_KEYS, *TRICK_KEYS}
    settings = {k: v for k, v in lesson.items() if k in known and k not in variant_class.unsupported}
    return prepare(variant, toy, out=out, resume=out.is_dir(), settings=settings, texts=texts)


def trained(job: "TrainingSession", quiet: bool) -> Any:
    """The run of a training that shows its progress."""
    from ganzoo.cli.progress import training_shown

    with training_shown("none" if quiet else "auto"):
        return job.train()
