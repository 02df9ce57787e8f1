"""The figure of a variant: a box for each network with its layers, below it what it feeds, lines between them.

Places are computed here, the template only writes them down. It is meant for narrow screens: data flows downwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ganzoo.anatomy.flow import OUTSIDE, Anatomy, Network
from ganzoo.report.html import environment

LETTER = 6.65
"""Width of a letter of the text of 11 pixels, about."""
LINE, HEAD, PAD, GAP = 18, 38, 10, 28
"""Height of a line and of a box's head; space within a box and between two."""
TRACK, LEAST = 9, 16
"""Distance of two lines that run side by side, and of a line from a box."""
COLOURS = 6
"""Colours of lines, by where they come from."""


@dataclass
class Box:
    """What is drawn of a network or of a source.

    Attributes:
        rank: row of the figure, from 0.
        lines: (label, shape, parameters) of each layer.
        x, y, width, height: in pixels, once it is placed.
    """

    name: str
    rank: int
    width: float
    height: float
    colour: int
    kind: str = ""
    said: str = ""
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    x: float = 0
    y: float = 0

    @property
    def title(self) -> str:
        """The name as it is shown."""
        return self.name.removeprefix(OUTSIDE)

    @property
    def shape_at(self) -> float:
        """Where the shapes of its lines end."""
        return self.x + self.width - PAD - LETTER * max((len(line[2]) for line in self.lines), default=0) - 10


@dataclass(frozen=True)
class Wire:
    """A line from a box to another one: an SVG path, and where it ends."""

    path: str
    tip: tuple[float, float]
    colour: int


@dataclass
class Figure:
    """What the template writes."""

    title: str
    boxes: list[Box]
    wires: list[Wire]
    notes: list[tuple[float, str]]
    width: float
    height: float


def figure(anatomy: Anatomy) -> str:
    """The figure as SVG. Its text has the colour of the text around it; alone, that of the reader's theme."""
    return environment("ganzoo.anatomy").get_template("figure.svg").render(drawn=layout(anatomy))


def layout(anatomy: Anatomy) -> Figure:
    """Everything in its place."""
    rank = ranks(anatomy.networks)
    rows: list[list[Box]] = [[source_box(name, shape) for name, shape in anatomy.sources.items()]]
    rows += [[] for _ in range(max(rank.values(), default=0))]
    for network in anatomy.networks:
        rows[rank[network.name]].append(network_box(network, rank[network.name]))
    boxes = [box for row in rows for box in row]
    for i, box in enumerate(boxes):
        box.colour = i % COLOURS
    by_name = {box.name: box for box in boxes}
    edges = [(by_name[name], by_name[network.name]) for network in anatomy.networks for name in network.inputs]
    wiring = Wiring(rows, edges)
    y = wiring.bottom + 18
    notes = [(y + i * 16, text) for i, text in enumerate(wrapped(anatomy.course, wiring.width))]
    title = f"The networks of {anatomy.variant}, as they are built for {anatomy.dataset}"
    return Figure(title, boxes, wiring.wires(), notes, wiring.width, (notes[-1][0] if notes else y) + 10)


def ranks(networks: list[Network]) -> dict[str, int]:
    """The row of each network: below those that it is fed by. Those that feed each other stand side by side."""
    feeds = {network.name: {n for n in network.inputs if n in {each.name for each in networks}} for network in networks}
    before = {name: set(direct) for name, direct in feeds.items()}
    for middle in before:
        for name in before:
            if middle in before[name]:
                before[name] |= before[middle]
    found: dict[str, int] = {}
    while len(found) < len(networks):
        for name in before:
            outer = {other for other in before[name] if name not in before[other]}
            if name not in found and outer <= found.keys():
                found[name] = 1 + max((found[other] for other in outer), default=0)
    return found


def network_box(network: Network, rank: int) -> Box:
    """The box of a network, as large as what stands in it."""
    lines = []
    for layer in network.layers:
        label = f"{layer.times} × {layer.label}" if layer.times > 1 else layer.label
        lines.append((label, sides(layer.shape), short(layer.parameters)))
    said = f"{short(network.parameters)} parameters"
    if not lines:
        lines = [(f"made of {', '.join(network.made_of)}" if network.made_of else "not used in the training", "", "")]
    widest = [max(len(line[i]) for line in lines) for i in range(3)]
    letters = max(sum(widest) + 6, len(network.name) * 1.15 + len(said) + 3, len(network.kind))
    return Box(
        network.name, rank, letters * LETTER + 2 * PAD, HEAD + LINE * len(lines) + 6, 0, network.kind, said, lines
    )


