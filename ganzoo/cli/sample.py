"""``ganzoo sample``: grids, folders of single images, interpolations, from a run or a weights file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.interfaces import Generator

COLUMNS = 8


@click.command("sample")
@click.argument("source", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=click.IntRange(1, 1_000_000), default=64, show_default=True,
              help="How many; with --class all of each class; with --interpolate steps between latents.")  # fmt: skip
@click.option("--class", "wanted", metavar="K|NAME|all", help="Draw one class, by number or name, or all of them.")
@click.option("--interpolate", is_flag=False, flag_value="spherical", type=click.Choice(["spherical", "linear"]),
              help="Rows of samples between pairs of latents. [spherical when no word follows]")  # fmt: skip
@click.option("--rows", type=click.IntRange(1, 1000), default=8, show_default=True, help="Rows of an interpolation.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of the latents.")
@click.option(
    "--columns", type=click.IntRange(1, 1000), help="Images in a row of a grid. [default: 8, or one row a class]"
)
@click.option("--output", type=click.Path(path_type=Path),
              help="FILE.png for a grid, FILE.gif for an interpolation in time, or a folder for single images. "
              "[default: samples.png]")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
def command(
    source: Path, number: int, wanted: str | None, interpolate: str | None, rows: int, seed: int,
    columns: int | None, output: Path | None, overwrite: bool,
) -> None:  # fmt: skip
    """Draw samples and print where they lie.

    \b
    ganzoo sample runs/x -n 64                    a grid: samples.png
    ganzoo sample runs/x --class 3 -n 100 --output threes/
    ganzoo sample runs/x --class all -n 10        one row a class
    ganzoo sample runs/x --interpolate linear -n 12 --rows 4
    """
    target = output or Path("samples.png")
    _refuse(target, overwrite)

    from ganzoo.api import load, weights_data
    from ganzoo.report.grid import save_animation, save_picture, save_singles

    generator, data = load(source), weights_data(source)
    labels = choose_labels(wanted, number if not interpolate else rows, data.classes)
    if interpolate:
        if wanted == "all" and columns is None:
            rows = len(labels or [])
        samples, columns = between(generator, interpolate, number, rows, labels, seed), number
    else:
        total = number if wanted != "all" else number * len(data.classes)
        samples = generator.sample(total, labels, seed)
        columns = columns or (number if wanted == "all" else COLUMNS)
    suffix = target.suffix.lower()
    if suffix == ".png":
        save_picture(target, samples, columns)
    elif suffix == ".gif":
        if samples.dim() != 4 or not interpolate:
            raise UsageError(f"{target}: a GIF shows an interpolation of images; add --interpolate.")
        save_animation(target, samples, columns)
    else:
        if samples.dim() != 4:
            raise UsageError(f"{target}: single files are for images; points are drawn to a FILE.png.")
        save_singles(target, samples, None if labels is None else [int(k) for k in labels])
    click.echo(target)


def choose_labels(wanted: str | None, number: int, classes: tuple[str, ...]) -> "list[int] | None":
    """The class of every sample: ``number`` of one class, ``number`` of each for ``all``, or None.

    Raises:
        UsageError: classes asked of data without any, or one that does not exist.
    """
    if wanted is None:
        return None
    if not classes:
        raise UsageError(f"--class {wanted}: this generator was trained on data without labels.")
    if wanted == "all":
        return [k for k in range(len(classes)) for _ in range(number)]
    if wanted in classes:
        return [classes.index(wanted)] * number
    try:
        k = int(wanted)
    except ValueError:
        raise UnknownNameError("class", wanted, classes) from None
    if not 0 <= k < len(classes):
        raise UsageError(f"--class {k} is out of range: valid classes are 0 to {len(classes) - 1} or all.")
    return [k] * number


def between(
    generator: "Generator", kind: str, steps: int, rows: int, labels: "list[int] | None", seed: int
) -> "Tensor":
    """[rows * steps, ...]: each row walks from one latent to another; conditional generators keep a row's class.

    ``spherical`` follows the arc (arXiv:1609.04468, section 2.1), which keeps to the lengths that a normal latent has;
    ``linear`` the chord.
    """
    import torch

    rng = torch.Generator().manual_seed(seed)
    begin, end = generator.latents(rows, rng), generator.latents(rows, rng)
    t = torch.linspace(0, 1, steps)[None, :, None]
    a, b = begin[:, None], end[:, None]
    if kind == "linear":
        path = a + t * (b - a)
    else:
        cosine = (a * b).sum(-1, keepdim=True) / (a.norm(dim=-1, keepdim=True) * b.norm(dim=-1, keepdim=True))
        angle = torch.acos(cosine.clamp(-1, 1))
        path = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)
    chosen = None
    if generator.classes:
        row_class = torch.tensor([(labels or range(generator.classes))[i % len(labels or range(generator.classes))]
                                  for i in range(rows)])  # fmt: skip
        chosen = row_class.repeat_interleave(steps)
    elif labels is not None:
        raise UsageError("this generator was trained without labels: no class can be asked for.")
    with torch.no_grad():
        return generator(path.reshape(rows * steps, -1), chosen).float().cpu()


def _refuse(target: Path, overwrite: bool) -> None:
    """Nothing of the user's is replaced unasked."""
    if target.suffix.lower() in (".png", ".gif"):
        if target.exists() and not overwrite:
            raise UsageError(f"{target} exists: add --overwrite, or choose another --output.")
        if not target.absolute().parent.is_dir():
            raise UsageError(f"{target.parent}: no such folder.")
    elif target.suffix and not target.is_dir():
        raise UsageError(f"{target}: unknown ending {target.suffix!r}; write FILE.png, FILE.gif or a folder.")
    elif target.exists() and (not target.is_dir() or any(target.iterdir())) and not overwrite:
        raise UsageError(f"{target} exists and is not an empty folder: add --overwrite, or choose another --output.")
