"""``ganzoo sample``: grids, single images, walks, morphs, arithmetic, films, arrays, from a run or a weights file."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.drawing.words import FILMS, parse_terms, refuse_together
from ganzoo.cli.options import SOURCE, parse_assignments, refuse_output
from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from ganzoo.models.interfaces import Generator
    from ganzoo.models.variant import Variant

WORDS = {
    "number": "-n", "interpolate": "--interpolate", "morph": "--morph", "arithmetic": "--arithmetic",
    "timelapse": "--timelapse", "waypoints": "--waypoints", "easing": "--easing", "once": "--once",
    "frames": "--frames", "fps": "--fps", "rows": "--rows", "seed": "--seed", "columns": "--columns",
    "assignments": "-s", "truncation": "--truncation", "wanted": "--class", "npz": "--npz", "turn": "--turn",
}  # fmt: skip
"""What draws samples, as it is typed."""
WITH_IMAGES = ("-n", "--class", "--columns", "--interpolate", "--easing", "--once", "--frames", "--fps")
"""What goes with --input where images are encoded."""
WITH_TURN = ("--turn", "-n", "-s", "--class", "--columns", "--seed", "--truncation", "--frames", "--fps")
"""What goes with a film of turning shapes."""


@click.command("sample")
@click.argument("source", metavar="RUN|WEIGHTS", type=SOURCE)
@click.option("-n", "--number", type=click.IntRange(1, 1_000_000), default=64,
              help="How many; with --class all of each class; steps of a walk, in films between two waypoints. "
              "[default: 64; 12 from waypoint to waypoint of a walk]")  # fmt: skip
@click.option("--class", "wanted", metavar="K|NAME|all", help="One class, by number or name, or all of them.")
@click.option("-s", "--setting", "assignments", metavar="KEY=VALUE", multiple=True,
              help="A sampling setting of the generator; see 'ganzoo info VARIANT'. May be repeated.")  # fmt: skip
@click.option("--truncation", metavar="PSI", type=click.FloatRange(min=0, max=100, min_open=True),
              help="Draw components of latents beyond +-PSI again: more typical samples, less variety "
              "(arXiv:1809.11096). Below 1 is strong, above 3 does little.")  # fmt: skip
@click.option("--interpolate", is_flag=False, flag_value="spherical", type=click.Choice(["spherical", "linear"]),
              help="A walk: rows of samples between latents. [spherical when no word follows]")  # fmt: skip
@click.option("--morph", metavar="K,K...|all",
              help="A walk through classes, mixed in between. Latents stand still, unless --interpolate "
              "moves them.")  # fmt: skip
@click.option("--waypoints", type=click.IntRange(2, 1000), help="Latents on the way of --interpolate. [default: 2]")
@click.option("--easing", type=click.Choice(["smooth", "none"]),
              help="Start and stop gently at each waypoint. [default: smooth in films]")  # fmt: skip
@click.option("--once", is_flag=True, help="A film ends at the last waypoint. Otherwise its end meets its start.")
@click.option("--frames", type=click.IntRange(2, 10_000),
              help="Frames of a film in all, instead of -n. [default: 24 between two waypoints]")  # fmt: skip
@click.option("--fps", type=click.IntRange(1, 60),
              help="Frames of a film in a second. [default: 12; a time lapse lasts about eight seconds]")  # fmt: skip
@click.option("--arithmetic", metavar="TERMS",
              help='Means of latents, named by seeds, added and subtracted: "1,2,3 - 4,5,6 + 7,8,9".')  # fmt: skip
@click.option("--timelapse", is_flag=True, help="A film of RUN's training, from the pictures in its samples/.")
@click.option("--turn", is_flag=True, help="A film of shapes that turn around once; -n 8 when it is left out.")
@click.option("--npz", is_flag=True, help="An array for evaluators elsewhere: the same as --output samples.npz.")
@click.option("--rows", type=click.IntRange(1, 1000),
              help="Rows of a walk. [default: 8; with --class all one row a class; of points 512]")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of the latents.")
@click.option("--columns", type=click.IntRange(1, 1000),
              help="Images in a row of a grid. [default: 8; with --class all as many as of each class]")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path),
              help="FILE.png for a grid, FILE.gif or .mp4 for a walk in time, FILE.npy, FILE.npz for evaluators "
              "elsewhere, FILE.wav for sounds, FILE.mid for notes, FILE.obj for shapes, or a folder for single images. "
              "[default: samples.png, samples.npz, turn.gif or timelapse.gif]")  # fmt: skip
@click.option("--input", "given", metavar="IMAGE|DIR", multiple=True, type=click.Path(path_type=Path),
              help="Images to translate, or to encode and draw again, as RUN's networks do. May be repeated for "
              "encoders.")  # fmt: skip
@click.option("--direction", metavar="ROLE", help="Which translator takes --input, such as a2b. [default: the first]")
@click.option("--mask", metavar="IMAGE", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="White where a network fills holes. [default: where --input is transparent]")  # fmt: skip
@click.option("--tile", type=click.IntRange(0, 100_000),
              help="Translate in tiles of this side; 0: never. [default: for large images]")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing FILE.")
@click.pass_context
def command(
    ctx: click.Context, /, source: Path, output: Path | None, given: tuple[Path, ...],
    direction: str | None, mask: Path | None, tile: int | None, overwrite: bool, **asked: Any,
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
    ganzoo sample runs/x -n 50000 --npz           for evaluators elsewhere
    ganzoo sample runs/x --timelapse              the training as a film
    ganzoo sample runs/x --turn                   shapes in three dimensions, turning: turn.gif
    ganzoo sample runs/x --input photo.jpg --output large.png
    ganzoo sample runs/x --input digits/          originals, and what an encoder's generator makes of them
    ganzoo sample runs/x --input a.png --input b.png --interpolate
    """
    typed = [word for p, word in WORDS.items() if ctx.get_parameter_source(p) is click.core.ParameterSource.COMMANDLINE]
    translating = {"--tile": tile, "--direction": direction, "--mask": mask}
    if given:
        click.echo(from_images(source, given, output, translating, overwrite, asked, typed))
        return
    refuse_translating(translating, "--input")
    named = {"timelapse": "timelapse.gif", "turn": "turn.gif", "npz": "samples.npz"}
    usual = next((name for word, name in named.items() if asked[word]), "samples.png")
    target = (output or Path(usual)).expanduser()
    refuse_contradictions(asked, typed, target)
    refuse_output(target, overwrite)
    carry_out(source, target, asked, typed)
    click.echo(target)


