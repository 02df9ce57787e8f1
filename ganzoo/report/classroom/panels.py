"""One frame of one training: densities and D over a line, or points and D over a plane."""

import math

import torch
from PIL import Image, ImageColor
from torch import Tensor

from ganzoo.data.drawn.toys import Modes
from ganzoo.metrics.measures.modes import NEAR, count_modes
from ganzoo.report.classroom.canvas import Canvas, Point
from ganzoo.report.classroom.moments import Moment

WIDTH, HEIGHT = 380, 372
LEFT, RIGHT, TOP = 26, 354, 62
"""Of the part that is drawn into; above it are the title and the legend."""
DATA, SAMPLES, FILL, OUTPUT, PALE = "black", "#1a7f37", "#d5efdc", "#1f5fbf", "#8a8a8a"
FLOOR, Z_LINE, X_LINE = 262, 290, 334
"""Heights, in pixels from above: of density zero, and of the two lines at the foot."""
DRAWN = 4_000
"""Samples that a density is estimated from, and modes are counted in."""
DOTS = 300
"""Samples shown in a plane."""
WIDE = 0.035
"""Standard deviation of the kernel of that estimate, in units of x."""
TALLEST = 4.0
"""Density at the upper edge."""
LINE_VIEW, PLANE_VIEW = (-0.6, 1.2), (-1.2, 1.2)
LEVELS = 7
"""Steps of colour for D's output."""
FAKE, EVEN, REAL = (240, 170, 105), (255, 255, 255), (130, 175, 235)
NEARBY = 10.0
"""Radius of the circle around a mode, in standard deviations. Neighbours are 40 and more apart."""
BATCHES = ("D judges whole batches", PALE)
"""What the legend says where D has no output for a single point."""
GUIDE, REAL_WORD, FAKE_WORD = "#c9d6ea", "#3f77c4", "#c96f1b"
SEED = 11
"""Of the latents that all frames share."""


def panel(moment: Moment, mixture: Modes, title: str) -> Image.Image:
    """The frame of a moment, WIDTH x HEIGHT pixels: of one dimension as in arXiv:1406.2661, of two as a map."""
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text((LEFT, 8), title, size=14)
    canvas.text((RIGHT, 8), f"step {moment.step:,}", PALE, size=14, anchor="ra")
    samples = moment.generator.sample(DRAWN, seed=SEED)
    if mixture.centres.shape[1] == 1:
        draw_line(canvas, moment, mixture, samples[:, 0])
    else:
        draw_plane(canvas, moment, mixture, samples)
    return canvas.finished()


def legend(canvas: Canvas, entries: list[tuple[str, str]]) -> None:
    """Words in their colours, one after the other."""
    place = float(LEFT)
    for text, colour in entries:
        place += canvas.text((place, 34), text, colour) + 14


def shown_output(moment: Moment, points: Tensor) -> Tensor:
    """D's output in [0, 1]: a probability as it is, a score stretched to its own range."""
    output = moment.output(points)
    if moment.is_probability:
        return output
    low, high = output.amin(), output.amax()
    return (output - low) / (high - low).clamp(min=1e-8)


def density(samples: Tensor, places: Tensor) -> Tensor:
    """The density of samples [N] at places [M], by a Gaussian kernel."""
    kernel = torch.exp(-0.5 * ((places[:, None] - samples[None, :]) / WIDE).square())
    return kernel.mean(1) / (WIDE * math.sqrt(2 * math.pi))


def draw_line(canvas: Canvas, moment: Moment, mixture: Modes, samples: Tensor) -> None:
    """Densities of data and samples, D's output, and below how latents are mapped to samples."""
    low, high = LINE_VIEW
    places = torch.linspace(low, high, 240)
    columns = (LEFT + (places - low) / (high - low) * (RIGHT - LEFT)).tolist()
    spread = torch.exp(-0.5 * ((places[:, None] - mixture.centres[None, :, 0]) / mixture.std).square()).mean(1)
    data = spread / (mixture.std * math.sqrt(2 * math.pi))

    def curve(values: Tensor, full: float) -> list[Point]:
        heights = FLOOR - values.clamp(max=full) / full * (FLOOR - TOP)
        return list(zip(columns, heights.tolist(), strict=True))

    generated = curve(density(samples, places), TALLEST)
    canvas.area([(LEFT, FLOOR), *generated, (RIGHT, FLOOR)], FILL)
    half = (FLOOR + TOP) / 2
    canvas.line([(LEFT, half), (RIGHT, half)], GUIDE, 1, (2, 4))
    canvas.line([(LEFT, FLOOR), (RIGHT, FLOOR)], PALE)
    canvas.line(generated, SAMPLES, 2)
    canvas.line(curve(data, TALLEST), DATA, 2, (2, 4))
    alone = moment.judges_alone(places[:, None])
    if alone:
        canvas.line(curve(shown_output(moment, places[:, None]), 1.0), OUTPUT, 2, (8, 5))
    for height, text in ((TOP, "1"), (half, "0.5"), (FLOOR, "0")):
        canvas.text((RIGHT + 5, height), text, OUTPUT, 11, "lm")
    said = "D(x)" if moment.is_probability else "D(x), scaled"
    legend(canvas, [("data", DATA), ("samples", SAMPLES), (said, OUTPUT) if alone else BATCHES])
    draw_mapping(canvas, moment, samples)


