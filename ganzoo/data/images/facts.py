"""What image files hold, file by file and counted over a folder, and what a user has to know of it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image

from ganzoo.data.images.opening import GREY
from ganzoo.data.images.pixels import DEEP, Profile, is_deep_colour, is_transparent

DARK = 32_767
"""Files of 16 bits whose values stay below this lose half of the 256 steps or more."""


@dataclass(frozen=True)
class Facts:
    """One file.

    Attributes:
        width, height: in pixels, upright.
        grey: without colour, by its mode or by its pixels.
        transparent: it has transparent pixels; of a file that was not decoded: it has an alpha channel.
        frames: an animation, or a file of several pages.
        deep: grey with more than 8 bits.
        deep_colour: colours of 16 bits, of which Pillow reads the upper 8.
        peak: largest value of a deep file as stored, of a deep colour file as read; None: not looked at.
        profile: what became of its colour profile.
    """

    width: int
    height: int
    grey: bool = False
    transparent: bool = False
    frames: bool = False
    deep: bool = False
    deep_colour: bool = False
    peak: float | None = None
    profile: Profile = ""


def facts_of_header(image: Image.Image) -> Facts:
    """What can be told of a file just opened, without its pixels."""
    # A photograph with a preview in it (MPO) is no animation.
    frames = image.format != "MPO" and bool(getattr(image, "is_animated", False))
    deep = image.mode.startswith(("I", "F"))
    return Facts(
        *image.size,
        grey=image.mode in GREY,
        transparent=is_transparent(image),
        frames=frames,
        deep=deep,
        deep_colour=is_deep_colour(image),
    )


@dataclass
class Census:
    """The files of a folder, counted; ``peak`` and ``colour_peak`` are the largest values seen, ``open_surfaces``
    meshes that enclose nothing."""

    count: int = 0
    grey: int = 0
    transparent: int = 0
    frames: int = 0
    deep: int = 0
    deep_colour: int = 0
    converted: int = 0
    unusable: int = 0
    peak: float | None = None
    colour_peak: float | None = None
    least_width: int = 0
    least_height: int = 0
    most_width: int = 0
    most_height: int = 0
    open_surfaces: int = 0

    def add(self, facts: Facts) -> None:
        """Count one file."""
        first, self.count = not self.count, self.count + 1
        self.grey += facts.grey
        self.transparent += facts.transparent
        self.frames += facts.frames
        self.deep += facts.deep
        self.deep_colour += facts.deep_colour
        self.converted += facts.profile == "converted"
        self.unusable += facts.profile == "unusable"
        self.see(facts)
        self.least_width = facts.width if first else min(self.least_width, facts.width)
        self.least_height = facts.height if first else min(self.least_height, facts.height)
        self.most_width = max(self.most_width, facts.width)
        self.most_height = max(self.most_height, facts.height)

    def see(self, facts: Facts) -> None:
        """Take the largest value of a file that was counted before its pixels were seen."""
        if facts.peak is not None and facts.deep:
            self.peak = max(self.peak or 0.0, facts.peak)
        if facts.peak is not None and facts.deep_colour:
            self.colour_peak = max(self.colour_peak or 0.0, facts.peak)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Census":
        """From :meth:`as_json`; TypeError for something else."""
        return cls(**plain)


def remarks(
    census: Census, channels: int, chosen: bool, background: str = "white", levels: float | None = None
) -> Iterator[str]:
    """What must be said of a folder whose images are brought to so many ``channels``; ``chosen`` by the user."""
    total = census.count

    def of(count: int) -> str:
        return f"all {count:,} images" if count == total else f"{count:,} of {total:,} images"

    if census.grey == total and channels == 3 and not chosen:
        yield f"all {total:,} images are grey, and RGB is trained on: -o channels=1 trains on grey"
    if census.transparent and channels != 4:
        yield (
            f"{of(census.transparent)} have transparency, which becomes {background}: -o background=COLOUR chooses "
            "another colour, -o channels=4 keeps it"
        )
    if not census.transparent and channels == 4:
        yield f"channels = 4, and none of {total:,} images has transparency: all are opaque"
    if not census.transparent and background != "white":
        yield f"background = {background} does nothing: none of {total:,} images has transparency"
    if census.deep and levels is None and census.peak is not None and census.peak <= DARK:
        mend = max(255, 2 ** int(census.peak).bit_length() - 1)
        yield (
            f"{of(census.deep)} have 16 bits, and none of their values is above {census.peak:,.0f} of {DEEP:,}, so "
            f"they become {'nearly black' if census.peak < DARK / 4 else 'dark'}: -o levels={mend} scales 0 to "
            f"{mend:,} to the whole range"
        )
    if levels is not None and not census.deep:
        yield f"levels = {levels:g} does nothing: none of {total:,} images has more than 8 bits"
    if census.deep_colour and census.colour_peak is not None and census.colour_peak < 64:
        yield (
            f"{of(census.deep_colour)} have colours of 16 bits, of which the upper 8 are read, and these reach "
            f"{census.colour_peak:.0f} of 255: they are nearly black; convert them to 8 bits first"
        )
    if census.frames:
        yield f"{of(census.frames)} hold several frames or pages: the first is used"
    if census.unusable:
        yield f"{of(census.unusable)} have a colour profile that cannot be used: their values are taken as they are"