def source_box(name: str, shape: tuple[int, ...]) -> Box:
    """The box of something that comes from outside."""
    return Box(name, 0, max(len(name) * 1.15, 3, len(sides(shape))) * LETTER + 2 * PAD, 36, 0, said=sides(shape))


def sides(shape: tuple[int, ...]) -> str:
    """``128×7×7``; empty for a single number."""
    return "×".join(map(str, shape))


def short(count: int) -> str:
    """A number of parameters: ``131 k``; empty for none."""
    if not count:
        return ""
    for size, unit in ((10**6, " M"), (10**3, " k")):
        if count >= size:
            return f"{count / size:.3g}{unit}" if count < 1_000 * size else f"{count / size:,.0f}{unit}"
    return str(count)


def wrapped(texts: Iterable[str], width: float) -> list[str]:
    """Texts in lines that fit."""
    found = []
    for text in texts:
        line = ""
        for word in text.split():
            if line and (len(line) + len(word) + 1) * LETTER > width - 2 * PAD:
                found.append(line)
                line = "  "
            line = f"{line} {word}".lstrip() if line.strip() else f"{line}{word}"
        found.append(line)
    return found


class Wiring:
    """Places boxes in rows, and leads lines through the space between the rows, or beside them.

    Between two rows every line has a height of its own, and beside them a column of its own, by where it comes from.
    """

    def __init__(self, rows: list[list[Box]], edges: list[tuple[Box, Box]]) -> None:
        self.rows, self.edges = rows, edges
        self.tracks: list[list[str]] = [[] for _ in rows]
        self.lanes: list[str] = []
        for start, end in edges:
            self._use(self.tracks[start.rank], start.name)
            if end.rank != start.rank + 1:
                self._use(self.tracks[end.rank - 1], start.name)
                self._use(self.lanes, start.name)
        inner = max(sum(b.width for b in row) + GAP * (len(row) - 1) for row in rows if row)
        y = 2.0
        for row, tracks in zip(rows, self.tracks, strict=True):
            x = 2 + (inner - sum(b.width for b in row) - GAP * (len(row) - 1)) / 2
            for box in row:
                box.x, box.y = x, y
                x += box.width + GAP
            y += max((b.height for b in row), default=0)
            y += 2 * LEAST + TRACK * len(tracks) if tracks else 0
        self.inner, self.bottom = inner, y
        self.width = inner + 4 + (LEAST + TRACK * len(self.lanes) if self.lanes else 0)

    @staticmethod
    def _use(places: list[str], name: str) -> None:
        if name not in places:
            places.append(name)

    def _height(self, row: int, name: str) -> float:
        """Of a line below a row."""
        below = max(b.y + b.height for b in self.rows[row])
        return below + LEAST + TRACK * self.tracks[row].index(name)

    def wires(self) -> list[Wire]:
        """All lines; those into a box are spread over its upper side, in the order of where they come from."""
        found = []
        for row in self.rows[1:]:
            for box in row:
                starts = [start for start, end in self.edges if end is box]
                starts.sort(key=lambda s: (s.rank != box.rank - 1, s.x + s.width / 2))
                for i, start in enumerate(starts):
                    x = box.x + box.width * (i + 1) / (len(starts) + 1)
                    others = [b for b in self.rows[box.rank - 1] if b is not start]
                    if any(abs(x - other.x - other.width / 2) < TRACK for other in others):
                        x += TRACK  # else it would look like the line that begins above it
                    tip = round(x, 1), round(box.y - 1, 1)
                    found.append(Wire(self._path(start, box, tip), tip, start.colour))
        return found

    def _path(self, start: Box, end: Box, tip: tuple[float, float]) -> str:
        """The line of an edge."""
        x = start.x + start.width / 2
        first = self._height(start.rank, start.name)
        path = f"M{x:.1f} {start.y + start.height:.1f}V{first:.1f}"
        if end.rank != start.rank + 1:
            lane = self.inner + LEAST + TRACK * self.lanes.index(start.name)
            path += f"H{lane:.1f}V{self._height(end.rank - 1, start.name):.1f}"
        return f"{path}H{tip[0]}V{tip[1]}"