def draw_mapping(canvas: Canvas, moment: Moment, samples: Tensor) -> None:
    """Arrows from latents, evenly many on each part of their line, to the samples that they become.

    Where a latent is more than a number there is no such line; then the samples stand on theirs.
    """
    low, high = LINE_VIEW

    def column(value: float) -> float:
        return LEFT + (min(max(value, low), high) - low) / (high - low) * (RIGHT - LEFT)

    canvas.line([(LEFT, X_LINE), (RIGHT, X_LINE)], DATA)
    canvas.text((LEFT - 14, X_LINE), "x", anchor="lm")
    if moment.generator.latent_dim != 1:
        for value in samples[:200].tolist():
            canvas.line([(column(value), X_LINE), (column(value), X_LINE - 8)], SAMPLES)
        return
    canvas.line([(LEFT, Z_LINE), (RIGHT, Z_LINE)], DATA)
    canvas.text((LEFT - 14, Z_LINE), "z", anchor="lm")
    shares = torch.linspace(0.02, 0.98, 25)
    with torch.no_grad():
        ends = moment.generator(torch.special.ndtri(shares)[:, None])[:, 0]
    for share, end in zip(shares.tolist(), ends.tolist(), strict=True):
        canvas.arrow((LEFT + share * (RIGHT - LEFT), Z_LINE), (column(end), X_LINE), SAMPLES)
    canvas.text(((LEFT + RIGHT) / 2, X_LINE + 10), "latents z become samples x = G(z)", PALE, anchor="ma")


def draw_plane(canvas: Canvas, moment: Moment, mixture: Modes, samples: Tensor) -> None:
    """D's output as colours, the data's modes as discs of three standard deviations, samples as dots.

    Beneath stands how many modes have a tenth of their fair share of the samples in the circle around them, and how
    many samples lie on a disc.
    """
    low, high = PLANE_VIEW
    side, bottom = 110, TOP + (HEIGHT - TOP - 28)
    across = (WIDTH - (bottom - TOP)) // 2
    box = (across, TOP, across + bottom - TOP, bottom)
    axis = torch.linspace(low, high, side)
    places = torch.stack(torch.meshgrid(axis, axis.flip(0), indexing="xy"), dim=2).reshape(-1, 2)
    alone = moment.judges_alone(places)
    output = shown_output(moment, places).reshape(side, side) if alone else torch.full((side, side), 0.5)
    canvas.paste(coloured(output), box)
    left, top, right, lower = box
    canvas.line([(left, top), (right, top), (right, lower), (left, lower), (left, top)], GUIDE)

    def place(point: list[float]) -> Point:
        x, y = ((min(max(v, low), high) - low) / (high - low) * (bottom - TOP) for v in point)
        return box[0] + x, bottom - y

    scale = mixture.std / (high - low) * (bottom - TOP)
    for centre in mixture.centres.tolist():
        canvas.dot(place(centre), NEARBY * scale, None, DATA)
        canvas.dot(place(centre), NEAR * scale, DATA)
    for point in samples[:DOTS].tolist():
        canvas.dot(place(point), 1.6, SAMPLES)
    said = [("D: real", REAL_WORD), ("D: generated", FAKE_WORD)] if alone else [BATCHES]
    legend(canvas, [("data", DATA), ("samples", SAMPLES), *said])
    on = count_modes(samples, mixture).quality
    near = count_modes(samples, Modes(mixture.centres, mixture.std * NEARBY / NEAR))
    reached = f"near {near.fair} of {near.total} modes; {on:.0%} of the samples on one"
    canvas.text((WIDTH / 2, bottom + 7), reached, anchor="ma")


def coloured(values: Tensor) -> Image.Image:
    """Values [H, W] in [0, 1] as colours in steps, from generated over undecided to real."""
    return Image.fromarray(shade((values * LEVELS).floor().clamp(0, LEVELS - 1) / (LEVELS - 1)).numpy())


def shade(values: Tensor) -> Tensor:
    """The colours, uint8 [..., 3], of values [...] in [0, 1]."""
    fake, even, real = (torch.tensor(colour).float() for colour in (FAKE, EVEN, REAL))
    t = values[..., None] * 2 - 1
    colours = torch.where(t < 0, torch.lerp(even, fake, -t.clamp(max=0)), torch.lerp(even, real, t.clamp(min=0)))
    return colours.round().to(torch.uint8)


def palette() -> list[tuple[int, int, int]]:
    """The colours of a panel, and some between those that touch, so that edges stay smooth: at most 256."""
    shades = shade(torch.linspace(0, 1, LEVELS))
    levels = [(red, green, blue) for red, green, blue in shades.tolist()]
    lines = [rgb(colour) for colour in (DATA, SAMPLES, OUTPUT, PALE, REAL_WORD, FAKE_WORD)]
    plain = [(255, 255, 255), rgb(FILL), rgb(GUIDE), *levels, *lines]
    grounds = [(255, 255, 255), rgb(FILL), *levels]
    between = [mixed(line, ground, t) for line in lines[:3] for ground in grounds for t in (0.25, 0.5, 0.75)]
    between += [mixed(line, grounds[0], t) for line in lines[3:] for t in (0.25, 0.5, 0.75)]
    return list(dict.fromkeys([*plain, *between]))[:256]


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour in the way of the web as three numbers."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue


def mixed(a: tuple[int, int, int], b: tuple[int, int, int], t: float) -> tuple[int, int, int]:
    """The colour at ``t`` between two."""
    red, green, blue = (round(x + t * (y - x)) for x, y in zip(a, b, strict=True))
    return red, green, blue
