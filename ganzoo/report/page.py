"""The report of one run, or of several side by side: one HTML file that loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from ganzoo.errors import UsageError, describe
from ganzoo.report.compare import Comparison, compare
from ganzoo.report.curves import Curves, curves
from ganzoo.report.facts import (
    RunFacts,
    Setting,
    command_of,
    provenance,
    read_runs,
    settings_of,
    title_of,
)
from ganzoo.report.html import PLOTS, Picture, Scatter, as_url, environment, scatter, stored, strip
from ganzoo.report.looks import SEED, Looks, Material, Translation, open_looks
from ganzoo.runtime.files import replace_text

REPORT = "report.html"
LIMIT = 5_000_000
"""Bytes of a page, at most."""
PICTURES = 2_600_000
"""Bytes of the files of all pictures of a page; base64 makes a third more of them."""
FRAMES = 40
"""Pictures through the training of one run, at most."""
MOST_RUNS = 12
MOST_WARNINGS = 50


@dataclass(frozen=True)
class Frame:
    """A picture of a moment of the training."""

    step: int
    images: int | None
    picture: Picture


@dataclass(frozen=True)
class Row:
    """A strip of samples with its name."""

    name: str
    picture: Picture


@dataclass(frozen=True)
class Sound:
    """A sample that is heard: a ``data:`` URL."""

    name: str
    data: str


@dataclass(frozen=True)
class Score:
    """A metric of the final weights, and of the best ones where these are others."""

    name: str
    final: float
    best: float | None = None


@dataclass(frozen=True)
class Translated:
    """What a translator makes of images: rows of pictures, and what stands above them."""

    role: str
    columns: tuple[str, ...]
    rows: list[list[Picture]]


@dataclass
class View:
    """One run as the template shows it."""

    facts: RunFacts
    settings: list[Setting]
    command: str
    provenance: list[tuple[str, str]]
    scores: list[Score]
    frames: list[Frame] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)
    turned: list[Picture] = field(default_factory=list)
    neighbours: list[Picture] = field(default_factory=list)
    searched: str = ""
    walks: list[Picture] = field(default_factory=list)
    scatter: Scatter | None = None
    translations: list[Translated] = field(default_factory=list)
    plot: bool = False
    missing: list[str] = field(default_factory=list)

    @property
    def classes(self) -> bool:
        """Whether each row of samples is a class."""
        return any(row.name for row in self.rows)


def write_report(paths: Sequence[Path], out: Path | None = None, material: Material | None = None) -> Path:
    """Write the report of run directories, whole or not at all, and return where it lies.

    Args:
        paths: run directories, at most ``MOST_RUNS``.
        out: the file; default ``report.html`` in the only run.
        material: of the one training that has just ended: its variant and its data.

    Raises:
        RunError: a path that is no run directory, or a file that cannot be written.
        UsageError: no run, too many, or one twice.
    """
    refuse_paths(paths)
    text = rendered(read_runs(list(paths)), material)
    target = out or paths[0] / REPORT
    replace_text(target, text)
    return target


def refuse_paths(paths: Sequence[Path]) -> None:
    """Raise UsageError for a number of runs that cannot be shown, or one that is named twice."""
    if not paths:
        raise UsageError("name at least one run directory.")
    if len(paths) > MOST_RUNS:
        raise UsageError(f"{len(paths)} runs are too many to look at: name at most {MOST_RUNS}.")
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise UsageError(f"{path} is named twice.")
        seen.add(path.resolve())


def rendered(runs: list[RunFacts], material: Material | None = None) -> str:
    """The page as text, below ``LIMIT`` bytes."""
    drawn = curves(runs)
    comparison = compare(runs)
    looks = [open_looks(run.path, material) for run in runs]
    budget, text = PICTURES, ""
    for _ in range(5):
        views = [view(run, found, budget // len(runs), len(runs)) for run, found in zip(runs, looks, strict=True)]
        text = page(views, drawn, comparison)
        if len(text.encode("utf-8", "replace")) < LIMIT:
            break
        budget //= 2
    return text.encode("utf-8", "replace").decode()  # a name of a file may hold bytes that are no UTF-8


def page(views: list[View], drawn: Curves, comparison: Comparison) -> str:
    """The template, filled in."""
    name = "report.html" if len(views) == 1 else "compare.html"
    return environment().get_template(name).render(
        views=views, view=views[0], curves=drawn, comparison=comparison, seed=SEED, most_warnings=MOST_WARNINGS
    )  # fmt: skip


def view(run: RunFacts, looks: Looks, budget: int, of: int) -> View:
    """One run for the template; its pictures take at most about ``budget`` bytes."""
    run_missing = len(run.missing)
    settings = settings_of(run)
    made = View(
        run, settings, command_of(run, settings), provenance(run),
        scores_of(run), searched=looks.searched, plot=looks.kind in PLOTS,
    )  # fmt: skip
    made.missing = [*run.missing, *looks.missing]
    del run.missing[run_missing:]  # a second try, with smaller pictures, says the same again
    made.frames = frames(run, int(0.5 * budget), max(6, FRAMES // of), made.missing)
    fill(made, looks, run.name, budget)
    if any(frame.picture.shrunk for frame in made.frames) or any(row.picture.shrunk for row in made.rows):
        made.missing.append(
            "all pixels of the pictures: they are smaller or less exact here than in the run directory."
        )
    return made


def scores_of(run: RunFacts) -> list[Score]:
    """All numbers of the metrics of a run."""
    best = run.scores("best") if run.best() else {}
    return [Score(title_of(key), value, best.get(key)) for key, value in run.scores().items()]


def fill(made: View, looks: Looks, name: str, budget: int) -> None:
    """The pictures that the trained networks have drawn."""
    if looks.samples is not None and looks.samples.shape[1] >= 2:
        alt = f"{len(looks.samples):,} samples of {name} as points"
        alt += "" if looks.real is None else f", over {len(looks.real):,} of the training data"
        made.scatter = scatter(looks.samples, looks.real, looks.walks, alt)
    share = int(0.25 * budget)
    kind = "class {}" if any(label for label, _ in looks.rows) else "row {}"
    for i, (label, images) in enumerate(looks.rows):
        alt = f"samples of {name}, {kind.format(label or i + 1)}, {len(images)} draws"
        made.rows.append(Row(label, strip(images, alt, share // len(looks.rows))))
    made.sounds = [Sound(label, as_url("audio/wav", content)) for label, content in looks.sounds]
    if looks.turned is not None:
        made.turned = strips(looks.turned, "samples from side", share)
    if looks.neighbours is not None:
        made.neighbours = strips(looks.neighbours, "a sample and its nearest training images, pair", share // 2)
    if looks.walks is not None and looks.walks.dim() == 5:
        made.walks = strips(looks.walks, "samples on the way from one latent to another, row", share // 2)
    count = sum(t.images.shape[0] * t.images.shape[1] for t in looks.translations)
    made.translations = [translated(t, name, share // count) for t in looks.translations]


def translated(found: Translation, name: str, most: int) -> Translated:
    """The pictures of a translator, each of at most ``most`` bytes."""
    rows = [
        [strip(one[None], f"{column} {i + 1} of {name}, {found.role}", most)
         for column, one in zip(found.columns, row, strict=True)]
        for i, row in enumerate(found.images)
    ]  # fmt: skip
    return Translated(found.role, found.columns, rows)


def strips(rows: Tensor, alt: str, most: int) -> list[Picture]:
    """Rows [R, N, C, H, W], a picture each."""
    return [strip(images, f"{alt} {i + 1}", most // len(rows)) for i, images in enumerate(rows)]


def frames(run: RunFacts, budget: int, count: int, missing: list[str]) -> list[Frame]:
    """The pictures through training, evenly thinned to a number and a size; the first and the last always stay."""
    seen = {step: images for step, images, _ in run.series("images")}
    size = int(run.flat.get("batch_size", 0)) if isinstance(run.flat.get("batch_size"), int) else 0
    chosen = thinned(run.grids, count)
    while len(chosen) > 8 and sum(length(path) for _, path in chosen) > budget:
        chosen = thinned(run.grids, max(8, int(len(chosen) * 0.8)))
    found = []
    fit = sum(length(path) for _, path in chosen) <= budget
    for step, path in chosen:
        images = seen.get(step, step * size if size else None)
        try:
            most = budget if fit else budget // len(chosen)
            shown = stored(path, f"samples of {run.name} after {step:,} steps", most)
        except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
            missing.append(f"the picture {path.name}: it cannot be read ({describe(error)}).")
            continue
        found.append(Frame(step, None if images is None else int(images), shown))
    return found


def length(path: Path) -> int:
    """Bytes of a file; 0 for one that is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def thinned(grids: list[tuple[int, Path]], count: int) -> list[tuple[int, Path]]:
    """At most ``count`` of them, evenly, with the first and the last."""
    if len(grids) <= count:
        return list(grids)
    last = len(grids) - 1
    return [grids[round(i * last / (count - 1))] for i in range(count)]
