"""What a folder of your own holds: every file is read and counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.data.base import DataRequest
from ganzoo.data.decode import Decoder, in_parallel
from ganzoo.data.images.facts import Census
from ganzoo.data.images.opening import Undecodable
from ganzoo.data.progress import Progress, silent
from ganzoo.data.sources.folder import open_folder, part_of_folder
from ganzoo.errors import SplitMissingError, printable

SIDE = 32
"""Pictures are looked at in this size; what they hold is told in their own."""


@dataclass(frozen=True)
class Survey:
    """The samples of one folder.

    Attributes:
        noun: what they are: images, sounds, shapes.
        splits: number of files by split; all are ``train`` where there are no splits.
        classes: number of files to train on by class; empty where there are none.
        told: what the files hold, in words: what, and how many.
        facts: the same for programs.
        others: files that are no samples by their names, clutter left out.
        bad: files that cannot be used, with the reason of each.
    """

    noun: str
    splits: dict[str, int]
    classes: dict[str, int]
    told: list[tuple[str, str]]
    facts: dict[str, Any]
    others: int
    bad: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return {"splits": self.splits, "classes": self.classes, **self.facts, "others": self.others, "bad": self.bad}

    def lines(self) -> list[tuple[str, str]]:
        """The same in words: what, and how many."""
        found = [(f"{self.noun}, {split}", f"{count:,}") for split, count in self.splits.items()]
        if self.classes:
            least, most = min(self.classes.values()), max(self.classes.values())
            found.append(("classes", f"{len(self.classes):,}, of {least:,} to {most:,} {self.noun}"))
            found += [(f"  {name}", f"{count:,} ({count / self.splits['train']:.1%})") for name, count in
                      sorted(self.classes.items(), key=lambda pair: (-pair[1], pair[0]))]  # fmt: skip
        found += self.told
        if self.others:
            found.append(("other files", f"{self.others:,}"))
        return found


def parts_of(
    name: str, root: Path, argument: str, folder: Path, files: Sequence[Path], noun: str
) -> tuple[dict[str, int], dict[str, int]]:
    """(number of files by split, number of files to train on by class) of a folder."""
    splits, classes = {}, {}
    for split in ("train", "test"):
        try:
            part = part_of_folder(DataRequest(name, root, argument, split), folder, list(files), noun)
        except SplitMissingError:
            continue
        splits[split] = len(part.images)
        if split == "train" and part.labels is not None:
            counts = Counter(part.labels.tolist())
            classes = {each: counts[i] for i, each in enumerate(part.classes)}
    return splits, classes


def survey(name: str, argument: str, root: Path, progress: Progress = silent) -> Survey:
    """Decode every image of a folder or an archive, and count.

    Raises:
        UsageError: no path.
        DataError: no such folder, or fewer than two images.
    """
    folder, listing = open_folder(argument, root=root, progress=progress)
    splits, classes = parts_of(name, root, argument, folder, listing.images, "image")
    census, bad = Census(), {}
    paths = [folder / image for image in listing.images]
    look = Decoder(3, SIDE, SIDE).look
    for image, found in zip(listing.images, in_parallel(look, paths, "reading images", progress), strict=True):
        if isinstance(found, Undecodable):
            bad[printable(image.as_posix())] = str(found)
        else:
            census.add(found[1])
    return Survey("images", splits, classes, told_of(census), census.as_json(), len(listing.ignored), bad)


def told_of(census: Census) -> list[tuple[str, str]]:
    """Sizes and kinds of images, in words."""
    found = []
    if census.count:
        narrow, wide = f"{census.least_width:,} to {census.most_width:,}", census.most_height
        found.append(("sizes", f"{narrow} pixels wide, {census.least_height:,} to {wide:,} high"))
    up_to = "" if census.peak is None else f", values up to {census.peak:,g}"
    kinds = {
        "grey": (census.grey, ""), "with transparency": (census.transparent, ""),
        "of several frames or pages": (census.frames, ""), "grey of more than 8 bits": (census.deep, up_to),
        "colours of 16 bits": (census.deep_colour, ""), "with a colour profile, converted": (census.converted, ""),
        "with a colour profile that cannot be used": (census.unusable, ""),
    }  # fmt: skip
    return found + [(kind, f"{count:,}{more}") for kind, (count, more) in kinds.items() if count]
