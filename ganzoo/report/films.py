"""Films as GIF or MP4, from frames of any kind."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.resize import convert_channels
from ganzoo.errors import RunError, UsageError
from ganzoo.models.variant import Variant
from ganzoo.report.pictures import Origin, drawn, grid, texts_of, to_image
from ganzoo.runtime.files import replace_file

FILMS = (".gif", ".mp4")
MIN_SIDE = 64
"""Smaller samples are magnified in films."""
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


def read_frames(paths: Sequence[Path], most: int = 200) -> list[Image.Image]:
    """Pictures as frames of one size, that of the last; of more than ``most`` evenly chosen ones, the last included.

    Raises:
        OSError: one cannot be read.
    """
    chosen = [paths[round(i)] for i in torch.linspace(0, len(paths) - 1, min(most, len(paths))).tolist()]
    frames = []
    for path in chosen:
        with Image.open(path) as picture:
            frames.append(picture.convert("RGBA" if picture.mode == "RGBA" else "RGB"))
    white = [Image.new("RGB", frame.size, "white") for frame in frames]
    for sheet, frame in zip(white, frames, strict=True):
        sheet.paste(frame, mask=frame if frame.mode == "RGBA" else None)
    size = white[-1].size
    return [sheet if sheet.size == size else sheet.resize(size, Image.Resampling.NEAREST) for sheet in white]
