"""The history of runs as charts: losses, what the discriminator says, metrics, and all else that was logged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ganzoo.report.charts import Chart, Series, chart
from ganzoo.report.facts import RunFacts, number, spec_of, title_of

POSITION = ("step", "images", "stage", "seconds", "warnings")
EQUILIBRIUM = ("minimax", "non-saturating", "least-squares")
"""Losses with targets 1 and 0, whose discriminator gives 1/2 everywhere when both distributions are the same: of
cross-entropy arXiv:1406.2661, proposition 1; of least squares arXiv:1611.04076, equation 11, with b = 1 and a = 0."""
PROBABILITY = (0.0, 1.0)
SHORT = 5.0
"""Seconds of training below which the axis does not tell the time."""
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
    """The charts of one run over steps, with the time below; of several over images seen, a colour for each run.

    Metrics of several runs are drawn over seconds of training as well.
    """
    found = Curves()
    for title, keys, is_first in groups(logged(runs)):
        made = of_one(runs[0], title, keys) if len(runs) == 1 else of_several(runs, keys)
        for drawn in made:
            if len(found.first) + len(found.rest) >= MOST_CHARTS:
                found.left_out += 1
            else:
                (found.first if is_first else found.rest).append(drawn)
    return found


def logged(runs: Sequence[RunFacts]) -> list[str]:
    """Names of all numbers in the histories, the discriminator's before the generator's: colours mean the same then."""
    keys: dict[str, None] = {}
    for run in runs:
        for line in run.lines:
            for key in line:
                if key not in keys and key not in POSITION and number(line[key]) is not None:
                    keys[key] = None
    return sorted(keys, key=lambda key: key.startswith("generator"))


def of_one(run: RunFacts, title: str, keys: list[str]) -> list[Chart]:
    """One chart with a line for each name."""
    marked = is_metric(keys[0])
    series = [Series(key, [(float(step), value) for step, _, value in run.series(key)], j, marked)
              for j, key in enumerate(keys)]  # fmt: skip
    says = keys[0].startswith("D(")
    if says and not is_probability(run):
        title = f"{title}: mean scores, not probabilities"
    bounds = PROBABILITY if says and is_probability(run) else None
    if once(series):
        return []
    clock = run.clock if run.seconds >= SHORT else []
    drawn = chart(
        title,
        "steps, and time of training" if clock else "steps",
        series,
        equilibrium(run) if says else None,
        bounds,
        clock,
    )
    return [drawn] if drawn else []


def of_several(runs: Sequence[RunFacts], keys: list[str]) -> list[Chart]:
    """A chart for each name, with a line for each run: a colour is always a run."""
    found = []
    for key in keys:
        marked = is_metric(key)
        series = [Series(run.name, [(images, value) for _, images, value in run.series(key)], i, marked)
                  for i, run in enumerate(runs)]  # fmt: skip
        if once(series):
            continue
        if not key.startswith("D("):
            found.append(chart(title_of(key), "images seen", series))
            if marked:
                found.append(chart(title_of(key), "seconds of training", timed(runs, key)))
            continue
        # Probabilities and scores without bounds do not share an axis.
        for probable, title in ((True, key), (False, f"{key}: mean scores, not probabilities")):
            part = [(s, run) for s, run in zip(series, runs, strict=True) if is_probability(run) is probable]
            levels = {equilibrium(run) for s, run in part if s.points}
            level = levels.pop() if len(levels) == 1 else None
            found.append(chart(title, "images seen", [s for s, _ in part], level, PROBABILITY if probable else None))
    return [drawn for drawn in found if drawn is not None]


def timed(runs: Sequence[RunFacts], key: str) -> list[Series]:
    """A metric over seconds of training."""
    found = []
    for i, run in enumerate(runs):
        clock = dict(run.clock)
        points = [(clock[step], value) for step, _, value in run.series(key) if step in clock]
        found.append(Series(run.name, points, i, True))
    return found


def once(series: Sequence[Series]) -> bool:
    """Whether this is a metric that was taken once: it stands among the scores."""
    return all(s.marked and len(s.points) < 2 for s in series)


def is_metric(key: str) -> bool:
    """Whether a number of a history belongs to a metric."""
    return spec_of(key) is not None


def is_probability(run: RunFacts) -> bool:
    """Whether what the discriminator of a run says lies in [0, 1]."""
    return run.flat.get("loss") in ("minimax", "non-saturating")


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
    metrics = [key for key in left if is_metric(key)]
    found += [(title_of(key), [key], " " not in key) for key in metrics]
    found += [(key, [key], False) for key in left if key not in metrics]
    return found
