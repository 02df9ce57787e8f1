"""A suite: what is trained on what, with which seeds, for how long, and how it is measured. One TOML file.

about = "one line"
seeds = [0, 1, 2]
datasets = ["mnist"]
metrics = ["fd-mnist-10k"]        # NAME[@ROLE][ vs DATASET]; the first that can chooses a job's best weights
[budget]
images = 320_000                  # or minutes = 5
[settings]                        # of every job, as -o KEY=VALUE
precision = "bf16"
[[entries]]                       # or entries = "all": every registered variant that can
variant = "NAME"
label = "NAME, narrow"           # default: the variant's name, and its preset's
datasets = ["mnist"]              # default: the suite's
preset = "paper"                  # of the variant's, but for its steps; settings change it
settings = { width = 32 }
[[published]]                     # to set beside
label = "NAME, narrow"
dataset = "cifar10"
metric = "fid-50k"
value = 37.7
source = "arXiv:..."
differs = "how its protocol differs"
minutes = 10                      # of training: a row of its own beside the metrics at metric_minutes, any label
"""

import dataclasses
import math
import re
import warnings
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.config.files import read_toml
from ganzoo.config.settings import resolve
from ganzoo.data.load import dataset_spec
from ganzoo.data.needs import unmet
from ganzoo.errors import ConfigError, UnknownNameError, shown
from ganzoo.metrics.requests import MetricRequest, as_requests
from ganzoo.models.load import load_variant, preset_of
from ganzoo.registry.registry import registry

KEYS = ("about", "seeds", "datasets", "metrics", "budget", "settings", "entries", "published")
ENTRY_KEYS = {"variant": str, "label": str, "datasets": list, "preset": str, "settings": dict, "budget": dict}
PUBLISHED_KEYS = ("label", "dataset", "metric", "value", "source", "differs", "minutes")
NUMBERS = ("value", "minutes")
CHANGES = (("degrade", "none"), ("classes", "given"))
"""Settings that change what a data set has, with their defaults."""
MOST = 10**12
"""Images, or minutes, of a training."""
OWN = ("variant", "dataset", "seed", "steps", "metrics", "device")
"""Settings of a run that a suite says in its own place."""


@dataclass(frozen=True)
class BenchTask:
    """One training. ``name`` is its run directory's."""

    label: str
    variant: str
    dataset: str
    seed: int
    metrics: tuple[str, ...]
    settings: Mapping[str, Any]
    images: int = 0
    minutes: float = 0.0

    @property
    def name(self) -> str:
        """Safe as a file name."""
        base, _, argument = self.dataset.partition(":")
        words = (self.label, Path(argument).name if argument else base, f"s{self.seed}")
        return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words)).strip("-")

    def as_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "metrics": list(self.metrics), "settings": dict(self.settings)}


@dataclass(frozen=True)
class Published:
    """A number of someone else's, with its source and how its protocol differs.

    With ``minutes``, what it reached after so many minutes of training.
    """

    label: str
    dataset: str
    metric: str
    value: float
    source: str
    differs: str = ""
    minutes: float = 0.0


@dataclass(frozen=True)
class Suite:
    """A suite, checked: every name in it is registered.

    Attributes:
        jobs: what is trained.
        metrics: what is measured.
        left_out: why variants are not trained on data sets, where ``entries`` are all.
    """

    name: str
    about: str
    jobs: tuple[BenchTask, ...]
    metrics: tuple[MetricRequest, ...]
    left_out: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)


def find(name: str) -> Path:
    """The file of a suite that is registered, or that lies at a path.

    Raises:
        UnknownNameError: neither.
    """
    path = Path(name).expanduser()
    if path.suffix == ".toml" and path.is_file():
        return path
    if name in registry().suites:
        return Path(registry().suites.load(name))
    raise UnknownNameError("suite", name, registry().suites, "Or name a FILE.toml.")


def read(path: Path, name: str = "", seeds: int | None = None, variants: tuple[str, ...] = ()) -> Suite:
    """Read and check a suite.

    Args:
        seeds: take the seeds 0 to ``seeds - 1`` instead of the suite's own.
        variants: take only the entries of these labels or variants.

    Raises:
        ConfigError: it is not TOML, lacks or misspells a key, or contradicts itself.
        UnknownNameError: a variant, data set or metric that is not registered.
    """
    content = read_toml(path)
    try:
        return _checked(content, name or path.stem, seeds, variants)
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} is not a suite: {error}.") from error


