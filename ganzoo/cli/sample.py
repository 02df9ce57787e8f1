"""``ganzoo sample``: grids, folders of single images, interpolations, from a run or a weights file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.models.interfaces import Generator

DRAWING = {
    "number": "-n", "wanted": "--class", "interpolate": "--interpolate", "rows": "--rows", "seed": "--seed",
    "columns": "--columns",
}  # fmt: skip
COLUMNS = 8
ROWS = 8


@click.command("sample")
@click.argument("source", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=click.IntRange(1, 1_000_000), default=64, show_default=True,
              help="How many; with --class all of each class; with --interpolate steps between latents.")  # fmt: skip
@click.option("--class", "wanted", metavar="K|NAME|all", help="Draw one class, by number or name, or all of them.")
@click.option("--interpolate", is_flag=False, flag_value="spherical", type=click.Choice(["spherical", "linear"]),
              help="Rows of samples between pairs of latents. [spherical when no word follows]")  # fmt: skip
@click.option("--rows", type=click.IntRange(1, 1000),
              help="Rows of an interpolation. [default: 8; with --class all one row a class]")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of the latents.")
@click.option("--columns", type=click.IntRange(1, 1000),
              help="Images in a row of a grid. [default: 8; with --class all as many as of each class]")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path),
              help="FILE.png for a grid, FILE.gif for an interpolation in time, or a folder for single images. "
              "[default: samples.png]")  # fmt: skip
@click.option("--input", "given", metavar="IMAGE|DIR", type=click.Path(path_type=Path),
              help="Images to enlarge, for networks that turn images into images.")  # fmt: skip
@click.option("--tile", type=click.IntRange(0, 100_000),
              help="Enlarge in tiles of this side; 0: never. [default: 256 for large images]")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing FILE.")
@click.pass_context
def command(
    ctx: click.Context,
    source: Path, number: int, wanted: str | None, interpolate: str | None, rows: int | None, seed: int,
    columns: int | None, output: Path | None, given: Path | None, tile: int | None, overwrite: bool,
) -> None:  # fmt: skip
    """Draw samples and print where they lie.

    \b
    ganzoo sample runs/x -n 64                    a grid: samples.png
    ganzoo sample runs/x --class 3 -n 100 --output threes/
    ganzoo sample runs/x --class all -n 10        one row a class
    ganzoo sample runs/x --interpolate linear -n 12 --rows 4
    ganzoo sample runs/x --input photo.jpg --output large.png
    """
    if given is not None:
        drawing = [p for p in DRAWING if ctx.get_parameter_source(p) is click.core.ParameterSource.COMMANDLINE]
        if drawing:
            raise UsageError(f"--input enlarges images; {DRAWING[drawing[0]]} is for drawing samples.")
        click.echo(enlarge_all(source, given, output, tile, overwrite))
        return
    if tile is not None:
        raise UsageError(f"--tile {tile} is for --input.")
    target = (output or Path("samples.png")).expanduser()
    suffix = target.suffix.lower()
    refuse_output(target, suffix, overwrite)
    if rows is not None and not interpolate:
        raise UsageError(f"--rows {rows} is for --interpolate; a grid takes --columns.")
    if columns is not None and (interpolate or suffix != ".png"):
        raise UsageError(f"--columns {columns} is for grids; --interpolate and folders have none to choose.")
    if suffix == ".gif" and not interpolate:
        raise UsageError(f"{target}: a GIF shows an interpolation; add --interpolate.")

    from ganzoo.api import load, weights_data
    from ganzoo.models.interfaces import Generator, Translator
    from ganzoo.report.pictures import save_animation, save_picture, save_singles

    generator, classes = load(source), weights_data(source).classes
    if isinstance(generator, Translator):
        raise UsageError(f"{source} turns images into images: name some with --input IMAGE|DIR.")
    if not isinstance(generator, Generator):
        raise UsageError(f"{source} holds a {type(generator).__name__}: it draws no samples.")
    if wanted is not None and not generator.classes:
        raise UsageError(
            f"--class {wanted}: this generator was trained without labels, it has no classes to choose from."
        )
    chosen = choose_classes(wanted, classes)
    if interpolate:
        if wanted == "all" and rows is not None:
            raise UsageError(f"--rows {rows} contradicts --class all, which draws one row a class.")
        rows = rows or (len(chosen) if wanted == "all" else ROWS)
        labels = repeated(chosen, rows, number) if generator.classes else None
        samples = between(generator, interpolate, number, rows, labels, seed)
        columns = number
    else:
        labels = repeated(chosen, len(chosen), number) if chosen else None
        samples = generator.sample(len(labels) if labels else number, labels, seed)
        columns = columns or (number if wanted == "all" else COLUMNS)
    if suffix == ".png":
        save_picture(target, samples, columns)
    elif samples.dim() != 4:
        raise UsageError(f"{target}: this is for images; points are drawn to a FILE.png.")
    elif suffix == ".gif":
        save_animation(target, samples, columns)
    else:
        save_singles(target, samples, labels)
    click.echo(target)


def choose_classes(wanted: str | None, classes: tuple[str, ...]) -> list[int]:
    """The numbers of the classes asked for: one, all, or none when none was named.

    Raises:
        UsageError: a class that does not exist.
    """
    if wanted is None:
        return []
    if wanted == "all":
        return list(range(len(classes)))
    if wanted in classes:
        return [classes.index(wanted)]
    try:
        k = int(wanted)
    except ValueError:
        raise UnknownNameError("class", wanted, classes) from None
    if not 0 <= k < len(classes):
        raise UsageError(f"--class {k} is out of range: valid classes are 0 to {len(classes) - 1} or all.")
    return [k]


def repeated(chosen: list[int], rows: int, columns: int) -> list[int] | None:
    """The class of each of ``rows * columns`` samples, one class a row, in turn; None leaves the choice to others."""
    return [chosen[row % len(chosen)] for row in range(rows) for _ in range(columns)] if chosen else None


def between(generator: "Generator", kind: str, steps: int, rows: int, labels: list[int] | None, seed: int) -> "Tensor":
    """[rows * steps, ...]: each row walks from one latent to another; a conditional generator keeps a row's class.

    ``spherical`` follows the arc (arXiv:1609.04468, section 2.1), which keeps to the lengths that a normal latent has;
    ``linear`` the chord. ``labels`` are those of all samples; without them the rows take the classes in turn.
    """
    import torch

    rng = torch.Generator().manual_seed(seed)
    begin, end = generator.latents(rows, rng), generator.latents(rows, rng)
    t = torch.linspace(0, 1, steps)[None, :, None]
    a, b = begin[:, None], end[:, None]
    path = a + t * (b - a)
    if kind == "spherical":
        cosine = (a * b).sum(-1, keepdim=True) / (a.norm(dim=-1, keepdim=True) * b.norm(dim=-1, keepdim=True))
        angle = torch.acos(cosine.clamp(-1, 1))
        arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)
        # Latents in one direction have no arc between them (all of length one, say); there the chord is the way.
        path = torch.where(torch.sin(angle) > 1e-6, arc, path)
    if generator.classes and labels is None:
        labels = repeated(list(range(generator.classes)), rows, steps)
    chosen = None if labels is None else torch.tensor(labels)
    with torch.no_grad():
        return generator(path.reshape(rows * steps, -1), chosen).float().cpu()


def refuse_output(target: Path, suffix: str, overwrite: bool) -> None:
    """Raise UsageError for an output that cannot be; nothing of the user's is replaced unasked."""
    if suffix in (".png", ".gif"):
        if target.exists() and not overwrite:
            raise UsageError(f"{target} exists: add --overwrite, or choose another --output.")
        if not target.absolute().parent.is_dir():
            raise UsageError(f"{target.parent}: no such folder.")
    elif suffix and not target.is_dir():
        raise UsageError(f"{target}: unknown ending {suffix!r}; write FILE.png, FILE.gif or a folder.")
    elif target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists and is not an empty folder: choose another --output.")


