"""What a run directory tells without its weights: settings, history, scores, provenance. Damage is said, not raised."""

import json
import math
import re
import shlex
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from ganzoo.config.files import read_toml
from ganzoo.config.settings import resolve
from ganzoo.errors import GanzooError, RunError
from ganzoo.models.load import load_variant, usual_settings
from ganzoo.registry.registry import registry
from ganzoo.runs.history import SCALARS, history
from ganzoo.runs.run import read_run_details

MOST = 2**62
"""No run has so many steps or images."""
GRID = re.compile(r"step-(\d+)\.png")


@dataclass(frozen=True)
class Setting:
    """A setting of a run; ``changed`` where it is not the default of its variant."""

    key: str
    value: str
    default: str
    meaning: str
    changed: bool


@dataclass
class RunFacts:
    """One run, as far as it can be read.

    Attributes:
        path, name: the run directory; its name, or as much of its path as sets it apart from others.
        details: the content of ``run.json``.
        settings: the content of ``config.toml``, nested; empty when it cannot be read.
        lines: the history, oldest first.
        grids: (step, path) of the pictures of samples over time.
        missing: what cannot be shown, and why.
    """

    path: Path
    name: str
    details: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    grids: list[tuple[int, Path]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def variant(self) -> str:
        return str(self.settings.get("variant", "?"))

    @property
    def dataset(self) -> str:
        found = self.details.get("data", {}).get("name") or self.settings.get("dataset", "?")
        return str(found)

    @property
    def status(self) -> str:
        return str(self.details.get("status", "unknown"))

    @property
    def steps(self) -> int:
        return max(int(self.details.get("step", 0)), int(self.lines[-1]["step"]) if self.lines else 0)

    @property
    def images(self) -> int:
        last = number(self.lines[-1].get("images")) if self.lines else None
        return max(int(self.details.get("images", 0)), int(last or 0))

    @cached_property
    def seconds(self) -> float:
        """Seconds of training, of the lines of the history; metrics and pictures are not counted."""
        return self.clock[-1][1] if self.clock else 0.0

    @cached_property
    def clock(self) -> list[tuple[float, float]]:
        """(step, seconds of training up to it), from (0, 0) on; empty when no line tells its time."""
        found, passed = [(0.0, 0.0)], 0.0
        for line in self.lines:
            took = number(line.get("seconds"))
            passed += took if took is not None and 0 <= took < math.inf else 0.0
            if line["step"] > found[-1][0]:
                found.append((float(line["step"]), passed))
            else:
                found[-1] = (found[-1][0], passed)
        return found if passed else []

    @property
    def rate(self) -> float | None:
        """Real samples a second; None when it is not known."""
        return self.images / self.seconds if self.seconds and self.lines else None

    @property
    def warnings(self) -> list[dict[str, Any]]:
        return list(self.details.get("warnings", []))

    @property
    def flat(self) -> dict[str, Any]:
        """The settings without their tables."""
        tables = [table for table in self.settings.values() if isinstance(table, dict)]
        flat = {key: value for key, value in self.settings.items() if not isinstance(value, dict)}
        return {**flat, **{key: value for table in tables for key, value in table.items()}}

    def series(self, key: str) -> list[tuple[int, float, float]]:
        """(step, images seen, value) of each line that has a number under ``key``; NaN and infinity as they are."""
        found = []
        for line in self.lines:
            value = number(line.get(key))
            if value is not None:
                found.append((int(line["step"]), number(line.get("images")) or 0.0, value))
        return found

    def scores(self, which: str = "final") -> dict[str, float]:
        """The metrics of the final or best weights, by name; else what the last line of the history with them says."""
        found: dict[str, float] = {}
        for result in self.results(which):
            for i, (name, value) in enumerate(result["values"].items()):
                got = number(value)
                if got is not None:
                    found[result["metric"] if i == 0 else f"{result['metric']} {name}"] = got
        return found

    def best(self) -> tuple[int, str] | None:
        """The step of the best weights and the metric that chose them; None when they are the final ones."""
        metrics = self.details.get("metrics", {})
        steps = [target.get("step") for result in self.results("best")
                 if isinstance(target := result.get("target"), dict)]  # fmt: skip
        if not steps or type(steps[0]) is not int or steps[0] == metrics.get("step"):
            return None
        return steps[0], str(metrics.get("chosen by", ""))

    def results(self, which: str) -> list[dict[str, Any]]:
        """The results that ``run.json`` holds, as far as they are what was written."""
        given = self.details.get("metrics", {}).get(which, [])
        return [
            result
            for result in (given if isinstance(given, list) else [])
            if isinstance(result, dict) and isinstance(result.get("metric"), str)
            and isinstance(result.get("values"), dict) and result["values"]
        ]  # fmt: skip


def number(value: Any) -> float | None:
    """A number of a history; NaN and infinity stand there as texts."""
    if type(value) is float:  # nearly all are, and there may be millions
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return None
    return float(value) if value in ("nan", "inf", "-inf") else None


def read_runs(paths: list[Path]) -> list[RunFacts]:
    """What run directories tell.

    Raises:
        RunError: a path that is no run directory.
    """
    runs = [read_facts(path) for path in paths]
    for run, name in zip(runs, distinct([run.path for run in runs]), strict=True):
        run.name = name
    return runs


def read_facts(path: Path) -> RunFacts:
    """What a run directory tells.

    Raises:
        RunError: it is none.
    """
    if not path.is_dir():
        raise RunError(f"{path} is not a run directory: {'it is a file' if path.exists() else 'no such folder'}.")
    run = RunFacts(path, path.name or str(path), read_run_details(path))
    for key in ("step", "images"):
        if not 0 <= run.details.get(key, 0) < MOST:
            run.missing.append(f"{key}: {shown(run.details.pop(key))} is not what was written.")
    try:
        run.settings = read_toml(path / "config.toml")
    except GanzooError as error:
        run.missing.append(f"settings: {error}")
    for which in ("final", "best"):
        given = run.details.get("metrics", {}).get(which, [])
        if not isinstance(given, list) or len(run.results(which)) != len(given):
            run.missing.append(f"scores: some of the {which} metrics in run.json are not what was written.")
    run.lines = lines_of(run)
    folder = path / "samples"
    found = ((int(m[1]), file) for file in folder.glob("*.png") if (m := GRID.fullmatch(file.name)))
    run.grids = sorted(found)
    if not run.grids:
        run.missing.append("samples over time: the run has saved none yet.")
    return run


def lines_of(run: RunFacts) -> list[dict[str, Any]]:
    """The history; of a damaged one all lines that can be read."""
    try:
        found = [line for line in history(run.path) if 0 <= line["step"] < MOST]
        if not found:
            run.missing.append("curves: the history is empty: no line has been logged yet.")
        return found
    except (GanzooError, OSError) as error:
        kept = []
        try:
            raw = (run.path / SCALARS).read_bytes().splitlines()
        except OSError:
            raw = []
        for text in raw:
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict) and type(line.get("step")) is int and 0 <= line["step"] < MOST:
                kept.append(line)
        run.missing.append(f"part of the curves: {error} {len(kept)} of {len(raw)} lines can be read.")
        return kept


