"""Metrics as users ask for them: ``NAME[@ROLE][ vs DATASET]``. Standard library only."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from ganzoo.errors import UsageError
from ganzoo.registry.registry import registry

VERSUS = " vs "


@dataclass(frozen=True)
class MetricRequest:
    """One metric, of one network, against one data set.

    Attributes:
        name: of the metric.
        role: of the network it is taken of; empty: the first one that it can be taken of.
        reference: the data set to compare with; empty: the one that was trained on, or that ``--reference`` names.
    """

    name: str
    role: str = ""
    reference: str = ""

    @classmethod
    def parse(cls, text: str) -> "MetricRequest":
        """``"psnr@a2b vs folder:Set5"``.

        Raises:
            UnknownNameError: no such metric.
            UsageError: a part that is empty.
        """
        head, versus, reference = text.lstrip().partition(VERSUS)
        name, at, role = head.strip().partition("@")
        if (at and not re.fullmatch(r"[\w-]+", role)) or (versus and not reference.strip()) or not name:
            raise UsageError(f"metric {text!r}: write NAME, NAME@ROLE, or NAME vs DATASET.")
        registry().metrics.spec(name)
        if reference:
            registry().datasets.spec(reference.strip().partition(":")[0])
        return cls(name, role, reference.strip())

    def __str__(self) -> str:
        return self._joined(self.reference)

    @property
    def title(self) -> str:
        """What stands in histories and tables: the path of a data set shortened to its last name."""
        base, _, argument = self.reference.partition(":")
        return self._joined(PurePath(argument).name if argument else base)

    def _joined(self, reference: str) -> str:
        role = f"@{self.role}" if self.role else ""
        return f"{self.name}{role}{VERSUS + reference if reference else ''}"


def requests_in(text: str) -> list[MetricRequest]:
    """Comma separated requests, each once. Raises as :func:`as_requests`."""
    return as_requests(part for part in text.split(",") if part.strip())


def as_requests(names: Iterable[str | MetricRequest]) -> list[MetricRequest]:
    """Requests given as text or as they are, each once.

    Raises:
        UnknownNameError, UsageError: as :meth:`MetricRequest.parse`.
        UsageError: two of them would stand under one title.
    """
    parsed = (name if isinstance(name, MetricRequest) else MetricRequest.parse(name) for name in names)
    found: dict[str, MetricRequest] = {}
    for request in parsed:
        other = found.setdefault(request.title, request)
        if other != request:
            raise UsageError(f"{other} and {request} are both called {request.title!r}: rename one of the folders.")
    return list(found.values())


def base_name(title: str) -> str:
    """The name of the metric in a title, or in the name of one of its numbers."""
    return re.split(r"[@ ]", title, maxsplit=1)[0]
