"""One setting: a dataclass field with its meaning, its range, and how text becomes its value."""

import dataclasses
import math
import re
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from ganzoo.errors import ConfigError, UnknownNameError, printable, shown

MOST_WHOLE, MOST_FLOAT = 10**12, 1e38
"""The largest numbers that a setting without a limit of its own may have."""
TABLES = ("options", "tricks")
"""Settings that have a table of their own in ``config.toml``; on the command line all keys stand side by side."""


def option(
    default: Any,
    help: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    path: Literal["one", "many"] | None = None,
) -> Any:
    """A dataclass field with its meaning (unit included) and its range; choices come from a ``Literal`` type.

    ``path`` says that a text names a file or folder, or many of them, comma separated: see :func:`with_full_paths`.
    """
    said = {"at_least": at_least, "above": above, "below": below, "at_most": at_most, "path": path}
    return field(default=default, metadata={"help": help, **{k: v for k, v in said.items() if v is not None}})


def check(settings: Any) -> None:
    """Raise ConfigError for the first field of a settings dataclass with a wrong type or out of its range."""
    hints = typing.get_type_hints(type(settings))
    for f in fields(settings):
        if f.name not in TABLES:
            check_value(f.name, getattr(settings, f.name), hints[f.name], f.metadata)


def check_value(name: str, value: Any, hint: Any, metadata: Mapping[str, Any]) -> None:
    """Raise ConfigError unless ``value`` fits the type ``hint`` and the limits in ``metadata``."""
    kinds = alternatives(hint)
    if value is None and type(None) in kinds:
        return
    if not any(_is(value, kind) for kind in kinds if kind is not type(None)):
        raise ConfigError(f"{name} = {shown(value)} is not {describe(hint)}.")
    if isinstance(value, str) and not value.isprintable():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ConfigError(
                f"{name} = {printable(value)} has bytes that are not UTF-8: rename it, or use a link."
            ) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name} = {shown(value)} is not a finite number.")
    if isinstance(value, int | float) and not isinstance(value, bool) and "at_most" not in metadata:
        # What no computation bears, whatever it is for: 32-bit floats end at 3.4e38.
        metadata = {**metadata, "at_most": MOST_WHOLE if isinstance(value, int) else MOST_FLOAT}
        if value <= metadata["at_most"]:
            metadata = {key: limit for key, limit in metadata.items() if key != "at_most"}
    sign = {"at_least": "at least", "above": "above", "below": "below", "at_most": "at most"}
    broken = {
        "at_least": lambda limit: value < limit,
        "above": lambda limit: value <= limit,
        "below": lambda limit: value >= limit,
        "at_most": lambda limit: value > limit,
    }
    if any(limit in metadata and broken[limit](metadata[limit]) for limit in sign):
        valid = " and ".join(f"{word} {metadata[limit]:,}" for limit, word in sign.items() if limit in metadata)
        raise ConfigError(f"{name} = {shown(value)} is out of range: it must be {valid}.")


def _is(value: Any, kind: Any) -> bool:
    if typing.get_origin(kind) is Literal:
        return any(value == choice and type(value) is type(choice) for choice in typing.get_args(kind))
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, typing.get_origin(kind) or kind)


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The members of a union (``int | None``), or the type itself."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def describe(hint: Any) -> str:
    """A type in a user's words."""
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(str(choice) for choice in typing.get_args(hint))
    if len(alternatives(hint)) > 1:
        return " or ".join(describe(kind) for kind in alternatives(hint))
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", types.NoneType: "none"}
    return words.get(hint, str(hint))


def parse(name: str, text: str, hint: Any) -> Any:
    """The value that ``text`` (from ``-o name=text``) stands for, by the field's type.

    Raises:
        ConfigError: the text does not stand for a value of that type.
    """
    kinds = alternatives(hint)
    for kind in kinds:
        if kind is type(None) and text.lower() == "none":
            return None
        if typing.get_origin(kind) is Literal:
            for choice in typing.get_args(kind):
                if str(choice) == text:
                    return choice
        elif kind is bool and text.lower() in ("true", "false"):
            return text.lower() == "true"
        elif kind is str:
            return text
        elif kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
    raise ConfigError(f"{name} = {shown(text)} is not {describe(hint)}.")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of a variant's own settings: subclass it as a frozen dataclass with :func:`option` fields."""

    def __post_init__(self) -> None:
        check(self)


def build(options: type[Options], values: Mapping[str, Any], texts: Mapping[str, str] | None = None) -> Options:
    """Settings of that type from values by name, and from values as typed.

    Raises:
        UnknownNameError: a name that is not one of its settings.
        ConfigError: a value of the wrong type or out of range.
    """
    hints = typing.get_type_hints(options)
    known = [f.name for f in fields(options)]
    for name in (*values, *(texts or {})):
        if name not in known:
            raise UnknownNameError("setting", name, known)
    parsed = {name: parse(name, text, hints[name]) for name, text in (texts or {}).items()}
    return options(**{**values, **parsed})


def reject_unused(options: Options, keys: Collection[str], why: str) -> None:
    """Raise ConfigError for the first of these settings that is not as by default: something else keeps it from acting.

    For a variant's ``prepare``: a setting that is ignored in silence lets a user believe in what never was.
    """
    for f in fields(options):
        if f.name in keys and getattr(options, f.name) != f.default:
            raise ConfigError(f"{f.name} = {getattr(options, f.name)!r} does nothing: {why}.")


COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0)}


def colour_of(text: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of ``white``, ``black`` or ``#rrggbb``.

    Raises:
        ConfigError: something else.
    """
    if text.lower() in COLOURS:
        return COLOURS[text.lower()]
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ConfigError(f"background = {text!r} is no colour: write white, black or #rrggbb, such as #80a0ff.")
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def full_path(text: str) -> str:
    """A path as it is written into ``config.toml``: a relative one, or ``~``, means another place elsewhere.

    Raises:
        ConfigError: ``~somebody``, who is not known here; bytes that are not UTF-8, which no settings can hold.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"the path {printable(text)} has bytes that are not UTF-8: rename it, or use a link."
        ) from error
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError as error:
        raise ConfigError(f"{text!r}: no home directory is known by that name; write the path in full.") from error


def with_full_paths(options: Options) -> Options:
    """The same options, each that is declared a path (:func:`option`) in full; an empty one stays empty."""
    found = {}
    for f in fields(options):
        if (kind := f.metadata.get("path")) and (text := getattr(options, f.name)):
            parts = [part.strip() for part in text.split(",")] if kind == "many" else [text]
            found[f.name] = ",".join(full_path(part) for part in parts if part)
    return dataclasses.replace(options, **found)