def distinct(paths: list[Path]) -> list[str]:
    """Names that set folders apart: the last part of their paths, or as many as it takes."""
    whole = [path.absolute().parts for path in paths]
    names = [parts[-1] for parts in whole]
    for depth in range(2, max(map(len, whole)) + 1):
        if len(set(names)) == len(names):
            break
        names = ["/".join(parts[-depth:]) if names.count(name) > 1 else name
                 for parts, name in zip(whole, names, strict=True)]  # fmt: skip
    return names


def settings_of(run: RunFacts) -> list[Setting]:
    """All settings of a run, those that are not its variant's defaults first; a reason in ``missing`` where it has no
    variant that could tell."""
    if not run.settings:
        return []
    try:
        variant_class = load_variant(run.variant)
        config = resolve(run.variant, variant_class.Options, run.settings)
        usual = usual_settings(variant_class, str(run.flat.get("dataset", "")))
        plain = resolve(run.variant, variant_class.Options, usual)
    except GanzooError as error:
        run.missing.append(f"which settings differ from the defaults: {error}")
        return [Setting(key, shown(value), "", "", True) for key, value in run.flat.items() if key != "variant"]
    found = []
    for holder, default in (
        (config, plain), (config.options, plain.options), (config.tricks, plain.tricks),
    ):  # fmt: skip
        for f in fields(holder):
            if f.name in ("options", "tricks", "variant"):
                continue
            value, usual = getattr(holder, f.name), getattr(default, f.name)
            changed = value != usual and f.name != "dataset"
            found.append(Setting(f.name, shown(value), shown(usual), f.metadata.get("help", ""), changed))
    return sorted(found, key=lambda s: not (s.changed or s.key == "dataset"))


