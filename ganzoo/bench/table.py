"""What a suite has found: rows with error bars over training seeds, as Markdown, CSV, JSON and LaTeX.

Nothing is left out in silence: a number that is missing has its reason as a footnote, and a job that failed is a row.
"""

import copy
import csv
import io
import json
import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.bench.runner import one_line, outcome
from ganzoo.bench.suite import BenchTask, Suite
from ganzoo.errors import RunError, describe
from ganzoo.metrics.requests import base_name
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import MetricSpec
from ganzoo.runs.history import history
from ganzoo.runtime.files import replace_text

# Student's t: how many standard errors the 95 % interval of a mean reaches, by degrees of freedom.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
       2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)  # fmt: skip
NORMAL95 = 1.960
LAST_LINE = "± is half the width of the 95 % interval of the mean over training seeds (Student's t)"


@dataclass
class Value:
    """The same number over seeds, by seed."""

    values: dict[int, float] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        return statistics.mean(self.values.values())

    @property
    def half(self) -> float | None:
        """Half the width of the 95 % interval; None for a single seed."""
        n = len(self.values)
        if n < 2:
            return None
        t = T95[n - 2] if n - 2 < len(T95) else NORMAL95
        return t * statistics.stdev(self.values.values()) / math.sqrt(n)

    def __str__(self) -> str:
        if not self.values:
            return ""
        half = self.half
        if not half:  # one seed, or no spread at all
            return four_digits(self.mean)
        return f"{digits(self.mean, half)} ± {digits(half, half)}"


def timing(value: Value) -> str:
    """A time or a rate: a single one bears two or three digits, because it is a few percent off."""
    return str(value) if value.half or not value.values else digits(value.mean, value.mean)


def four_digits(value: float) -> str:
    """``value`` with four digits, never in scientific form: 0.8766, 31.03, 1,235; whole numbers as they are."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.{max(0, min(6, 3 - math.floor(math.log10(abs(value)))))}f}"


def digits(value: float, like: float) -> str:
    """With so many decimals that two digits of ``like`` show, but not more than six and not in scientific form."""
    size = abs(like)
    decimals = 2 if size == 0 else max(0, min(6, 1 - math.floor(math.log10(size))))
    return f"{value:,.{max(decimals, 1) if size < 100 else 0}f}"


@dataclass
class Row:
    """One label on one data set, over its seeds."""

    label: str
    variant: str
    dataset: str
    seeds: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    omitted: dict[int, dict[str, str]] = field(default_factory=dict)
    final: dict[str, Value] = field(default_factory=dict)
    best: dict[str, Value] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    images: Value = field(default_factory=Value)
    minutes: Value = field(default_factory=Value)
    rate: Value = field(default_factory=Value)
    devices: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)


def collect(folder: Path, suite: Suite) -> list[Row]:
    """The rows of what is done so far, in the order of the suite."""
    rows: dict[tuple[str, str], Row] = {}
    for job in suite.jobs:
        row = rows.setdefault((job.label, job.dataset), Row(job.label, job.variant, job.dataset))
        kept = copy.deepcopy(row)
        try:
            _add(row, folder, job)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RunError) as error:
            # Its run directory is damaged: that is this row's own trouble.
            row = rows[job.label, job.dataset] = kept
            row.failed[job.seed] = one_line(f"its run directory is damaged: {describe(error)}")
    return list(rows.values())


def _add(row: Row, folder: Path, job: BenchTask) -> None:
    found = outcome(folder, job.name)
    if found.get("status") != "finished":
        row.failed[job.seed] = one_line(found.get("reason") or "not done")
        return
    path = folder / "runs" / job.name
    details = json.loads((path / "run.json").read_text(encoding="utf-8"))
    row.seeds.append(job.seed)
    row.runs.append(job.name)
    row.omitted[job.seed] = {name: one_line(reason) for name, reason in found["omitted"].items()}
    row.parameters = found["parameters"]
    seconds = sum(line["seconds"] for line in history(path))
    row.images.values[job.seed] = details["images"]
    row.minutes.values[job.seed] = seconds / 60
    if seconds:
        row.rate.values[job.seed] = details["images"] / seconds
    threads = f", {details['threads']} thread(s)" if details["device"] == "cpu" else ""
    if (device := details["hardware"] + threads) not in row.devices:
        row.devices.append(device)
    for which, place in (("final", row.final), ("best", row.best)):
        for result in details.get("metrics", {}).get(which, []):
            for name, value in named(result):
                _put(row, place, job.seed, name, value)


def _put(row: Row, place: dict[str, Value], seed: int, name: str, value: float) -> None:
    """A number in its place; one that is not finite is not a number, and the table says so."""
    if math.isfinite(value):
        place.setdefault(name, Value()).values[seed] = value
    else:
        row.omitted[seed].setdefault(name, f"it is {value}")


def named(result: dict[str, Any]) -> list[tuple[str, float]]:
    """The numbers of a result: the headline under the metric's name, the others behind it."""
    (_, first), *others = result["values"].items()
    return [(result["metric"], first), *((f"{result['metric']} {name}", value) for name, value in others)]


