"""The drawing behind ``ganzoo sample``: grids and single images, walks, arithmetic, films of a training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.cli.drawing.words import FILMS, parse_morph, parse_terms
from ganzoo.cli.options import choose_classes
from ganzoo.data.kinds import in_time, sides_of, writers
from ganzoo.errors import UsageError
from ganzoo.models.interfaces import Generator
from ganzoo.models.latents import arithmetic
from ganzoo.models.variant import Variant
from ganzoo.models.walk import walk
from ganzoo.report.arithmetic import picture_of_sum
from ganzoo.report.arrays import save_npz
from ganzoo.report.films import MOST_FRAMES, check_film, save_film, save_timelapse, turn_frames, walk_frames
from ganzoo.report.pictures import drawn, origin_of, save_image, save_picture, save_singles
from ganzoo.runs.run import read_run_details
from ganzoo.runs.weights import describe_weights

COLUMNS, ROWS = 8, 8
STEPS = 12
"""Of a walk as a picture, from one waypoint to the next, both included."""
TURNING = 8
"""Shapes of a film that turns them, if no one says otherwise."""
CLOUD = 512
"""Rows of a film of points, which shows a cloud of them."""
FRAMES = 24
"""Of a film, between two waypoints."""
FPS = 12


@dataclass(frozen=True)
class Order:
    """What is to be drawn.

    Attributes:
        source: run directory or weights file.
        weights: the weights file of the generator.
        target: where the result goes.
        asked: the options of the command, by parameter; ``typed`` are those that the user gave, as words.
        sampling: the settings of ``-s``, checked.
    """

    source: Path
    weights: Path
    target: Path
    variant: Variant
    generator: Generator
    asked: dict[str, Any]
    typed: list[str]
    sampling: dict[str, Any]

    @property
    def is_film(self) -> bool:
        """Whether the target is a film."""
        return self.target.suffix.lower() in FILMS

    def classes(self) -> list[int]:
        """The classes that ``--class`` names; none where it is left out.

        Raises:
            UsageError: no such class, or a generator without classes.
        """
        wanted = self.asked["wanted"]
        if wanted is not None and not self.generator.classes:
            raise UsageError(
                f"--class {wanted}: this generator was trained without labels, it has no classes to choose from."
            )
        return choose_classes(wanted, self.generator.classes, self.variant.data.classes)

    def origin(self) -> dict[str, object]:
        """Where the samples come from, for the file that holds them. Names, not paths: a picture may be published."""
        asked, chosen = self.asked, self.classes()
        names = self.variant.data.classes
        one = chosen[0] if len(chosen) == 1 else None
        named = one is not None and len(names) == self.generator.classes and names[one] != str(one)
        said = {
            "seed": asked["seed"], "class": asked["wanted"] if one is None else one,
            "class_name": names[one] if named and one is not None else None, "truncation": asked["truncation"],
            "settings": " ".join(asked["assignments"]), "interpolate": asked["interpolate"], "morph": asked["morph"],
            "arithmetic": asked["arithmetic"],
        }  # fmt: skip
        step = int(describe_weights(self.weights)[0].get("step", 0))
        return origin_of(self.variant, self.source.resolve().name, step, **said)


def repeated(chosen: list[int], rows: int, columns: int) -> list[int] | None:
    """The class of each of ``rows * columns`` samples, one class a row, in turn; None leaves the choice to others."""
    return [chosen[row % len(chosen)] for row in range(rows) for _ in range(columns)] if chosen else None


def draw_samples(order: Order) -> None:
    """A grid, single images, or an array."""
    generator, number = order.generator, order.asked["number"]
    chosen = order.classes()
    labels = repeated(chosen, len(chosen), number)
    count = len(labels) if labels else number
    if order.target.suffix.lower() == ".npz":
        if labels is None and generator.classes:
            labels = [i % generator.classes for i in range(count)]  # as without a request, but known
        batches = generator.stream(count, labels, order.asked["seed"], **order.sampling)
        save_npz(order.target, order.variant, batches, count, labels)
        return
    samples, _ = requested(order, number)
    columns = order.asked["columns"] or (number if order.asked["wanted"] == "all" else COLUMNS)
    write(order.variant, samples, order.target, columns, labels, order.origin())


def requested(order: Order, number: int) -> tuple[Tensor, list[int] | None]:
    """Samples as ``-n``, ``--class``, ``--seed`` and ``-s`` ask for them, and the class of each where one is asked for.

    Args:
        number: how many, or of each class.
    """
    chosen = order.classes()
    labels = repeated(chosen, len(chosen), number)
    count = len(labels) if labels else number
    return order.generator.sample(count, labels, order.asked["seed"], **order.sampling), labels


def draw_turn(order: Order) -> None:
    """A film of shapes that turn around once.

    Raises:
        UsageError: samples that have no other side.
    """
    asked, data = order.asked, order.variant.data
    if sides_of(data) == 1:
        raise UsageError(f"--turn is for shapes in three dimensions; {order.source} draws {data.kind}.")
    fps = asked["fps"] or FPS
    check_film(order.target, fps)
    number = asked["number"] if "-n" in order.typed else TURNING
    samples, _ = requested(order, number)
    columns = asked["columns"] or (number if asked["wanted"] == "all" else min(COLUMNS, len(samples)))
    save_film(order.target, turn_frames(data, samples, asked["frames"] or FRAMES, columns), fps, order.origin())


def draw_walk(order: Order) -> None:
    """A walk: as rows of a picture, or in time, which sounds take too."""
    generator, variant, asked = order.generator, order.variant, order.asked
    chosen, rows, film = order.classes(), asked["rows"], order.is_film
    classes = () if asked["morph"] is None else parse_morph(asked["morph"], generator.classes, variant.data.classes)
    if asked["wanted"] == "all" and rows is not None:
        raise UsageError(f"--rows {rows} contradicts --class all, which draws one row a class.")
    fps = asked["fps"] or FPS
    if film:
        check_film(order.target, fps)
        if rows is None and len(drawn(variant, generator.sample(2, None, **order.sampling))) != 2:
            rows = CLOUD
    joined = in_time(variant.data.kind, order.target.suffix.lower())
    rows = rows or (len(chosen) if asked["wanted"] == "all" else 1 if joined else ROWS)
    waypoints = len(classes) or asked["waypoints"] or 2
    steps = steps_of(order, waypoints)
    labels = repeated(chosen, rows, 1)
    samples = walk(
        generator, rows, steps, asked["interpolate"] or "still",
        None if labels is None else torch.tensor(labels), asked["seed"],
        waypoints=waypoints, loop=film and not asked["once"],
        ease=(asked["easing"] or ("smooth" if film else "none")) == "smooth",
        morph=classes, **order.sampling,
    )  # fmt: skip
    if film:
        save_film(order.target, walk_frames(variant, samples, steps), fps, order.origin())
    elif joined:
        walks = joined(samples.unflatten(0, (rows, steps)))
        write(variant, walks, order.target, 1, repeated(chosen, rows, 1), order.origin())
    else:
        write(variant, samples, order.target, steps, repeated(chosen, rows, steps), order.origin())


def steps_of(order: Order, waypoints: int) -> int:
    """Steps of a walk in all. A film that loops has a leg more, and shows no waypoint twice."""
    loop = order.is_film and not order.asked["once"]
    legs = waypoints if loop else waypoints - 1
    if not order.is_film:
        return int(order.asked["number"]) if "-n" in order.typed else (STEPS - 1) * legs + 1
    if order.asked["frames"]:
        return int(order.asked["frames"])
    if "-n" in order.typed:  # steps of a leg, both ends included; neighbours share an end
        return max(2, (int(order.asked["number"]) - 1) * legs + (not loop))
    return FRAMES * legs


def draw_arithmetic(order: Order) -> None:
    """The picture of an arithmetic."""
    asked, terms, chosen = order.asked, parse_terms(order.asked["arithmetic"]), order.classes()
    if order.generator.classes and len(chosen) != 1:
        raise UsageError("--arithmetic works within one class: add --class K.")
    found = arithmetic(order.generator, terms, chosen[0] if chosen else None, asked["seed"], **order.sampling)
    title = f"class {asked['wanted']}" if chosen else ""
    save_image(order.target, picture_of_sum(order.variant, terms, found, title), order.origin())


def draw_timelapse(source: Path, target: Path, frames: int | None, fps: int | None) -> None:
    """A training as a film, of at most so many frames.

    Raises:
        UsageError: a weights file, or a run without pictures.
        RunError: not a run directory.
    """
    if not source.is_dir():
        raise UsageError(f"--timelapse is for run directories; {source} is one file.")
    read_run_details(source)
    save_timelapse(target, source, frames or MOST_FRAMES, fps)


def write(
    variant: Variant, samples: Tensor, target: Path, columns: int, labels: list[int] | None,
    said: dict[str, object] | None = None,
) -> None:  # fmt: skip
    """Samples in the form that the name of the target asks for.

    Args:
        said: where they come from, for the files that can say it.

    Raises:
        UsageError: samples that cannot be written in this form.
        RunError: the target cannot be written.
    """
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


def refuse_ending(target: Path, variant: Variant) -> None:
    """Raise UsageError for a file that samples of this variant cannot be written to."""
    arrays = [".npz"] if variant.data.kind == "images" else []
    known = [".png", *FILMS, *arrays, *writers(variant.data.kind), *variant.writers()]
    if target.suffix and not target.is_dir() and target.suffix.lower() not in known:
        raise UsageError(f"{target}: unknown ending {target.suffix!r}; write {', '.join(known)} or a folder.")