def from_images(
    source: Path, given: tuple[Path, ...], output: Path | None, translating: dict[str, Any], overwrite: bool,
    asked: dict[str, Any], typed: list[str],
) -> Path:  # fmt: skip
    """Images through a translator, or through an encoder and back; returns where the result lies.

    Raises:
        UsageError: options that do not fit, no such images, or networks that take none.
    """
    from ganzoo.cli.drawing.reconstruct import draw_reconstructions
    from ganzoo.cli.drawing.translate import translate_all
    from ganzoo.models.interfaces import Translator
    from ganzoo.models.latents import autoencoder
    from ganzoo.runs.trained import first_of, open_networks

    given = tuple(path.expanduser() for path in given)
    for path in given:
        if not path.exists():
            raise UsageError(f"--input {path}: no such file or folder.")
    opened = open_networks(source)
    coder = autoencoder(opened[1].values())
    if coder is None or first_of(opened[1], Translator) is not None:
        if drawing := [word for word in typed if word != "--class"]:
            raise UsageError(f"--input translates images; {drawing[0]} is for drawing samples.")
        if len(given) > 1:
            raise UsageError(f"--input {given[1]}: one image or one folder is translated at a time.")
        direction, tile, mask = (translating[word] for word in ("--direction", "--tile", "--mask"))
        return translate_all(source, opened, given[0], output, direction, asked["wanted"], tile, overwrite, mask)
    refuse_translating(translating, "networks that turn images into images")
    target = (output or Path("samples.png" if asked["interpolate"] else "reconstructions.png")).expanduser()
    refuse_together(typed, "--input", "images are encoded and drawn again.", WITH_IMAGES)
    refuse_contradictions(asked, typed, target)
    refuse_output(target, overwrite)
    draw_reconstructions(source, opened[0], coder, given, target, asked, typed)
    return target