def columns(suite: Suite, rows: list[Row]) -> list[str]:
    """The numbers of a table: the metrics' headlines, and beside each what its spec names."""
    there = {name for row in rows for name in row.final}
    found = []
    for request in suite.metrics:
        beside = [f"{request.title} {name}" for name in registry().metrics.spec(request.name).beside]
        found += [request.title, *(name for name in beside if name in there)]
    return found


def spec_of(metric: str) -> MetricSpec:
    """The spec of the metric that a number in a table belongs to."""
    return registry().metrics.spec(base_name(metric))


def title(metric: str) -> str:
    """A metric with its unit and an arrow to where it is better; what stands beside it may be better elsewhere."""
    spec = spec_of(metric)
    named = f"{metric}{f' [{spec.unit}]' if spec.unit else ''}"
    if metric.endswith(tuple(f" {name}" for name in spec.beside)):
        return named
    return f"{named} {'↓' if spec.better == 'lower' else '↑'}"


def grid(suite: Suite, rows: list[Row]) -> tuple[list[str], list[list[str]], list[str]]:
    """(header, cells, footnotes) of the table that people read."""
    notes: list[str] = []

    def note(text: str) -> str:
        if text not in notes:
            notes.append(text)
        return f"[{notes.index(text) + 1}]"

    metrics = columns(suite, rows)
    header = ["trained", "data", "seeds"]
    for metric in metrics:
        # What looks at labels or targets of a test split chooses no weights, and is told of the last ones alone.
        header += [f"{title(metric)}, final", "best"] if spec_of(metric).selects else [title(metric)]
        if any(p.metric == metric and not p.minutes for p in suite.published):
            header.append("published")
    header += ["parameters", "images seen", "minutes", "images/s", "device"]
    cells = []
    for row in rows:
        seeds = str(len(row.seeds))
        if row.failed:
            reasons = sorted(
                {f"seed {seed} of {row.label} on {row.dataset}: {why}" for seed, why in row.failed.items()}
            )
            seeds += " " + "".join(note(reason) for reason in reasons)
        line = [row.label, row.dataset, seeds]
        for metric in metrics:
            beside = published(suite, row, metric, note)
            why = missing(row, metric)
            mark = " ".join(note(reason) for reason in why)
            for place in (row.final, row.best) if spec_of(metric).selects else (row.final,):
                value = str(place.get(metric, ""))
                line.append(
                    f"{value or ('–' if why else '')} {mark if place is row.final or not value else ''}".strip()
                )
            if any(p.metric == metric and not p.minutes for p in suite.published):
                line.append(beside)
        parameters = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in row.parameters.items())
        line += [parameters, str(row.images), timing(row.minutes), timing(row.rate)]
        cells.append([*line, "; ".join(row.devices)])
    notes += suite.left_out
    if any(len(row.seeds) > 1 for row in rows):
        notes.append(LAST_LINE)
    return header, cells, notes


def missing(row: Row, metric: str) -> list[str]:
    """Why a number lacks of some seeds of a row, or of all; nothing when none lacks."""
    lacking = [seed for seed in row.seeds if seed not in row.final.get(metric, Value()).values]
    reasons: dict[str, list[int]] = {}
    for seed in lacking:
        own = row.omitted.get(seed, {})
        whole = next((name for name in own if metric.startswith(f"{name} ")), metric)  # of "NAME recall" it is NAME
        reasons.setdefault(own.get(metric) or own.get(whole) or "not measured", []).append(seed)
    some = len(lacking) < len(row.seeds)
    return [
        f"{metric} of {row.label} on {row.dataset}{f', seed {str(seeds)[1:-1]}' if some else ''}: {reason}"
        for reason, seeds in reasons.items()
    ]


def published(suite: Suite, row: Row, metric: str, note: Any) -> str:
    """Somebody else's number for the same thing, with its source as a footnote."""
    found = [
        p
        for p in suite.published
        if not p.minutes and (p.label, p.dataset, p.metric) == (row.label, row.dataset, metric)
    ]
    return ", ".join(f"{p.value:g} {note('; '.join(filter(None, (p.source, p.differs))))}" for p in found)


def markdown(suite: Suite, rows: list[Row]) -> str:
    """For a README."""
    return markdown_of(*grid(suite, rows))


