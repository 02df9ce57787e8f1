"""``ganzoo sample --input`` with an encoder: images above what is drawn of their latents, and walks between images."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.cli.drawing.draw import COLUMNS, FPS, Order, steps_of
from ganzoo.cli.drawing.words import FILMS
from ganzoo.data.files import image_files, images_of
from ganzoo.errors import UsageError
from ganzoo.models.interfaces import Encoder, Generator
from ganzoo.models.latents import decoded
from ganzoo.models.variant import Variant
from ganzoo.models.walk import walk
from ganzoo.report.films import check_film, save_film, walk_frames
from ganzoo.report.pictures import drawn, save_picture
from ganzoo.runs.run import weights_path
from ganzoo.runs.weights import weights_in

BLANK = 128
"""What stands in a picture where there is no original: the grey between images."""


def draw_reconstructions(
    source: Path, variant: Variant, coder: tuple[Encoder, Generator], given: tuple[Path, ...], target: Path,
    asked: dict[str, Any], typed: list[str],
) -> None:  # fmt: skip
    """Originals and reconstructions in rows, or a walk from image to image.

    Args:
        coder: an encoder, and the generator that takes its latents.
        given: images and folders; of all their files the first ``-n`` are drawn.

    Raises:
        UsageError: a target that is no picture and no film of a walk, classes that are missing, or too few images.
        DataError: a file is no image.
    """
    encoder, generator = coder
    if variant.data.kind != "images":
        raise UsageError(f"--input: {source} was trained on {variant.data.kind}, not on images.")
    if target.suffix.lower() not in (".png", *FILMS):
        raise UsageError(f"--output {target}: what --input gives is drawn as a FILE.png, a walk also as .gif or .mp4.")
    if not generator.classes and not generator.condition.is_none:
        raise UsageError("--input: this generator needs more than a latent, and images do not tell it.")
    source = weights_in(source)
    order = Order(
        source, weights_path(source, variant.main_role), target, variant, generator, {**asked, "seed": None}, typed, {}
    )
    classes = order.classes()
    if generator.classes and (not classes or (asked["interpolate"] and len(classes) > 1)):
        more = "" if asked["interpolate"] else ", or all for a row of each"
        raise UsageError(f"--input: this generator is told a class: add --class K{more}.")
    files = image_files(given)
    if not asked["interpolate"]:
        files = files[: asked["number"]]
    elif len(files) < 2:
        raise UsageError(f"--interpolate goes from image to image: {files[0]} is the only one, name two with --input.")
    images = torch.cat(list(images_of(files, variant.data, variant.config)))
    with torch.no_grad():
        latents = encoder(images).float()
    if asked["interpolate"]:
        draw_between(order, images, latents, classes)
        return
    conditions = [told(len(latents), k) for k in classes] or [None]
    again = [decoded(generator, latents, each) for each in conditions]
    columns = min(asked["columns"] or COLUMNS, len(images))
    rows = [drawn(variant, samples) for samples in (images, *again)]
    short = -len(images) % columns
    rows = [torch.cat([row, row.new_full((short, *row.shape[1:]), BLANK)]) for row in rows]
    sheet = torch.stack([row.unflatten(0, (-1, columns)) for row in rows], dim=1)
    save_picture(target, sheet.flatten(0, 2), columns, order.origin())


def told(count: int, chosen: int) -> Tensor | None:
    """One class for all, int64 [count]."""
    return torch.full((count,), chosen)


def draw_between(order: Order, images: Tensor, latents: Tensor, classes: list[int]) -> None:
    """A walk through the latents of all images: a row with the originals above their places, or a film."""
    count, asked = len(images), order.asked
    if order.is_film:
        check_film(order.target, asked["fps"] or FPS)
    steps = steps_of(order, count)
    if not order.is_film and "-n" in order.typed and steps < count:
        raise UsageError(f"-n {steps}: a walk through {count} images has at least as many steps.")
    loop = order.is_film and not asked["once"]
    samples = walk(
        order.generator, 1, steps, asked["interpolate"], told(1, classes[0]) if classes else None, loop=loop,
        ease=(asked["easing"] or ("smooth" if order.is_film else "none")) == "smooth", through=latents[None],
    )  # fmt: skip
    if order.is_film:
        save_film(order.target, walk_frames(order.variant, samples, steps), asked["fps"] or FPS, order.origin())
        return
    below, originals = drawn(order.variant, samples), drawn(order.variant, images)
    above = torch.full_like(below, BLANK)
    places = torch.linspace(0, steps - 1, count).round().long()
    above[places] = originals
    save_picture(order.target, torch.cat([above, below]), steps, order.origin())
