"""The history of runs as charts: losses, what the discriminator says, metrics, and all else that was logged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ganzoo.report.charts import Chart, Series, chart
from ganzoo.report.facts import RunFacts, number, spec_of, title_of

POSITION = ("step", "images", "stage", "seconds", "warnings")
EQUILIBRIUM = ("minimax", "non-saturating", "least-squares")
"""Losses with targets 1 and 0, whose discriminator gives 1/2 everywhere when both distributions are the same: of
cross-entropy arXiv:1406.2661, proposition 1; of least squares arXiv:1611.04076, equation 11, with b = 1 and a = 0."""
MOST_CHARTS = 40


@dataclass
class Curves:
    """Charts of what people look at first, and of the rest."""

    first: list[Chart] = field(default_factory=list)
    rest: list[Chart] = field(default_factory=list)
    left_out: int = 0


def equilibrium(run: RunFacts) -> tuple[float, str] | None:
    """Where D(x) and D(G(z)) meet when nothing can be told apart; label smoothing moves it. None: nothing is known."""
    if run.flat.get("loss") not in EQUILIBRIUM:
        return None
    smoothing = number(run.flat.get("label_smoothing", 0.0)) or 0.0
    value = 0.5 * (1 - smoothing)
    return value, f"equilibrium {value:.3g}"


def curves(runs: Sequence[RunFacts]) -> Curves:
    """The charts of one run over steps, or of several over images seen, a colour for each run."""
    keys: dict[str, None] = {}
    for run in runs:
        for line in run.lines:
            for key in line:
                if key not in POSITION and key not in keys and number(line[key]) is not None:
                    keys[key] = None
    single = len(runs) == 1
    found = Curves()
    for title, chosen, is_first in groups(list(keys)):
        # Of several runs each name has a chart, so that a colour is always a run.
        parts = [(title, chosen)] if single else [(title_of(key), [key]) for key in chosen]
        for name, part in parts:
            marked = all(spec_of(key) is not None for key in part)
            series = []
            for i, run in enumerate(runs):
                for j, key in enumerate(part):
                    points = [(float(step) if single else images, value) for step, images, value in run.series(key)]
                    series.append(Series(key if single else run.name, points, j if single else i, marked))
            if marked and all(len(s.points) < 2 for s in series):
                continue  # a metric that was taken once stands among the scores
            level = level_of(runs) if part[0].startswith("D(") else None
            drawn = chart(name, "steps" if single else "images seen", series, level)
            if drawn is None:
                continue
            if len(found.first) + len(found.rest) >= MOST_CHARTS:
                found.left_out += 1
                continue
            (found.first if is_first else found.rest).append(drawn)
    return found


def level_of(runs: Sequence[RunFacts]) -> tuple[float, str] | None:
    """The equilibrium that all runs have in common."""
    levels = {equilibrium(run) for run in runs}
    return levels.pop() if len(levels) == 1 else None


Rule = tuple[str, Callable[[str], bool]]
RULES: tuple[Rule, ...] = (
    ("Losses", lambda key: key.endswith("_loss")),
    ("D(x) and D(G(z))", lambda key: key.startswith("D(")),
    ("Wasserstein estimate", lambda key: key.startswith("wasserstein")),
)


def groups(keys: list[str]) -> list[tuple[str, list[str], bool]]:
    """(title, keys of one chart, whether it comes first), each key once."""
    left, found = list(keys), []
    for title, belongs in RULES:
        if chosen := [key for key in left if belongs(key)]:
            found.append((title, chosen, True))
            left = [key for key in left if key not in chosen]
    metrics = [key for key in left if spec_of(key) is not None]
    found += [(title_of(key), [key], " " not in key) for key in metrics]
    found += [(key, [key], False) for key in left if key not in metrics]
    return found