def _checked(content: dict[str, Any], name: str, seeds: int | None, variants: tuple[str, ...]) -> Suite:
    _known(content, KEYS, "a suite")
    for key in ("seeds", "datasets", "metrics", "published"):
        if not isinstance(content.get(key, []), list):
            raise ConfigError(f"{key} = {content[key]!r} of suite {name!r} must be a list.")
    for key in ("budget", "settings"):
        if not isinstance(content.get(key, {}), dict):
            raise ConfigError(f"{key} = {content[key]!r} of suite {name!r} must be a table.")
    chosen = list(range(seeds)) if seeds is not None else content.get("seeds", [0])
    if not chosen or not all(type(s) is int and 0 <= s < 2**63 for s in chosen) or len(set(chosen)) < len(chosen):
        raise ConfigError(f"seeds = {chosen} of suite {name!r}: name at least one, each a whole number, none twice.")
    metrics = tuple(as_requests(map(str, content.get("metrics", []))))
    everything = content.get("entries", "all") == "all"
    entries = [{"variant": n} for n in usable_variants()] if everything else content["entries"]
    if not isinstance(entries, list):
        raise ConfigError(f'entries = {entries!r} of suite {name!r} must be a list, or "all".')
    for entry in entries:
        _known(entry, ENTRY_KEYS, "an entry")
        for key, kind in ENTRY_KEYS.items():
            if key in entry and not isinstance(entry[key], kind):
                raise ConfigError(f"{key} = {entry[key]!r} of an entry of suite {name!r} is of the wrong type.")
        if "variant" not in entry:
            raise ConfigError(f"an entry of suite {name!r} names no variant: {dict(entry)}.")
    taken = [e for e in entries if not variants or _label(e) in variants or e["variant"] in variants]
    known = {_label(e) for e in entries} | {e["variant"] for e in entries}
    for wanted in variants:
        if wanted not in known:
            raise UnknownNameError("entry", wanted, known, f"These are those of suite {name!r}.")
    jobs: list[BenchTask] = []
    left_out: list[str] = []
    for entry in taken:
        found, reasons = _jobs(content, name, entry, chosen, metrics)
        if reasons and not everything:
            raise ConfigError(f"suite {name!r}: {reasons[0]}.")
        jobs, left_out = jobs + found, left_out + reasons
    if not jobs:
        raise ConfigError(f"suite {name!r} has nothing to train: no variant of it can run on its data sets.")
    twice = {name for name, count in Counter(job.name for job in jobs).items() if count > 1}
    if twice:
        raise ConfigError(f"suite {name!r}: two entries are called {', '.join(sorted(twice))}; give them labels.")
    labels = {_label(entry) for entry in entries}
    published = [_published(row, name, labels, content) for row in content.get("published", [])]
    about = str(content.get("about", ""))
    return Suite(name, about, tuple(jobs), metrics, tuple(left_out), tuple(published), content)


