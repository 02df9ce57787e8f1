"""The film of one training, or of several side by side, and its frames as pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from ganzoo.config.settings import RunConfig
from ganzoo.data.drawn.toys import modes
from ganzoo.report.classroom.moments import moments
from ganzoo.report.classroom.panels import palette, panel
from ganzoo.report.films import save_film
from ganzoo.report.pictures import origin_of, save_image
from ganzoo.runs.trained import TrainedRun

MOMENTS = 4
"""Columns of the figure, as in the paper."""


def lesson_frames(runs: Sequence[TrainedRun], titles: Sequence[str]) -> Iterator[tuple[int, list[Image.Image]]]:
    """(step, a panel of each run) of every checkpoint that all runs have kept.

    Raises:
        UsageError: as :func:`ganzoo.report.classroom.moments.moments`.
    """
    mixture = modes(runs[0].data.name)
    for at in zip(*(moments(run) for run in runs), strict=True):
        yield at[0].step, [panel(moment, mixture, title) for moment, title in zip(at, titles, strict=True)]


def save_lesson(runs: Sequence[TrainedRun], titles: Sequence[str], folder: Path, fps: float) -> Path:
    """Write into a folder the film ``classroom.gif``, its frames, and the figure ``classroom.png``; returns the film.

    In the film the trainings stand side by side. In the figure each is a row of four moments.

    Raises:
        RunError: a file cannot be written.
        UsageError: as :func:`lesson_frames`.
    """
    frames = folder / "frames"
    frames.mkdir(parents=True, exist_ok=True)
    said = {**origin_of(runs[0].variant, folder.resolve().name, runs[0].step), "seed": runs[0].config.seed}
    said["shows"] = "; ".join(titles)
    found = list(lesson_frames(runs, titles))
    pictures = [table([panels]) for _, panels in found]
    for (step, _), picture in zip(found, pictures, strict=True):
        save_image(frames / f"step-{step:08d}.png", picture, {**said, "step": step})
    chosen = sorted({round(i * (len(found) - 1) / (MOMENTS - 1)) for i in range(MOMENTS)})
    rows = [[found[i][1][run] for i in chosen] for run in range(len(runs))]
    save_image(folder / "classroom.png", one_palette([table(rows)])[0], said)
    film = folder / "classroom.gif"
    save_film(film, one_palette(pictures), fps, said, hold=2)
    return film


def table(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Pictures of one size in rows and columns."""
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (width * len(rows[0]), height * len(rows)), "white")
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            sheet.paste(picture, (j * width, i * height))
    return sheet


def one_palette(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """The frames in the colours of the panels: nothing flickers, and the files stay small."""
    holder = Image.new("P", (1, 1))
    holder.putpalette([value for colour in palette() for value in colour])
    return [frame.quantize(palette=holder, dither=Image.Dither.NONE) for frame in frames]


def titles_of(configs: Sequence[RunConfig], variant: str, changed: Sequence[str]) -> list[str]:
    """What each training is called: the settings in which they differ, else the variant and its loss."""
    if not changed:
        return [f"{variant}, {config.loss}" if config.loss else variant for config in configs]
    return [", ".join(said(config, key) for key in changed) for config in configs]


def said(config: RunConfig, key: str) -> str:
    """A setting and its value, as ``KEY=VALUE``; of the loss the name alone."""
    holder = next(h for h in (config, config.tricks, config.options) if hasattr(h, key))
    value = getattr(holder, key)
    return str(value) if key == "loss" else f"{key}={value:g}" if type(value) is float else f"{key}={value}"
