"""Splits of a folder by the names of its subfolders: ``train`` and ``test``; ``val`` stands for ``test``."""

from collections.abc import Sequence
from pathlib import Path

SPLITS = {"train": ("train",), "test": ("test", "val", "valid", "validation")}
"""The folders that may hold a split; the first that is there is taken."""
NAMES = frozenset(name for names in SPLITS.values() for name in names)


def split_folder(top: Path, split: str) -> Path | None:
    """The folder of a split, or None."""
    return next((top / name for name in SPLITS[split] if (top / name).is_dir()), None)


def split_names(images: Sequence[Path]) -> tuple[dict[str, str], list[str]]:
    """Which top folder of images (paths relative to the root) is which split, and top folders that are neither.

    There are splits only where ``train`` and a folder that stands for ``test`` hold images and none lies beside them.
    Letter case does not count. With others beside them (a set of vehicles has a class ``train``) they are no splits;
    the second result is then what lies beside.
    """
    tops = {path.parts[0] for path in images if len(path.parts) > 1}
    known = {name.casefold(): name for name in sorted(tops) if name.casefold() in NAMES}
    found = {split: known[name] for split, names in SPLITS.items() for name in reversed(names) if name in known}
    if len(found) < len(SPLITS) or len(known) < len(tops) or any(len(path.parts) == 1 for path in images):
        beside = sorted(tops - set(known.values())) if len(found) == len(SPLITS) else []
        return {}, beside
    return found, []