def shown(value: Any) -> str:
    """A value of a setting as it is typed."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def typed(value: Any) -> str:
    """As :func:`shown`, with all digits."""
    return repr(value) if isinstance(value, float) else shown(value)


def command_of(run: RunFacts, settings: list[Setting]) -> str:
    """The command that trains the same again; empty when the settings are not known."""
    if not run.settings:
        return ""
    words = ["ganzoo", "train", run.variant, "--dataset", str(run.flat.get("dataset", ""))]
    own = {"steps": "--steps", "batch_size": "--batch-size", "seed": "--seed", "loss": "--loss"}
    for setting in settings:
        if not setting.changed or setting.key == "dataset":
            continue
        value = typed(run.flat[setting.key]) if setting.key in run.flat else setting.value
        if setting.key in own:
            words += [own[setting.key], value]
        elif value:
            words += ["-o", f"{setting.key}={value}"]
    return shlex.join(words)


def provenance(run: RunFacts) -> list[tuple[str, str]]:
    """(what, value): versions, hardware, data with its digest, times."""
    details = run.details
    found = [("run directory", str(run.path)), ("status", run.status)]
    if details.get("reason"):
        found.append(("reason", str(details["reason"])))
    for what in ("data", "second"):
        data = details.get(what)
        if isinstance(data, dict) and data:
            count = number(data.get("count"))
            said = [str(data.get("name", "?")), f"{count:,.0f} samples" if count is not None else ""]
            found.append((what if what == "data" else "second data set", ", ".join(filter(None, said))))
            found.append((f"SHA-256 of {what}", str(data.get("digest", "")) or "not known"))
    hardware = str(details.get("hardware", "not known"))
    threads = f", {details['threads']} thread(s)" if details.get("device") == "cpu" and "threads" in details else ""
    found.append(("hardware", f"{details.get('device', '')} {hardware}{threads}".strip()))
    found.append(("versions", ", ".join(f"{name} {v}" for name, v in details.get("versions", {}).items())))
    for what in ("started", "updated"):
        if details.get(what):
            found.append((what, str(details[what])))
    if isinstance(details.get("command"), list):
        found.append(("was started by", shlex.join(map(str, details["command"]))))
    return found


def better_of(metric: str) -> str:
    """``lower``, ``higher``, or nothing for what is no metric that is registered here."""
    spec = spec_of(metric)
    return str(spec.better) if spec is not None and " " not in metric else ""


def spec_of(key: str) -> Any:
    """The spec of the metric that a key of a history belongs to, or None."""
    name = re.split(r"[@ ]", key, maxsplit=1)[0]
    catalogue = registry().metrics
    return catalogue.spec(name) if name in catalogue.names() else None


def title_of(key: str) -> str:
    """A metric with its unit and an arrow to where it is better."""
    spec = spec_of(key)
    if spec is None:
        return key
    arrow = "" if not better_of(key) else " ↓" if spec.better == "lower" else " ↑"
    return f"{key}{f' [{spec.unit}]' if spec.unit else ''}{arrow}"
