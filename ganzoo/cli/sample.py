"""``ganzoo sample``: grids, folders of single images, interpolations, other files, from a run or a weights file."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.options import choose_classes, parse_assignments, refuse_output
from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.models.interfaces import Generator
    from ganzoo.models.variant import Variant

DRAWING = {
    "number": "-n", "interpolate": "--interpolate", "rows": "--rows", "seed": "--seed", "columns": "--columns",
    "assignments": "-s",
}  # fmt: skip
COLUMNS = 8
ROWS = 8


@click.command("sample")
@click.argument("source", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=click.IntRange(1, 1_000_000), default=64, show_default=True,
              help="How many; with --class all of each class; with --interpolate steps between latents.")  # fmt: skip
@click.option("--class", "wanted", metavar="K|NAME|all", help="One class, by number or name, or all of them.")
@click.option("-s", "--setting", "assignments", metavar="KEY=VALUE", multiple=True,
              help="A sampling setting of the generator; see 'ganzoo info VARIANT'. May be repeated.")  # fmt: skip
@click.option("--interpolate", is_flag=False, flag_value="spherical", type=click.Choice(["spherical", "linear"]),
              help="Rows of samples between pairs of latents. [spherical when no word follows]")  # fmt: skip
@click.option("--rows", type=click.IntRange(1, 1000),
              help="Rows of an interpolation. [default: 8; with --class all one row a class]")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of the latents.")
@click.option("--columns", type=click.IntRange(1, 1000),
              help="Images in a row of a grid. [default: 8; with --class all as many as of each class]")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path),
              help="FILE.png for a grid, FILE.gif for an interpolation in time, FILE.npy, FILE.wav for sounds, or a "
              "folder for single images. [default: samples.png]")  # fmt: skip
@click.option("--input", "given", metavar="IMAGE|DIR", type=click.Path(path_type=Path),
              help="Images to translate, for networks that turn images into images.")  # fmt: skip
@click.option("--direction", metavar="ROLE", help="Which translator takes --input, such as a2b. [default: the first]")
@click.option("--tile", type=click.IntRange(0, 100_000),
              help="Translate in tiles of this side; 0: never. [default: 256 for large images]")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing FILE.")
@click.pass_context
def command(
    ctx: click.Context,
    source: Path, number: int, wanted: str | None, assignments: tuple[str, ...], interpolate: str | None,
    rows: int | None, seed: int, columns: int | None, output: Path | None, given: Path | None, direction: str | None,
    tile: int | None, overwrite: bool,
) -> None:  # fmt: skip
    """Draw samples and print where they lie.

    \b
    ganzoo sample runs/x -n 64                    a grid: samples.png
    ganzoo sample runs/x --class 3 -n 100 --output threes/
    ganzoo sample runs/x --class all -n 10        one row a class
    ganzoo sample runs/x -s psi=0.7               a setting of the generator
    ganzoo sample runs/x --interpolate linear -n 12 --rows 4
    ganzoo sample runs/x --input photo.jpg --output large.png
    """
    if given is not None:
        from ganzoo.cli.translate import translate_all

        drawing = [p for p in DRAWING if ctx.get_parameter_source(p) is click.core.ParameterSource.COMMANDLINE]
        if drawing:
            raise UsageError(f"--input translates images; {DRAWING[drawing[0]]} is for drawing samples.")
        click.echo(translate_all(source, given, output, direction, wanted, tile, overwrite))
        return
    for word, value in (("--tile", tile), ("--direction", direction)):
        if value is not None:
            raise UsageError(f"{word} {value} is for --input.")
    target = (output or Path("samples.png")).expanduser()
    suffix = target.suffix.lower()
    refuse_output(target, overwrite)
    if rows is not None and not interpolate:
        raise UsageError(f"--rows {rows} is for --interpolate; a grid takes --columns.")
    if columns is not None and (interpolate or suffix != ".png"):
        raise UsageError(f"--columns {columns} is for grids; --interpolate and folders have none to choose.")
    if suffix == ".gif" and not interpolate:
        raise UsageError(f"{target}: a GIF shows an interpolation; add --interpolate.")

    variant, generator = open_generator(source)
    refuse_ending(target, variant)
    sampling = sampling_settings(generator, assignments)
    if wanted is not None and not generator.classes:
        raise UsageError(
            f"--class {wanted}: this generator was trained without labels, it has no classes to choose from."
        )
    chosen = choose_classes(wanted, generator.classes, variant.data.classes)
    labels: list[int] | None
    if interpolate:
        if wanted == "all" and rows is not None:
            raise UsageError(f"--rows {rows} contradicts --class all, which draws one row a class.")
        rows, columns = rows or (len(chosen) if wanted == "all" else ROWS), number
        labels = repeated(chosen, rows, 1)
        samples = interpolated(generator, interpolate, rows, number, labels, seed, sampling)
        labels = None if labels is None else repeated(chosen, rows, number)
    else:
        labels = repeated(chosen, len(chosen), number) if chosen else None
        samples = generator.sample(len(labels) if labels else number, labels, seed, **sampling)
        columns = columns or (number if wanted == "all" else COLUMNS)
    write(variant, samples, target, columns, labels)
    click.echo(target)


def open_generator(source: Path) -> "tuple[Variant, Generator]":
    """The generator of a run directory or a weights file, and what was trained.

    Raises:
        UsageError: there is none.
    """
    from ganzoo.models.interfaces import Generator, Translator
    from ganzoo.runs.trained import first_of, open_networks

    variant, networks = open_networks(source)
    generator = first_of(networks, Generator)
    if generator is not None:
        return variant, generator
    if first_of(networks, Translator) is not None:
        raise UsageError(f"{source} turns images into images: name some with --input IMAGE|DIR.")
    kinds = ", ".join(type(network).__name__ for network in networks.values())
    raise UsageError(f"{source} holds {kinds}: nothing that draws samples.")


def sampling_settings(generator: "Generator", assignments: tuple[str, ...]) -> dict[str, Any]:
    """The settings that ``-s KEY=VALUE`` gives, checked.

    Raises:
        UsageError: an unknown key, or a value out of range.
    """
    from ganzoo.config.fields import build

    texts = parse_assignments(assignments, "-s")
    if texts and not dataclasses.fields(generator.Sampling):
        raise UsageError(f"-s {assignments[0]}: this generator has no sampling settings.")
    chosen = build(generator.Sampling, {}, texts)
    return {key: getattr(chosen, key) for key in texts}


def repeated(chosen: list[int], rows: int, columns: int) -> list[int] | None:
    """The class of each of ``rows * columns`` samples, one class a row, in turn; None leaves the choice to others."""
    return [chosen[row % len(chosen)] for row in range(rows) for _ in range(columns)] if chosen else None


def interpolated(
    generator: "Generator", path: str, rows: int, steps: int, labels: list[int] | None, seed: int, sampling: Any
) -> "Tensor":
    """Rows of samples, [rows * steps, ...]; see :func:`ganzoo.models.walk.walk`."""
    import torch

    from ganzoo.models.walk import walk

    given = None if labels is None else torch.tensor(labels)
    return walk(generator, rows, steps, path, given, seed, **sampling)  # type: ignore[arg-type]  # click checks the path


def write(variant: "Variant", samples: "Tensor", target: Path, columns: int, labels: list[int] | None) -> None:
    """Samples in the form that the name of the target asks for.

    Raises:
        UsageError: samples that cannot be written in this form.
        RunError: the target cannot be written.
    """
    from ganzoo.data.kinds import writers
    from ganzoo.report.pictures import drawn, save_animation, save_picture, save_singles

    suffix = target.suffix.lower()
    if writer := {**writers(variant.data.kind), **variant.writers()}.get(suffix):
        writer(samples, target, variant.data)
        return
    pictures = drawn(variant, samples)
    if suffix == ".png":
        save_picture(target, pictures, columns)
    elif len(pictures) != len(samples):
        raise UsageError(f"{target}: {variant.data.kind} are drawn together, to a FILE.png.")
    elif suffix == ".gif":
        save_animation(target, pictures, columns)
    else:
        save_singles(target, pictures, labels)


def refuse_ending(target: Path, variant: "Variant") -> None:
    """Raise UsageError for a file that samples of this variant cannot be written to."""
    from ganzoo.data.kinds import writers

    known = [".png", ".gif", *writers(variant.data.kind), *variant.writers()]
    if target.suffix and not target.is_dir() and target.suffix.lower() not in known:
        raise UsageError(f"{target}: unknown ending {target.suffix!r}; write {', '.join(known)} or a folder.")