def markdown_of(header: list[str], cells: list[list[str]], notes: list[str]) -> str:
    """A table and its footnotes."""

    def line(row: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"

    lines = [line(header), "|" + " --- |" * len(header), *(line(row) for row in cells), ""]
    lines += [f"{i}. {text}" for i, text in enumerate(notes, start=1)]
    return "\n".join(lines).rstrip() + "\n"


def latex(suite: Suite, rows: list[Row]) -> str:
    """For a paper: a ``tabular`` that needs no package."""
    header, cells, notes = grid(suite, rows)
    signs = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{",
             "}": r"\}", "±": r"$\pm$", "↓": r"$\downarrow$", "↑": r"$\uparrow$", "–": "--", "×": r"$\times$",
             "σ": r"$\sigma$", "^": r"\^{}", "~": r"\~{}"}  # fmt: skip

    def line(row: Iterable[str]) -> str:
        return " & ".join("".join(signs.get(c, c) for c in cell) for cell in row) + r" \\"

    def escaped(text: str) -> str:
        return "".join(signs.get(c, c) for c in text)

    lines = [rf"\begin{{tabular}}{{{'l' * len(header)}}}", r"\hline", line(header), r"\hline"]
    lines += [*(line(row) for row in cells), r"\hline", r"\end{tabular}"]
    lines += [rf"\par\noindent{{\footnotesize {i}. {escaped(text)}}}" for i, text in enumerate(notes, start=1)]
    return "\n".join(lines) + "\n"


def plain(suite: Suite, rows: list[Row]) -> list[dict[str, Any]]:
    """Every number of every seed, as plain values."""
    found = []
    for row in rows:
        numbers = {
            which: {name: {"mean": v.mean, "half of 95 %": v.half, "values": v.values} for name, v in place.items()}
            for which, place in (("final", row.final), ("best", row.best))
        }
        found.append({
            "label": row.label, "variant": row.variant, "dataset": row.dataset, "seeds": row.seeds, "runs": row.runs,
            "failed": row.failed, "omitted": row.omitted, **numbers, "parameters": row.parameters,
            "images": row.images.values, "minutes": row.minutes.values, "images per second": row.rate.values,
            "devices": row.devices,
        })  # fmt: skip
    return found


def comma_separated(suite: Suite, rows: list[Row]) -> str:
    """One line for each number of each seed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["label", "variant", "dataset", "seed", "checkpoint", "metric", "value"])
    for row in rows:
        texts = [harmless(text) for text in (row.label, row.variant, row.dataset)]
        for which, place in (("final", row.final), ("best", row.best)):
            for name, value in place.items():
                for seed, number in value.values.items():
                    writer.writerow([*texts, seed, which, name, repr(number)])
        for seed, reason in row.failed.items():
            writer.writerow([*texts, seed, "failed", "", harmless(reason)])
    return out.getvalue()


def harmless(text: str) -> str:
    """A text that a spreadsheet takes for a text: one that begins like a formula gets a quotation mark."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def record(folder: Path, suite: Suite, rows: list[Row]) -> dict[str, Any]:
    """All that is to be kept of a suite's results: numbers, settings, versions, dates."""
    runs = [
        json.loads((folder / "runs" / n / "run.json").read_text(encoding="utf-8")) for row in rows for n in row.runs
    ]
    versions = {json.dumps(run.get("versions", {}), sort_keys=True) for run in runs}
    days = sorted(run["started"][:10] for run in runs if "started" in run)
    return {
        "suite": suite.name,
        "about": suite.about,
        "command": f"ganzoo bench {suite.name}",
        "dates": [days[0], days[-1]] if days else [],
        "versions": [json.loads(text) for text in sorted(versions)],
        "content": dict(suite.content),
        "columns": {name: title(name) for name in columns(suite, rows)},
        "left out": list(suite.left_out),
        "rows": plain(suite, rows),
    }


def write(
    folder: Path, suite: Suite, rows: list[Row], more: str = "", recorded: Mapping[str, Any] | None = None
) -> None:
    """``table.md``, ``.csv``, ``.json`` and ``.tex``.

    Args:
        more: what else stands in the Markdown, after the table.
        recorded: what else stands in the JSON.
    """
    texts = {
        "table.md": markdown(suite, rows) + (f"\n{more}" if more else ""),
        "table.csv": comma_separated(suite, rows),
        "table.json": json.dumps({**record(folder, suite, rows), **(recorded or {})}, indent=1) + "\n",
        "table.tex": latex(suite, rows),
    }
    for name, text in texts.items():
        replace_text(folder / name, text)


__all__ = ["collect", "markdown", "write"]
