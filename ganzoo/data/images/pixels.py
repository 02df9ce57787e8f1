"""Pixels of any kind to 8 bits in grey, RGB or RGBA: depth, colour profiles, transparency."""

from functools import lru_cache
from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageCms

from ganzoo.data.images.opening import Undecodable

DEEP = 65_535
"""What 255 becomes of in files with more than 8 bits, unless ``levels`` says otherwise."""
ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
Profile = Literal["", "converted", "unusable"]
"""Of an embedded colour profile: none or sRGB; another one, which was used; one that cannot be used."""


def is_transparent(image: Image.Image) -> bool:
    """Whether there is a channel or a colour that can be transparent."""
    return image.mode in ALPHA or "transparency" in image.info


def is_deep_colour(image: Image.Image) -> bool:
    """Whether a file just opened has colours of 16 bits, of which Pillow reads the upper 8."""
    return image.mode not in ("I", "I;16", "I;16B", "I;16L", "F") and any(
        ";16" in str(tile[3]) for tile in getattr(image, "tile", ())
    )


def convert(image: Image.Image, channels: int, background: tuple[int, int, int]) -> Image.Image:
    """8-bit pixels of any mode as grey ("L"), RGB, or RGBA; transparency is laid on ``background`` but in RGBA."""
    mode = MODES[channels]
    if is_transparent(image):
        # RGBa and La have premultiplied colours: converting them divides by alpha.
        rgba = image.convert("RGBA")
        if channels == 4:
            return rgba
        sheet = Image.new("RGBA", rgba.size, (*background, 255))
        image = Image.alpha_composite(sheet, rgba).convert("RGB")
    if image.mode == mode:
        return image
    # Grey out of a palette, CMYK or YCbCr by way of RGB, so that grey is always the luma of what one sees.
    return image.convert(mode) if image.mode in ("1", "L", "RGB") else image.convert("RGB").convert(mode)


def to_8_bits(image: Image.Image, levels: float | None) -> tuple[Image.Image, float | None]:
    """Grey of more than 8 bits scaled so that ``levels`` (65535 when None) becomes 255; others pass unchanged.

    Also returns the largest value, None for a picture of 8 bits.

    Raises:
        Undecodable: values that are negative, larger than ``levels`` or not finite; floats without ``levels``.
    """
    if not image.mode.startswith(("I", "F")):
        return image, None
    values = np.asarray(image)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    about = f"{'floating point' if image.mode == 'F' else 'integer'} pixels from {low:g} to {high:g}"
    if image.mode == "F" and levels is None:
        raise Undecodable(
            f"{about}, and what is white is not known: say it with -o levels=N, or convert it to 8 or 16 bit"
        )
    white = DEEP if levels is None else levels
    if not (low >= 0 and high <= white):  # what is not a number is neither
        mend = f"levels = {levels:g} is less" if levels is not None else "say what is white with -o levels=N"
        raise Undecodable(
            f"{about}: {mend if low >= 0 else 'there is no negative light'}; or convert it to 8 or 16 bit"
        )
    if image.mode == "F" or white != int(white):
        scaled = np.rint(values.astype(np.float64) * (255 / white))
    else:
        scaled = (values.astype(np.int64) * 255 + int(white) // 2) // int(white)
    return Image.fromarray(scaled.astype(np.uint8)), high


def to_srgb(image: Image.Image) -> tuple[Image.Image, Profile]:
    """The picture in sRGB, by its embedded colour profile; a profile that cannot be used is passed over."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode in ("1", "LAB"):
        return image, ""
    if image.mode.startswith(("I", "F")):
        return image, "unusable"  # littleCMS works on 8 bits here
    alpha = image.convert("RGBA").getchannel("A") if is_transparent(image) else None
    base = image
    if image.mode not in ("L", "RGB", "CMYK"):
        base = image.convert("L" if image.mode in ("LA", "La") else "RGB")
    state, transform = _transform(profile, base.mode)
    if transform is None:
        return image, state
    try:
        found = ImageCms.applyTransform(base, transform)
    except (ImageCms.PyCMSError, ValueError):
        return image, "unusable"
    assert found is not None, "it is given in place of the picture only when that is asked for"
    if alpha is not None:
        found.putalpha(alpha)
    return found, state


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> tuple[Profile, Any]:
    """What becomes of pixels of a mode under a profile: how it is told, and littleCMS's transform to sRGB or None."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        said = ImageCms.getProfileDescription(source).lower()
        if "srgb" in said or "iec61966-2" in said:
            return "", None
        return "converted", ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except Exception:  # littleCMS raises whatever a damaged profile leads it to; Pillow may lack it
        return "unusable", None