def enlarge_all(source: Path, given: Path, output: Path | None, tile: int | None, overwrite: bool) -> Path:
    """Enlarge an image, or all images of a folder; returns where the result lies.

    Raises:
        UsageError: an input or output that cannot be, or a network that draws samples.
    """
    from ganzoo.api import load, weights_data
    from ganzoo.data.sources.folder import list_folder
    from ganzoo.models.interfaces import Translator
    from ganzoo.models.translate import translate_file

    given, whole = given.expanduser(), given.expanduser().is_dir()
    target = (output or Path("enlarged" if whole else f"{given.stem}-enlarged.png")).expanduser()
    if not given.exists():
        raise UsageError(f"--input {given}: no such file or folder.")
    if whole == (target.suffix.lower() == ".png"):
        raise UsageError(f"--output {target}: name a {'folder' if whole else 'FILE.png'} for this --input.")
    if not whole and target.suffix:
        refuse_output(target, target.suffix.lower(), overwrite)
    elif not whole:
        raise UsageError(f"--output {target}: name a FILE.png for a single image.")
    network, data = load(source), weights_data(source)
    if not isinstance(network, Translator):
        raise UsageError(f"--input {given}: {source} draws samples, it enlarges no images.")
    if not whole:
        translate_file(network, data.shape[0], given, target, tile)
        return target
    files = list_folder(given).images
    if not files:
        raise UsageError(f"--input {given}: no images there.")
    results = {target / file.with_suffix(".png"): given / file for file in files}
    if len(results) < len(files):
        raise UsageError(f"--input {given}: two images there differ in their ending only, and would be one PNG.")
    if not overwrite and (existing := [path for path in results if path.exists()]):
        raise UsageError(f"{existing[0]} exists: add --overwrite, or choose another --output.")
    for path, file in results.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        translate_file(network, data.shape[0], file, path, tile)
    return target
