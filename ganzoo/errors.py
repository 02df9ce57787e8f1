"""The exceptions that ganzoo raises for its users; every message says what to do next.

    GanzooError                     exit code 1: the work could not be done
    ├── UsageError                  exit code 2: the request itself was wrong
    │   ├── UnknownNameError        no such variant, data set, loss, key ...; names the nearest right one
    │   └── ConfigError             a setting of the wrong type or out of its range
    ├── PluginError                 a plugin that cannot be imported or breaks its contract
    │   └── DuplicateNameError      two plugins offer one name
    ├── DataError                   a data set that is missing, damaged or unsuitable
    │   ├── DataMissingError        its files are not on this machine
    │   ├── SplitMissingError       it has no such split
    │   └── ChecksumError           a file whose content is not what was published
    ├── RunError                    a run directory that is in the way, missing or not writable
    ├── CheckpointError             a file that is not a checkpoint, is damaged, or belongs to other settings
    ├── ExportError                 a network that cannot be exported, or whose export does not agree with PyTorch
    ├── TrainingError               training broke down
    │   └── NotFiniteError          a loss, a gradient or a weight is not finite
    └── Interrupted                 exit code 128 + signal (130: Ctrl-C): stopped from outside, a checkpoint is kept

A violated assumption of our own is an AssertionError, never one of these.
"""

import signal
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

LONGEST = 200
FEW = 20
"""Choices that are all named in a message; of more only the nearest is."""


def printable(text: str) -> str:
    """The same text; bytes of a file's name that are not UTF-8 as ``\\xff``, which every terminal and file takes."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # halves of characters, which no file's name gives
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


class GanzooError(Exception):
    """Base of all errors meant for users. ``exit_code`` is what the command line returns."""

    exit_code = 1

    def __str__(self) -> str:
        return printable(super().__str__())


class UsageError(GanzooError):
    """The request itself was wrong: nothing was started, nothing was written."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that is not registered.

    Args:
        kind: what was looked for, for example ``"variant"``.
        name: the name that was given.
        choices: the names that exist.
        hint: one more sentence, for example the command that lists the choices.
        synonyms: what other programs call the choices.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        choices: Iterable[str],
        hint: str = "",
        synonyms: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.kind, self.name, self.choices = kind, name, sorted(choices)
        meant = synonyms.get(name.lower().replace("-", "_"), "")
        self.suggestion = meant if meant in self.choices else nearest(name, self.choices)
        if not self.choices:
            known = f"no {kind} is registered."
        elif self.suggestion:
            others = f" Known: {', '.join(self.choices)}." if len(self.choices) <= FEW else ""
            known = f"did you mean {self.suggestion!r}?{others}"
        elif len(self.choices) <= FEW or not hint:
            known = f"known: {', '.join(self.choices)}."
        else:
            known = f"there are {len(self.choices)} others."
        super().__init__(f"unknown {kind} {name!r}: {known}" + (f" {hint}" if hint else ""))


class ConfigError(UsageError):
    """A setting of the wrong type, out of its range, or contradicting another one."""


class PluginError(GanzooError):
    """A plugin that cannot be imported, raises, or breaks its contract."""


class DuplicateNameError(PluginError):
    """Two plugins offer one name; both distributions are named."""


class DataError(GanzooError):
    """A data set that is missing, damaged, or unsuitable for what was asked."""


class DataMissingError(DataError):
    """Files of a data set are not on this machine; the message says which, and where they go."""


class SplitMissingError(DataError):
    """A data set without the split that was requested."""


class ChecksumError(DataError):
    """A file whose content is not what its publisher's checksum says."""


class RunError(GanzooError):
    """A run directory that is in the way, missing, or cannot be written."""


class CheckpointError(GanzooError):
    """A file that is not a checkpoint, is damaged, or belongs to another variant or other settings."""


class ExportError(GanzooError):
    """A network that cannot be exported, or whose exported form does not give what PyTorch gives."""


class TrainingError(GanzooError):
    """Training broke down."""


class NotFiniteError(TrainingError):
    """A loss, a gradient or a weight is infinite or no number."""


class Interrupted(GanzooError):
    """Training was stopped from outside; the message holds the command that resumes it.

    Args:
        message: what to say.
        reason: name of the signal; the exit code is 128 and its number. Default: SIGINT.
    """

    exit_code = 130

    def __init__(self, message: str, reason: str = "SIGINT") -> None:
        super().__init__(message)
        self.reason = reason
        if reason in signal.Signals.__members__:
            self.exit_code = 128 + signal.Signals[reason]


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice most like ``name``, or None when nothing is near."""
    by_lower = {choice.lower(): choice for choice in choices}
    # 0.5 forgives two swapped letters in a short name and keeps unrelated words from matching.
    found = get_close_matches(name.lower().replace("_", "-"), by_lower, n=1, cutoff=0.5) or get_close_matches(
        name.lower(), by_lower, n=1, cutoff=0.5
    )
    return by_lower[found[0]] if found else None


def shown(value: object) -> str:
    """A value as it is shown in a message: cut when it is very long."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of very many digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters)"


def describe(error: BaseException) -> str:
    """An exception in one line: its type and what it says."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
