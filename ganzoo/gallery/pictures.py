"""Pictures for the gallery: samples of a generator, and images through a translator, as PNG."""

import dataclasses
import io
import math
import tempfile
import typing
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from ganzoo.config.fields import alternatives, build, describe
from ganzoo.data.images.opening import Undecodable, open_image, reason
from ganzoo.data.kinds import sides_of, sound_of, view
from ganzoo.data.kinds.waves import as_wav
from ganzoo.errors import DataError, GanzooError, PluginError, UsageError
from ganzoo.errors import describe as describe_error
from ganzoo.gallery.networks import Opened
from ganzoo.gallery.requests import MOST_PIXELS, MOST_SAMPLES, SampleRequest, class_of
from ganzoo.models.interfaces import Generator, Translator
from ganzoo.models.latents import redrawn, untruncatable
from ganzoo.models.translate import read_upright, translate_image
from ganzoo.models.walk import arc, chord
from ganzoo.report.pictures import grid, to_image
from ganzoo.runs.trained import input_channels

MOST_SOUNDS, MOST_SECONDS = 16, 30
"""Of one answer."""
AT_ONCE = 2**22
"""Values of samples that are computed together: 256 images of 64 pixels."""


def card(opened: Opened) -> dict[str, Any]:
    """What can be asked of a network, for JSON."""
    network, data = opened.network, opened.variant.data
    kind = "generator" if isinstance(network, Generator) else "translator" if isinstance(network, Translator) else ""
    classes = network.classes if isinstance(network, Generator | Translator) else 0
    names = data.classes if len(data.classes) == classes else tuple(map(str, range(classes)))
    return {
        "kind": kind,
        "network": type(network).__name__,
        "samples": data.kind,
        "classes": list(names),
        "sides": sides_of(data),
        "sounds": kind == "generator" and sound_of(torch.zeros(1, *data.shape), data) is not None,
        "scale": str(network.scale) if isinstance(network, Translator) else None,
        "truncates": isinstance(network, Generator) and not untruncatable(network),
        "knobs": knobs(network.Sampling) if isinstance(network, Generator) else [],
        **opened.said,
    }


def knobs(holder: type) -> list[dict[str, Any]]:
    """The sampling settings of a generator: name, meaning, default, kind of value, and its range or choices.

    Those that name a file are left out: a request never holds a path.
    """
    hints, found = typing.get_type_hints(holder), []
    for f in dataclasses.fields(holder):
        if "help" not in f.metadata or "path" in f.metadata:
            continue
        kinds = [kind for kind in alternatives(hints[f.name]) if kind is not type(None)]
        choices = list(typing.get_args(kinds[0])) if typing.get_origin(kinds[0]) is typing.Literal else None
        kind = "choice" if choices else {int: "int", float: "float", bool: "bool"}.get(kinds[0], "text")
        limits = {key: f.metadata[key] for key in ("at_least", "above", "below", "at_most") if key in f.metadata}
        found.append(
            {
                "name": f.name, "help": f.metadata["help"], "type": describe(hints[f.name]), "kind": kind,
                "optional": len(kinds) < len(alternatives(hints[f.name])), "choices": choices, "default": f.default,
                **limits,
            }
        )  # fmt: skip
    return found


def sample_picture(opened: Opened, asked: SampleRequest) -> bytes:
    """The samples that are asked for, as a PNG of a grid. With ``wanted = "all"`` a row is a class.

    Raises:
        UsageError: no generator, a class, side or setting that it does not have, a picture too large.
        PluginError: the network raised something.
    """
    info = opened.variant.data
    if asked.side >= sides_of(info):
        raise UsageError(f"side = {asked.side}: these samples have sides 0 to {sides_of(info) - 1}.")

    def picture() -> bytes:
        samples, columns = drawn_samples(opened, asked)
        own = opened.variant.render(samples) if not asked.side else None
        return png(to_image(grid(view(samples, info, asked.side) if own is None else own, columns)))

    return answered(picture)