def _jobs(
    content: dict[str, Any],
    name: str,
    entry: dict[str, Any],
    seeds: list[int],
    metrics: tuple[MetricRequest, ...],
) -> tuple[list[BenchTask], list[str]]:
    """The jobs of one entry, each data set with each seed; and why it cannot run on others."""
    spec = registry().variants.spec(entry["variant"])
    label = _label(entry)
    settings = {**content.get("settings", {}), **entry.get("settings", {})}
    if wrong := [key for key in OWN if key in settings]:
        raise ConfigError(f"{wrong[0]} in the settings of {label!r}: a suite says it in its own place.")
    preset = {k: v for k, v in preset_of(entry["variant"], entry.get("preset", "")).items() if k not in OWN}
    settings = {**preset, **settings}
    # Whether each setting is one: the variant's class knows, and is asked now rather than by every job.
    variant_class = load_variant(entry["variant"])
    resolve(entry["variant"], variant_class.Options, {"dataset": "", **variant_class.defaults, **settings})
    budget = {**content.get("budget", {}), **entry.get("budget", {})} if "budget" not in entry else entry["budget"]
    _known(budget, ("images", "minutes"), "a budget")
    if len(budget) != 1:
        said = " and ".join(f"{key} = {value}" for key, value in budget.items()) or "nothing"
        raise ConfigError(f"budget of {label!r} says {said}: it must say images or minutes, one of them.")
    ((kind, amount),) = budget.items()
    if not is_number(amount) or not 0 < amount <= MOST or (kind == "images" and amount != int(amount)):
        valid = f"a {'whole number' if kind == 'images' else 'number'} above 0 and at most {MOST:,}"
        raise ConfigError(f"{kind} = {shown(amount)} in the budget of {label!r} must be {valid}.")
    jobs: list[BenchTask] = []
    left_out = []
    second = dataset_spec(str(settings["second"])) if settings.get("second") else None
    asked = tuple(map(str, metrics))
    for dataset in entry.get("datasets", content.get("datasets", [])):
        changed = dataset_spec(str(dataset), *(str(settings.get(*key)) for key in CHANGES))
        if reason := unmet(spec, changed, second):
            left_out.append(f"{label} cannot run on {dataset}: {reason}")
            continue
        amounts: dict[str, Any] = {kind: int(amount) if kind == "images" else float(amount)}
        jobs += [BenchTask(label, entry["variant"], dataset, seed, asked, settings, **amounts) for seed in seeds]
    return jobs, left_out


def _label(entry: Mapping[str, Any]) -> str:
    """What an entry is called in the table."""
    return str(entry.get("label") or ", ".join(filter(None, (entry["variant"], entry.get("preset", "")))))


def is_number(value: Any) -> bool:
    """Whether it is a whole number or a finite float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(min(value, MOST))


def _published(row: Any, name: str, labels: set[str], content: Mapping[str, Any]) -> Published:
    """A published number, which must have a place in the table."""
    _known(row, PUBLISHED_KEYS, "a published number")
    if wrong := [key for key in PUBLISHED_KEYS if key not in NUMBERS and not isinstance(row.get(key, ""), str)]:
        raise ConfigError(f"{wrong[0]} = {row[wrong[0]]!r} of a published number of suite {name!r} is not a text.")
    found = Published(**row)
    for key in NUMBERS:
        if not is_number(given := getattr(found, key)):
            raise ConfigError(f"{key} = {given!r} of a published number of suite {name!r} is not a number.")
    if not 0 <= found.minutes <= MOST:
        valid = f"a number from 0 to {MOST:,}"
        raise ConfigError(f"minutes = {found.minutes!r} of a published number of suite {name!r} must be {valid}.")
    titles = {request.title for request in as_requests(map(str, content.get("metrics", [])))}
    for what, value, choices in (
        ("label", found.label, labels),
        ("dataset", found.dataset, {*content.get("datasets", []), *_own_sets(content)}),
        ("metric", found.metric, titles),
    ):
        if value not in choices and not (what == "label" and found.minutes):
            raise UnknownNameError(what, value, choices, f"A published number of suite {name!r} names it.")
    return found


def _own_sets(content: Mapping[str, Any]) -> list[str]:
    entries = content.get("entries", "all")
    return [] if entries == "all" else [name for entry in entries for name in entry.get("datasets", [])]


def usable_variants() -> list[str]:
    """All registered variants but those whose name two plugins offer, which a warning tells."""
    zoo = registry().variants
    for name in zoo:
        if reason := zoo.conflict(name):
            warnings.warn(f"left out of the suite: {reason}.", stacklevel=2)
    return [name for name in zoo if not zoo.conflict(name)]


def _known(table: Any, keys: Collection[str], what: str) -> None:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{table!r} is not a table, and {what} must be one.")
    for key in table:
        if key not in keys:
            raise UnknownNameError("key", key, keys, f"These are those of {what}.")


def shard(jobs: tuple[BenchTask, ...], text: str) -> tuple[BenchTask, ...]:
    """The part of the jobs that ``"I/N"`` names, I from 1 to N.

    Raises:
        ConfigError: it is not of that form.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ConfigError(f"shard {text!r}: write I/N, with I from 1 to N.")
    return jobs[int(match[1]) - 1 :: int(match[2])]
