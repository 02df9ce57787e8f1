"""The film of one training, or of several side by side, and its frames as pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from ganzoo.config.settings import RunConfig
from ganzoo.data.sources.toys import modes
from ganzoo.report.classroom.moments import moments
from ganzoo.report.classroom.panels import panel
from ganzoo.report.films import save_film
from ganzoo.report.pictures import origin_of, save_image
from ganzoo.runs.trained import TrainedRun

COLOURS = 64
"""Of a GIF: one palette for all frames, so that nothing flickers and the file stays small."""


def lesson_frames(runs: Sequence[TrainedRun], titles: Sequence[str]) -> Iterator[tuple[int, Image.Image]]:
    """(step, picture) of every checkpoint that all runs have kept; the runs stand side by side.

    Raises:
        UsageError: as :func:`ganzoo.report.classroom.moments.moments`.
    """
    mixture = modes(runs[0].data.name)
    for at in zip(*(moments(run) for run in runs), strict=True):
        panels = [panel(moment, mixture, title) for moment, title in zip(at, titles, strict=True)]
        sheet = Image.new("RGB", (sum(each.width for each in panels), panels[0].height), "white")
        left = 0
        for each in panels:
            sheet.paste(each, (left, 0))
            left += each.width
        yield at[0].step, sheet


def save_lesson(runs: Sequence[TrainedRun], titles: Sequence[str], film: Path, frames: Path, fps: float) -> None:
    """Write the film, and each frame as ``step-00000100.png`` into the folder ``frames``.

    Raises:
        RunError: one cannot be written.
        UsageError: as :func:`lesson_frames`.
    """
    pictures = []
    frames.mkdir(parents=True, exist_ok=True)
    for step, picture in lesson_frames(runs, titles):
        said = origin_of(runs[0].variant, runs[0].path.resolve().name, step, seed=runs[0].config.seed)
        save_image(frames / f"step-{step:08d}.png", picture, {**said, "shows": "; ".join(titles)})
        pictures.append(picture)
    save_film(film, one_palette(pictures), fps, {"shows": "; ".join(titles)}, hold=2)


def one_palette(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """The frames in few colours, the same in all."""
    chosen = frames[:: max(1, len(frames) // 4)]
    together = Image.new("RGB", (chosen[0].width, chosen[0].height * len(chosen)))
    for i, frame in enumerate(chosen):
        together.paste(frame, (0, i * frame.height))
    palette = together.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


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