def sample_sound(opened: Opened, asked: SampleRequest) -> bytes:
    """The first samples of those that are asked for, one after another, as a WAV file.

    Raises:
        UsageError: samples that make no sound; otherwise as :func:`sample_picture`.
        PluginError: the network raised something.
    """

    def sound() -> bytes:
        samples, _ = drawn_samples(opened, dataclasses.replace(asked, n=min(asked.n, MOST_SOUNDS)))
        heard = sound_of(samples[:MOST_SOUNDS], opened.variant.data)
        if heard is None:
            raise UsageError(f"{opened.variant.data.kind} make no sound.")
        waves, rate = heard
        return as_wav(pad(waves, (0, rate // 5)).transpose(0, 1).flatten(1)[:, : rate * MOST_SECONDS], rate)

    return answered(sound)


def answered(make: Callable[[], bytes]) -> bytes:
    """What ``make`` gives; whatever a network raises becomes a PluginError."""
    try:
        return make()
    except GanzooError:
        raise
    except Exception as error:  # a network is a plugin's code
        raise PluginError(f"the network raised {describe_error(error)}") from error


@torch.no_grad()
def drawn_samples(opened: Opened, asked: SampleRequest) -> tuple[Tensor, int]:
    """Samples [n, *shape] on the CPU, and the columns of a grid of them."""
    generator = opened.network
    if not isinstance(generator, Generator):
        raise UsageError(f"this network is a {type(generator).__name__}: it draws no samples.")
    n, columns = asked.n, math.ceil(math.sqrt(asked.n))
    labels: Tensor | int | None
    if asked.wanted == "all":
        if not 0 < generator.classes <= MOST_SAMPLES:
            raise UsageError(f"class all: this generator has {generator.classes} classes.")
        columns = max(1, asked.n // generator.classes)
        n = columns * generator.classes
        labels = torch.arange(generator.classes).repeat_interleave(columns)
    else:
        labels = class_of(asked.wanted, generator.classes)
    sides = opened.variant.data.shape[1:] if opened.variant.data.kind == "images" else (1,)
    if n * math.prod(sides) > MOST_PIXELS:
        raise UsageError(f"n = {n}: the picture would have more than {MOST_PIXELS:,} pixels; ask for fewer samples.")
    return draw(generator, n, labels, asked), columns


def draw(generator: Generator, n: int, labels: Tensor | int | None, asked: SampleRequest) -> Tensor:
    """Samples [n, *shape] on the CPU: those of ``ganzoo sample --seed``, or what lies between two seeds."""
    for f in dataclasses.fields(generator.Sampling):
        if "path" in f.metadata and f.name in asked.settings:
            raise UsageError(f"{f.name} names a file, and the gallery reads none: use 'ganzoo sample'.")
    chosen = build(generator.Sampling, asked.settings)
    rng = torch.Generator().manual_seed(asked.seed)
    if asked.truncation is not None and (why := untruncatable(generator)):
        raise UsageError(f"truncation = {asked.truncation:g}: {why}.")

    def start() -> Tensor:
        found = generator.latents(n, rng)
        return found if asked.truncation is None else redrawn(found, float(asked.truncation), rng)

    latents = start()
    condition = generator.conditions(n, labels, chosen, rng)
    if asked.other is not None and asked.t > 0:
        rng = torch.Generator().manual_seed(asked.other)
        t = torch.tensor([float(asked.t)], device=latents.device)
        way = arc if asked.path == "spherical" else chord
        latents = way(latents[:, None], start()[:, None], t)[:, 0]
        if condition is not None and not generator.classes:
            end = generator.conditions(n, labels, chosen, rng)
            assert end is not None
            condition = generator.condition.interpolate(condition, end, torch.full((n,), float(asked.t)))
    first = generator.generate(latents[:1], None if condition is None else condition[:1], chosen)
    step = max(1, min(n, AT_ONCE // max(1, first[0].numel())))
    parts = [
        generator.generate(
            latents[first_row : first_row + step],
            None if condition is None else condition[first_row : first_row + step],
            chosen,
        )
        for first_row in range(0, n, step)
    ]
    return torch.cat(parts).float().cpu()


def translated_picture(opened: Opened, upload: bytes, wanted: int | None) -> bytes:
    """An uploaded image through a translator, as PNG.

    Raises:
        DataError: not an image, or more pixels than are taken; known from its header, before it is decoded.
        UsageError: no translator, a class that it does not have, sides that do not suit it.
        PluginError: the network raised something.
    """
    network = opened.network
    if not isinstance(network, Translator):
        raise UsageError(f"this network is a {type(network).__name__}: it translates no images.")
    label = class_of(wanted, network.classes)
    if network.classes and label is None:
        raise UsageError(f"this network translates into classes: choose one, 0 to {network.classes - 1}.")
    with tempfile.TemporaryDirectory(prefix="ganzoo-gallery-") as folder:
        path = Path(folder) / "image"
        path.write_bytes(upload)
        refuse_large(path, network)
        try:
            image = read_upright(path)
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            raise DataError(f"the image cannot be read: {reason(error)}.") from error
    channels = input_channels(network, opened.variant.data)
    return answered(lambda: png(translate_image(network, channels, image, None, label)))


def refuse_large(path: Path, network: Translator) -> None:
    """Raise DataError for a file that is no image, or one with too many pixels, before or after translation."""
    scale = float(network.scale)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower, and an error
            with open_image(path) as image:
                width, height = image.size
    except (Undecodable, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise DataError(f"the image has more than {MOST_PIXELS:,} pixels.") from error
        raise DataError(f"the file cannot be read: {reason(error)}.") from error
    if width * height > MOST_PIXELS:
        raise DataError(f"the image has {width} x {height} pixels: at most {MOST_PIXELS:,} are taken.")
    if width * height * scale**2 > 2 * MOST_PIXELS:
        raise DataError(f"the image has {width} x {height} pixels: {scale:g} times as large it would be too large.")


def png(picture: Image.Image) -> bytes:
    """A picture as PNG; compressed little, because it goes nowhere far."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