def refuse_translating(options: dict[str, Any], purpose: str) -> None:
    """Raise UsageError for the first of these options that was given."""
    for word, value in options.items():
        if value is not None:
            raise UsageError(f"{word} {value} is for {purpose}.")


def carry_out(source: Path, target: Path, asked: dict[str, Any], typed: list[str]) -> None:
    """Open the source and draw what is asked for."""
    from ganzoo.cli.drawing import draw
    from ganzoo.models.latents import truncated

    if asked["timelapse"]:
        draw.draw_timelapse(source, target, asked["frames"], asked["fps"])
        return
    variant, generator, weights = open_generator(source)
    draw.refuse_ending(target, variant)
    sampling = sampling_settings(generator, asked["assignments"])
    order = draw.Order(source, weights, target, variant, generator, asked, typed, sampling)
    with truncated(generator, asked["truncation"]):
        if asked["arithmetic"] is not None:
            draw.draw_arithmetic(order)
        elif asked["turn"]:
            draw.draw_turn(order)
        elif asked["interpolate"] or asked["morph"] is not None:
            draw.draw_walk(order)
        else:
            draw.draw_samples(order)


def refuse_contradictions(asked: dict[str, Any], typed: list[str], target: Path) -> None:
    """Raise UsageError for words that do not go together, before anything is loaded."""
    suffix = target.suffix.lower()
    walks = asked["interpolate"] or asked["morph"] is not None
    if asked["npz"] and suffix != ".npz":
        raise UsageError(f"--npz writes a FILE.npz, not {target}.")
    if asked["timelapse"]:
        refuse_together(typed, "--timelapse", "it shows the pictures that the training has left.",
                        ("--timelapse", "--frames", "--fps"))  # fmt: skip
        if suffix not in FILMS:
            raise UsageError(f"{target}: --timelapse makes a film: write a FILE.gif or FILE.mp4.")
        return
    if asked["arithmetic"] is not None:
        parse_terms(asked["arithmetic"])
        refuse_together(typed, "--arithmetic", "it draws one picture of the seeds that it names.",
                        ("--arithmetic", "-s", "--seed", "--class", "--truncation"))  # fmt: skip
        if suffix != ".png":
            raise UsageError(f"{target}: --arithmetic draws a picture: write a FILE.png.")
    if asked["turn"]:
        refuse_together(typed, "--turn", "it shows shapes as they are, from all sides.", WITH_TURN)
        if suffix not in FILMS:
            raise UsageError(f"{target}: --turn makes a film: write a FILE.gif or FILE.mp4.")
        return
    for word in ("rows", "waypoints", "easing"):
        if asked[word] is not None and not walks:
            more = "; a grid takes --columns" if word == "rows" else ""
            raise UsageError(f"{WORDS[word]} {asked[word]} is for --interpolate and --morph{more}.")
    if asked["columns"] is not None and (walks or suffix != ".png"):
        raise UsageError(f"--columns {asked['columns']} is for grids; walks, arrays and folders have none to choose.")
    if suffix in FILMS and not walks:
        raise UsageError(f"{target}: a film shows a walk; add --interpolate, --morph, --turn or --timelapse.")
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


def open_generator(source: Path) -> "tuple[Variant, Generator, Path]":
    """What was trained, its generator, and the file of the generator's weights, from a run directory or that file.

    Raises:
        UsageError: there is none.
    """
    from ganzoo.models.interfaces import Generator, Translator
    from ganzoo.runs.run import weights_path
    from ganzoo.runs.trained import first_of, open_networks
    from ganzoo.runs.weights import weights_in

    source = weights_in(source)
    variant, networks = open_networks(source)
    for role, network in networks.items():
        if isinstance(network, Generator):
            return variant, network, weights_path(source, role) if source.is_dir() else source
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
