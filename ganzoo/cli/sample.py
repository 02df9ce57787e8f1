"""``ganzoo sample``: grids, single images, walks, morphs, arithmetic, films, arrays, from a run or a weights file."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.drawing.words import parse_morph, parse_terms, refuse_together
from ganzoo.cli.options import choose_classes, parse_assignments, refuse_output
from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.models.interfaces import Generator
    from ganzoo.models.variant import Variant

WORDS = {
    "number": "-n", "interpolate": "--interpolate", "morph": "--morph", "arithmetic": "--arithmetic",
    "waypoints": "--waypoints", "easing": "--easing", "once": "--once", "frames": "--frames", "fps": "--fps",
    "rows": "--rows", "seed": "--seed", "columns": "--columns", "assignments": "-s", "truncation": "--truncation",
    "wanted": "--class",
}  # fmt: skip
"""What draws samples, as it is typed."""
FILMS = (".gif", ".mp4")
COLUMNS = 8
ROWS = 8
CLOUD = 512
"""Rows of a film of points, which shows a cloud of them."""
FRAMES = 24
"""Of a film, between two waypoints."""
FPS = 12


@click.command("sample")
@click.argument("source", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=click.IntRange(1, 1_000_000), default=64, show_default=True,
              help="How many; with --class all of each class; steps of a walk, in films between two waypoints.")  # fmt: skip
@click.option("--class", "wanted", metavar="K|NAME|all", help="One class, by number or name, or all of them.")
@click.option("-s", "--setting", "assignments", metavar="KEY=VALUE", multiple=True,
              help="A sampling setting of the generator; see 'ganzoo info VARIANT'. May be repeated.")  # fmt: skip
@click.option("--truncation", metavar="PSI", type=click.FloatRange(min=0, max=100, min_open=True),
              help="Draw components of latents beyond +-PSI again: more typical samples, less variety "
              "(arXiv:1809.11096). Below 1 is strong, above 3 does little.")  # fmt: skip
@click.option("--interpolate", is_flag=False, flag_value="spherical", type=click.Choice(["spherical", "linear"]),
              help="A walk: rows of samples between latents. [spherical when no word follows]")  # fmt: skip
@click.option("--morph", metavar="K,K...|all",
              help="A walk through classes, mixed in between; latents stand still, unless --interpolate moves them.")  # fmt: skip
@click.option("--waypoints", type=click.IntRange(2, 1000), help="Latents on the way of --interpolate. [default: 2]")
@click.option("--easing", type=click.Choice(["smooth", "none"]),
              help="Start and stop gently at each waypoint. [default: smooth in films]")  # fmt: skip
@click.option("--once", is_flag=True, help="A film ends at the last waypoint. Otherwise its end meets its start.")
@click.option("--frames", type=click.IntRange(2, 100_000),
              help="Frames of a film in all, instead of -n. [default: 24 between two waypoints]")  # fmt: skip
@click.option("--fps", type=click.IntRange(1, 60), help="Frames of a film in a second. [default: 12]")
@click.option("--arithmetic", metavar="TERMS",
              help='Means of latents, named by seeds, added and subtracted: "1,2,3 - 4,5,6 + 7,8,9".')  # fmt: skip
@click.option("--rows", type=click.IntRange(1, 1000),
              help="Rows of a walk. [default: 8; with --class all one row a class; of points 512]")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of the latents.")
@click.option("--columns", type=click.IntRange(1, 1000),
              help="Images in a row of a grid. [default: 8; with --class all as many as of each class]")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path),
              help="FILE.png for a grid, FILE.gif or .mp4 for a walk in time, FILE.npy, FILE.npz for evaluators "
              "elsewhere, FILE.wav for sounds, or a folder for single images. [default: samples.png]")  # fmt: skip
@click.option("--input", "given", metavar="IMAGE|DIR", type=click.Path(path_type=Path),
              help="Images to translate, for networks that turn images into images.")  # fmt: skip
@click.option("--direction", metavar="ROLE", help="Which translator takes --input, such as a2b. [default: the first]")
@click.option("--tile", type=click.IntRange(0, 100_000),
              help="Translate in tiles of this side; 0: never. [default: 256 for large images]")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing FILE.")
@click.pass_context
def command(
    ctx: click.Context, /, source: Path, output: Path | None, given: Path | None, direction: str | None, tile: int | None,
    overwrite: bool, **asked: Any,
) -> None:  # fmt: skip
    """Draw samples and print where they lie.

    \b
    ganzoo sample runs/x -n 64                    a grid: samples.png
    ganzoo sample runs/x --class 3 -n 100 --output threes/
    ganzoo sample runs/x --class all -n 10        one row a class
    ganzoo sample runs/x -s psi=0.7               a setting of the generator
    ganzoo sample runs/x --interpolate linear -n 12 --rows 4
    ganzoo sample runs/x --interpolate --waypoints 5 --output walk.gif
    ganzoo sample runs/x --morph 3,8 --output morph.mp4
    ganzoo sample runs/x --arithmetic "1,2,3 - 4,5,6 + 7,8,9"
    ganzoo sample runs/x -n 50000 --output samples.npz
    ganzoo sample runs/x --input photo.jpg --output large.png
    """
    typed = [word for p, word in WORDS.items() if ctx.get_parameter_source(p) is click.core.ParameterSource.COMMANDLINE]
    if given is not None:
        from ganzoo.cli.translate import translate_all

        if drawing := [word for word in typed if word != "--class"]:
            raise UsageError(f"--input translates images; {drawing[0]} is for drawing samples.")
        click.echo(translate_all(source, given, output, direction, asked["wanted"], tile, overwrite))
        return
    for word, value in (("--tile", tile), ("--direction", direction)):
        if value is not None:
            raise UsageError(f"{word} {value} is for --input.")
    target = (output or Path("samples.png")).expanduser()
    refuse_output(target, overwrite)
    refuse_contradictions(asked, typed, target)

    from ganzoo.models.latents import truncated

    variant, generator = open_generator(source)
    refuse_ending(target, variant)
    sampling = sampling_settings(generator, asked["assignments"])
    with ExitStack() as stack:
        stack.enter_context(truncated(generator, asked["truncation"]))
        if asked["arithmetic"] is not None:
            draw = draw_arithmetic
        elif asked["interpolate"] or asked["morph"] is not None:
            draw = draw_walk
        else:
            draw = draw_samples
        draw(source, variant, generator, asked, typed, sampling, target)
    click.echo(target)


def refuse_contradictions(asked: dict[str, Any], typed: list[str], target: Path) -> None:
    """Raise UsageError for words that do not go together, before anything is loaded."""
    suffix = target.suffix.lower()
    walks = asked["interpolate"] or asked["morph"] is not None
    if asked["arithmetic"] is not None:
        parse_terms(asked["arithmetic"])
        refuse_together(typed, "--arithmetic", "it draws one picture of the seeds that it names.",
                        ("--arithmetic", "-s", "--seed", "--class", "--truncation"))  # fmt: skip
        if suffix != ".png":
            raise UsageError(f"{target}: --arithmetic draws a picture: write a FILE.png.")
    for word in ("rows", "waypoints", "easing"):
        if asked[word] is not None and not walks:
            more = "; a grid takes --columns" if word == "rows" else ""
            raise UsageError(f"{WORDS[word]} {asked[word]} is for --interpolate and --morph{more}.")
    if asked["columns"] is not None and (walks or suffix != ".png"):
        raise UsageError(f"--columns {asked['columns']} is for grids; walks and folders have none to choose.")
    if suffix in FILMS and not walks:
        raise UsageError(f"{target}: a film shows a walk; add --interpolate or --morph.")
    for word in ("--frames", "--fps", "--once"):
        if word in typed and suffix not in FILMS:
            raise UsageError(f"{word} is for films; write a FILE.gif or FILE.mp4.")
    if "--frames" in typed:
        refuse_together(typed, "--frames", "both say how long a film is.", [w for w in typed if w != "-n"])
    if asked["morph"] is not None:
        refuse_together(typed, "--morph", "it names the classes and the waypoints.",
                        [w for w in typed if w not in ("--class", "--waypoints")])  # fmt: skip
    if walks and suffix == ".npz":
        raise UsageError(f"{target}: .npz holds samples for an evaluator; a walk is written as .png, .gif or .mp4.")


def origin(source: Path, variant: "Variant", generator: "Generator", asked: dict[str, Any]) -> dict[str, object]:
    """Where samples come from, for the file that holds them. Names, not paths: a picture may be published."""
    from ganzoo.report.pictures import origin_of
    from ganzoo.runs.run import weights_path
    from ganzoo.runs.trained import open_run
    from ganzoo.runs.weights import describe_weights

    file = source
    if source.is_dir():
        run = open_run(source)
        file = weights_path(source, next(role for role in run.roles if run.network(role).__class__ is type(generator)))
    step = int(describe_weights(file)[0].get("step", 0))
    said = {
        "seed": asked["seed"], "class": asked["wanted"], "truncation": asked["truncation"],
        "settings": " ".join(asked["assignments"]), "interpolate": asked["interpolate"], "morph": asked["morph"],
        "arithmetic": asked["arithmetic"],
    }  # fmt: skip
    return origin_of(variant, source.resolve().name, step, **said)


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


def classes_asked(wanted: str | None, variant: "Variant", generator: "Generator") -> list[int]:
    """The classes that ``--class`` names; none where it is left out.

    Raises:
        UsageError: no such class, or a generator without classes.
    """
    if wanted is not None and not generator.classes:
        raise UsageError(
            f"--class {wanted}: this generator was trained without labels, it has no classes to choose from."
        )
    return choose_classes(wanted, generator.classes, variant.data.classes)


def draw_samples(
    source: Path, variant: "Variant", generator: "Generator", asked: dict[str, Any], typed: list[str], sampling: Any,
    target: Path,
) -> None:  # fmt: skip
    """A grid, single images, or an array."""
    number, wanted = asked["number"], asked["wanted"]
    chosen = classes_asked(wanted, variant, generator)
    labels = repeated(chosen, len(chosen), number) if chosen else None
    count = len(labels) if labels else number
    if target.suffix.lower() == ".npz":
        from ganzoo.report.arrays import save_npz

        if labels is None and generator.classes:
            labels = [i % generator.classes for i in range(count)]  # as without a request, but known
        save_npz(target, variant, generator.stream(count, labels, asked["seed"], **sampling), count, labels)
        return
    samples = generator.sample(count, labels, asked["seed"], **sampling)
    columns = asked["columns"] or (number if wanted == "all" else COLUMNS)
    write(variant, samples, target, columns, labels, origin(source, variant, generator, asked))


def draw_walk(
    source: Path, variant: "Variant", generator: "Generator", asked: dict[str, Any], typed: list[str], sampling: Any,
    target: Path,
) -> None:  # fmt: skip
    """A walk: as rows of a picture, or in time."""
    import torch

    from ganzoo.models.walk import walk
    from ganzoo.report.films import check_film, save_film, walk_frames
    from ganzoo.report.pictures import drawn

    wanted, rows, film = asked["wanted"], asked["rows"], target.suffix.lower() in FILMS
    chosen = classes_asked(wanted, variant, generator)
    classes = () if asked["morph"] is None else parse_morph(asked["morph"], generator.classes, variant.data.classes)
    if wanted == "all" and rows is not None:
        raise UsageError(f"--rows {rows} contradicts --class all, which draws one row a class.")
    fps = asked["fps"] or FPS
    if film:
        check_film(target, fps)
        if rows is None and len(drawn(variant, generator.sample(2, None, **sampling))) != 2:
            rows = CLOUD
    rows = rows or (len(chosen) if wanted == "all" else ROWS)
    waypoints = len(classes) or asked["waypoints"] or 2
    loop = film and not asked["once"]
    if not film:
        steps = asked["number"]
    elif asked["frames"]:
        steps = asked["frames"]
    elif "-n" in typed:  # steps of a leg, both ends included; neighbours share an end
        steps = max(2, (asked["number"] - 1) * (waypoints if loop else waypoints - 1) + (not loop))
    else:
        steps = FRAMES * (waypoints if loop else waypoints - 1)
    labels = repeated(chosen, rows, 1)
    samples = walk(
        generator, rows, steps, asked["interpolate"] or "still",
        None if labels is None else torch.tensor(labels), asked["seed"],
        waypoints=waypoints, loop=loop, ease=(asked["easing"] or ("smooth" if film else "none")) == "smooth",
        morph=classes, **sampling,
    )  # fmt: skip
    said = origin(source, variant, generator, asked)
    if film:
        save_film(target, walk_frames(variant, samples, steps), fps, said)
    else:
        write(variant, samples, target, steps, repeated(chosen, rows, steps), said)


def draw_arithmetic(
    source: Path, variant: "Variant", generator: "Generator", asked: dict[str, Any], typed: list[str], sampling: Any,
    target: Path,
) -> None:  # fmt: skip
    """The picture of an arithmetic."""
    from ganzoo.models.latents import arithmetic
    from ganzoo.report.arithmetic import picture_of_sum
    from ganzoo.report.pictures import save_image

    terms = parse_terms(asked["arithmetic"])
    chosen = classes_asked(asked["wanted"], variant, generator)
    if generator.classes and len(chosen) != 1:
        raise UsageError("--arithmetic works within one class: add --class K.")
    found = arithmetic(generator, terms, chosen[0] if chosen else None, asked["seed"], **sampling)
    title = f"class {asked['wanted']}" if chosen else ""
    picture = picture_of_sum(variant, terms, found, title)
    save_image(target, picture, origin(source, variant, generator, asked))


def write(
    variant: "Variant", samples: "Tensor", target: Path, columns: int, labels: list[int] | None,
    said: dict[str, object] | None = None,
) -> None:  # fmt: skip
    """Samples in the form that the name of the target asks for.

    Args:
        said: where they come from, for the files that can say it.

    Raises:
        UsageError: samples that cannot be written in this form.
        RunError: the target cannot be written.
    """
    from ganzoo.data.kinds import writers
    from ganzoo.report.pictures import drawn, save_picture, save_singles

    suffix = target.suffix.lower()
    if writer := {**writers(variant.data.kind), **variant.writers()}.get(suffix):
        writer(samples, target, variant.data)
        return
    pictures = drawn(variant, samples)
    if suffix == ".png":
        save_picture(target, pictures, columns, said)
    elif len(pictures) != len(samples):
        raise UsageError(f"{target}: {variant.data.kind} are drawn together, to a FILE.png.")
    else:
        save_singles(target, pictures, labels, said)


def refuse_ending(target: Path, variant: "Variant") -> None:
    """Raise UsageError for a file that samples of this variant cannot be written to."""
    from ganzoo.data.kinds import writers

    arrays = [".npz"] if variant.data.kind == "images" else []
    known = [".png", *FILMS, *arrays, *writers(variant.data.kind), *variant.writers()]
    if target.suffix and not target.is_dir() and target.suffix.lower() not in known:
        raise UsageError(f"{target}: unknown ending {target.suffix!r}; write {', '.join(known)} or a folder.")
