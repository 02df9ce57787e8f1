"""Films as GIF or MP4, from frames of any kind."""

import importlib.util
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganzoo.data.base import DataInfo
from ganzoo.data.kinds import sides_of, view
from ganzoo.data.resize import convert_channels
from ganzoo.errors import RunError, UsageError
from ganzoo.models.variant import Variant
from ganzoo.report.pictures import Origin, drawn, grid, texts_of, to_image
from ganzoo.runtime.files import replace_file

MIN_SIDE = 64
"""Smaller samples are magnified in films."""
PICTURE = re.compile(r"step-(\d+)\.png")
MOST_FRAMES = 200
"""Of a film of a training, if no one says otherwise."""
CAPTION, FONT = 18, ImageFont.load_default(12)
"""Pixels of a line of text."""
FASTEST_GIF = 50
"""Frames per second: a GIF counts in hundredths of a second, and viewers slow down below two of them."""


def check_film(path: Path, fps: float) -> None:
    """Raise UsageError for a film that cannot be written: before anything is computed for it."""
    if path.suffix.lower() == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise UsageError(f"{path}: MP4 needs ffmpeg: pip install 'ganzoo[video]', or write a FILE.gif.")
    if path.suffix.lower() == ".gif" and fps > FASTEST_GIF:
        raise UsageError(
            f"{path}: a GIF shows at most {FASTEST_GIF} frames per second, not {fps:g}; an MP4 shows more."
        )


def walk_frames(variant: Variant, samples: Tensor, steps: int) -> list[Image.Image]:
    """The frames of a walk, samples [rows * steps, ...] row by row: all rows side by side at each step.

    Points, and what else is drawn together, make one plot a step. RGBA is laid on white.
    """
    by_step = samples.reshape(-1, steps, *samples.shape[1:]).transpose(0, 1)
    rows = by_step.shape[1]
    pictures = [drawn(variant, step) for step in by_step]
    if pictures[0].shape[1] == 4:
        pictures = [convert_channels(each, 3) for each in pictures]  # films know no half transparency
    together = len(pictures[0]) != rows
    width = 1 if together else -(-rows // max(1, int(rows**0.5)))
    return [to_image(grid(each, width, min_side=MIN_SIDE)) for each in pictures]


def turn_frames(data: DataInfo, samples: Tensor, count: int, columns: int) -> list[Image.Image]:
    """The frames of samples that turn around once, all of them in a grid."""
    sides = [step * sides_of(data) / count for step in range(count)]
    return [to_image(grid(view(samples, data, side), columns, min_side=MIN_SIDE)) for side in sides]


def save_film(
    path: Path, frames: Sequence[Image.Image], fps: float, origin: Origin | None = None, hold: float = 0.0
) -> None:
    """Write frames of one size, as the ending of ``path`` says. A GIF repeats for ever.

    Args:
        fps: frames per second.
        origin: what the file says about where the frames come from, as a comment in JSON.
        hold: seconds that the last frame stands longer.

    Raises:
        RunError: the file cannot be written.
        UsageError: as :func:`check_film`.
    """
    check_film(path, fps)
    comment = json.dumps(texts_of(origin or {}))
    if path.suffix.lower() == ".mp4":
        more = [frames[-1]] * round(hold * fps)
        replace_file(path, lambda temporary: _write_mp4(temporary, [*frames, *more], fps, comment))
        return
    ends = [round(100 * (i + 1) / fps) for i in range(len(frames))]
    durations = [10 * (end - begin) for begin, end in zip([0, *ends], ends, strict=False)]
    durations[-1] += round(100 * hold) * 10
    options: dict[str, Any] = {
        "save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0, "comment": comment.encode(),
    }  # fmt: skip
    replace_file(path, lambda temporary: frames[0].save(temporary, format="GIF", **options))


def _write_mp4(path: Path, frames: Sequence[Image.Image], fps: float, comment: str) -> None:
    """H.264 in the pixel format that every player knows, which needs even sides: an odd one gets a grey line."""
    import imageio_ffmpeg

    width, height = (side + side % 2 for side in frames[0].size)
    writer = imageio_ffmpeg.write_frames(
        str(path), (width, height), fps=fps, codec="libx264", pix_fmt_out="yuv420p", macro_block_size=1, quality=8,
        output_params=["-f", "mp4", "-metadata", f"comment={comment}", "-threads", "1"], ffmpeg_log_level="error",
    )  # fmt: skip
    try:
        writer.send(None)
        for frame in frames:
            sheet = Image.new("RGB", (width, height), (128, 128, 128))
            sheet.paste(frame.convert("RGB"))
            writer.send(sheet.tobytes())
    except OSError as error:
        raise RunError(f"ffmpeg could not write the film: {str(error).strip().splitlines()[-1]}") from error
    finally:
        writer.close()


def save_timelapse(
    path: Path, run: Path, most: int = MOST_FRAMES, fps: float | None = None, until: int | None = None
) -> None:
    """A training as a film: the pictures in ``samples/`` of a run directory, one after the other.

    Args:
        most: frames at most; of more pictures evenly chosen ones are shown, the first and the last included.
        fps: frames per second; None: the film lasts about eight seconds.
        until: pictures of later steps are left out.

    Raises:
        UsageError: there are no pictures, or as :func:`check_film`.
        RunError: the film cannot be written, or a picture cannot be read.
    """
    found = {int(m[1]): p for p in (run / "samples").glob("*.png") if (m := PICTURE.fullmatch(p.name))}
    steps = [step for step in sorted(found) if until is None or step <= until]
    if not steps:
        raise UsageError(f"{run} holds no pictures of its training: samples/ is empty.")
    check_film(path, fps or 1)
    chosen = [steps[round(i)] for i in torch.linspace(0, len(steps) - 1, min(most, len(steps))).tolist()]
    try:
        frames = read_frames([found[step] for step in chosen])
    except (OSError, ValueError) as error:
        raise RunError(f"{run / 'samples'}: a picture cannot be read: {error}.") from error
    shown = [captioned(frame, f"step {step:,}") for frame, step in zip(frames, chosen, strict=True)]
    save_film(path, shown, fps or min(20, max(4, len(shown) / 8)), {"run": run.resolve().name}, hold=2)


def captioned(frame: Image.Image, text: str) -> Image.Image:
    """A frame with a line of text beneath."""
    white = 255 if frame.mode == "L" else "white"
    sheet = Image.new(frame.mode, (frame.width, frame.height + CAPTION), white)
    sheet.paste(frame)
    ImageDraw.Draw(sheet).text((6, frame.height + 2), text, 0 if frame.mode == "L" else "black", FONT)
    return sheet


def read_frames(paths: Sequence[Path]) -> list[Image.Image]:
    """Pictures as frames of one size, that of the last: grey where all are, else RGB; RGBA is laid on white.

    Raises:
        OSError: one cannot be read.
    """
    frames = []
    for path in paths:
        with Image.open(path) as picture:
            frames.append(picture.convert("RGBA") if picture.mode == "RGBA" else picture.copy())
    mode, size = "L" if all(frame.mode == "L" for frame in frames) else "RGB", frames[-1].size
    for i, frame in enumerate(frames):
        if frame.mode == "RGBA":
            sheet = Image.new("RGB", frame.size, "white")
            sheet.paste(frame, mask=frame)
            frame = sheet
        frames[i] = (frame if frame.size == size else frame.resize(size, Image.Resampling.NEAREST)).convert(mode)
    return frames
