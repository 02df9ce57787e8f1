"""What a request asks for, checked before anything is computed."""

import json
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ganzoo.errors import ConfigError, UsageError, shown

MOST_SAMPLES = 256
MOST_SEED = 2**63 - 1
MOST_SIDES = 64
MOST_JSON = 64 * 1024
"""Bytes of a request for samples."""
MOST_UPLOAD = 20 * 1000 * 1000
"""Bytes of an image that is dropped in."""
MOST_PIXELS = 16 * 1000 * 1000
"""Pixels of an image that is dropped in, and of a picture of samples. A translated image may have twice as many."""

LEAST_TRUNCATION, MOST_TRUNCATION = 0.1, 3
"""The page's slider; at its end nothing is truncated."""


@dataclass(frozen=True)
class SampleRequest:
    """A request for samples.

    Attributes:
        run, file: as listed.
        n: samples, 1 to 256.
        seed: of the latents.
        other: seed of the latents that ``t`` leads to; None: no interpolation.
        t: 0: the latents of ``seed``, 1: those of ``other``.
        path: along which the latents go.
        wanted: a class number, ``"all"`` for a row of each class, None for what the generator takes by default.
        truncation: components of latents beyond this are drawn again, above 0 to 3; None: none are.
        side: that samples are seen from, 0 for those that are flat.
        settings: of the generator's ``Sampling``.
    """

    run: str
    file: str
    n: int = 64
    seed: int = 0
    other: int | None = None
    t: float = 0.0
    path: Literal["spherical", "linear"] = "spherical"
    wanted: int | Literal["all"] | None = None
    truncation: float | None = None
    side: int = 0
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("run", "file"):
            if not isinstance(getattr(self, key), str):
                raise ConfigError(f"{key} = {shown(getattr(self, key))} is not a name.")
        whole("n", self.n, 1, MOST_SAMPLES)
        whole("seed", self.seed, 0, MOST_SEED)
        whole("side", self.side, 0, MOST_SIDES - 1)
        if self.other is not None:
            whole("other", self.other, 0, MOST_SEED)
        between("t", self.t, 0, 1)
        if self.truncation is not None:
            between("truncation", self.truncation, LEAST_TRUNCATION, MOST_TRUNCATION)
        if self.path not in ("spherical", "linear"):
            raise ConfigError(f"path = {shown(self.path)} is not one of spherical, linear.")
        if not isinstance(self.settings, dict):
            raise ConfigError(f"settings = {shown(self.settings)} are not values by name.")


def whole(name: str, value: Any, least: int, most: int) -> None:
    """Raise ConfigError unless ``value`` is a whole number in that range."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError(f"{name} = {shown(value)} is out of range: it must be a whole number, {least} to {most}.")


def between(name: str, value: Any, least: float, most: float) -> None:
    """Raise ConfigError unless ``value`` is a number in that range."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError(f"{name} = {shown(value)} is out of range: it must be a number, {least} to {most}.")


def read_sample_request(body: bytes) -> SampleRequest:
    """The request in a JSON body.

    Raises:
        UsageError: not JSON, an unknown key, a key that is missing, or a value out of range.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError("the request is not JSON.") from error
    if not isinstance(found, dict):
        raise UsageError("the request is not an object of JSON.")
    known = [f.name for f in fields(SampleRequest)]
    if unknown := [key for key in found if key not in known]:
        raise UsageError(f"unknown key {shown(unknown[0])}: known are {', '.join(known)}.")
    if missing := [key for key in ("run", "file") if key not in found]:
        raise UsageError(f"the request lacks {missing[0]!r}.")
    return SampleRequest(**found)


def class_of(wanted: object, classes: int) -> int | None:
    """A class number, checked.

    Raises:
        UsageError: out of range, or for a network that takes none.
    """
    if wanted is None:
        return None
    if not classes:
        raise UsageError(f"class {shown(wanted)}: this network takes no class.")
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 0 <= wanted < classes:
        raise UsageError(f"class {shown(wanted)} is out of range: valid classes are 0 to {classes - 1}.")
    return wanted
