"""The folder of ``--to hf``: config.json, a model card, a picture. The layout of the Hugging Face Hub; no network."""

import json
import shlex
from pathlib import Path
from typing import Any

from ganzoo.config.files import to_plain
from ganzoo.config.settings import resolve
from ganzoo.errors import GanzooError
from ganzoo.export.calls import Call
from ganzoo.export.code import shape_text
from ganzoo.export.description import describe
from ganzoo.export.source import Source
from ganzoo.export.text import markdown, one_line, public_header, public_name
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scorer, Translator
from ganzoo.models.load import usual_settings
from ganzoo.registry.registry import registry
from ganzoo.report.pictures import drawn, save_picture
from ganzoo.runs.run import read_run_details
from ganzoo.runtime.files import file_hash

TASKS = {Generator: "unconditional-image-generation", Translator: "image-to-image", Classifier: "image-classification"}
OWN = "drawn by ganzoo itself"
"""What the embedded data sets say of their terms: then all is under ganzoo's own licence."""
USERS = ("folder:", "pairs:", "unpaired:")
"""What the names of a user's own data begin with: the Hub knows no such data set."""
ROWS = 8


def config_json(source: Source, call: Call, weights: Path) -> str:
    """What the network is and how it was trained, for programs.

    Args:
        weights: the file whose SHA-256 is noted.
    """
    config = public_header({"config": to_plain(source.variant.config)})["config"]
    about = {**describe(source, call), "library_name": "ganzoo", "sha256": file_hash(weights), "config": config}
    return json.dumps(about, indent=2, ensure_ascii=False) + "\n"


def picture(source: Source, path: Path) -> bool:
    """Write samples of a generator as a grid; returns whether there are any to draw."""
    network = source.network
    if not isinstance(network, Generator):
        return False
    columns = 10 if network.classes else ROWS
    rows = min(network.classes, 32) or ROWS
    labels = [row for row in range(rows) for _ in range(columns)] if network.classes else None
    try:
        save_picture(path, drawn(source.variant, network.sample(rows * columns, labels, seed=0)), columns)
    except GanzooError:  # a condition that must be given, a kind that no one draws
        return False
    return True


def card(source: Source, call: Call, folder: str, pictured: bool, has_code: bool) -> str:
    """The text of README.md. Whatever the run's names hold, it stays text: no HTML, no link, no line of YAML.

    Args:
        folder: name of the folder that it lies in.
        pictured: there is a picture of samples.
        has_code: there is a model.py.
    """
    spec = registry().variants.spec(source.variant.config.variant)
    summary = f"{markdown(spec.summary[:1].upper() + spec.summary[1:])} ({markdown(spec.paper)})."
    version = markdown(source.header.get("versions", {}).get("ganzoo", ""))
    trained_on = one_line(public_name(source.data.name))
    lines = [*front_matter(source), f"# {markdown(source.run)}", "", summary, ""]
    lines += [f"Trained with ganzoo {version} on `{trained_on}`. This is its {markdown(source.role)}.", ""]
    lines += ["![samples, drawn with seed 0, not chosen](samples.png)", ""] if pictured else []
    lines += [
        "## Use it",
        "",
        *usage(source, call, folder, has_code),
        "## Training",
        "",
        *training(source),
        "## Measured",
        "",
    ]
    lines += [*measured(source), "## Limits", "", *limits(source), "", "## Licence", "", licence(source)]
    return "\n".join(lines) + "\n"


def front_matter(source: Source) -> list[str]:
    """The YAML at the top of a card; every text of the run is quoted."""
    network, data = source.network, source.data
    task = next((task for kind, task in TASKS.items() if isinstance(network, kind) and data.kind == "images"), "")
    tags = ["ganzoo", "gan", "pytorch", one_line(source.variant.config.variant), *([task] if task else [])]
    lines = ["---", "library_name: ganzoo"]
    if terms(source) == OWN:
        lines += ["license: apache-2.0"]
    else:
        lines += ["license: other", "license_name: see-the-card"]
    lines += [f"pipeline_tag: {task}"] if task else []
    lines += ["tags:", *(f'  - "{tag}"' for tag in tags)]
    lines += [] if data.name.startswith(USERS) else ["datasets:", f'  - "{one_line(data.name)}"']
    return [*lines, "---", ""]


def usage(source: Source, call: Call, folder: str, has_code: bool) -> list[str]:
    """Lines of Python, with ganzoo and without."""
    lines = [
        "```python",
        "import ganzoo",
        "",
        f"network = ganzoo.load({json.dumps(one_line(folder), ensure_ascii=False)})",
    ]
    data, network = source.data, source.network
    if isinstance(network, Generator):
        lines += [f"samples = network.sample(16, seed=0)  # [16, {', '.join(map(str, data.shape))}]"]
    lines += ["```", "", "What is loaded is this folder.", ""]
    if has_code:
        takes = "; ".join(f"`{n}` {shape_text(shape)}" for n, shape in zip(call.names, call.shapes, strict=True))
        lines += [f"Without ganzoo: `model.py` needs torch and safetensors alone. `model()` takes {takes}.", ""]
    return lines


def training(source: Source) -> list[str]:
    """A table of how it was trained, and the command that trains it again."""
    config, header, data = source.variant.config, source.header, source.data
    machine, versions = header.get("machine", {}), header.get("versions", {})
    side = " x ".join(map(str, data.shape))
    rows = {
        "data": f"`{one_line(public_name(data.name))}`, {one_line(data.kind)} {side}, {data.count:,} in split "
                f"`{one_line(data.split)}`",
        "steps": f"{header.get('step', 0):,} of {config.steps:,}",
        "real samples seen": f"{header.get('images', 0):,}",
        "seed": str(config.seed),
        "weights": weights_text(header),
        "hardware": markdown(", ".join(str(machine[key]) for key in ("hardware", "device") if machine.get(key))),
        "versions": markdown(", ".join(f"{key} {value}" for key, value in sorted(versions.items()))),
    }  # fmt: skip
    lines = ["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows.items() if text), ""]
    return [*lines, "To train it again:", "", "```console", f"$ {repeat(source)}", "```", ""]


def weights_text(header: dict[str, Any]) -> str:
    """Which weights these are."""
    kind = "average over the training (EMA)" if header.get("weights") == "EMA" else "as a step left them"
    best = header.get("best")
    return f"{kind}, those with the best {markdown(str(best.get('metric')))}" if isinstance(best, dict) else kind


def repeat(source: Source) -> str:
    """The command that trains this again: what differs from the defaults."""
    config = source.variant.config
    name = config.variant
    kind = type(source.variant)
    usual = resolve(name, kind.Options, usual_settings(kind, config.dataset))
    words = ["ganzoo", "train", name, "--dataset", public_name(config.dataset)]
    plain, plain_usual = (public_header({"c": to_plain(each)})["c"] for each in (config, usual))
    for part in ("", "options", "tricks"):
        table, before = (each.get(part, {}) if part else each for each in (plain, plain_usual))
        for key, value in table.items():
            if key not in ("options", "tricks", "variant", "dataset") and value != before.get(key):
                words += ["-o", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
    return " ".join(shlex.quote("".join(c if c.isprintable() else " " for c in word)) for word in words)


def measured(source: Source) -> list[str]:
    """A table of what was measured when the training ended; of other weights nothing is claimed."""
    rows = []
    for result in results_of(source):
        name, value = (result.get("metric"), result.get("value")) if isinstance(result, dict) else (None, None)
        if isinstance(name, str) and isinstance(value, int | float):
            rows.append(f"| `{one_line(name)}` | {value:.4g} |")
    if not rows:
        return ["Of these weights nothing was measured. `ganzoo evaluate` measures them.", ""]
    return ["A metric's name is its protocol: ganzoo's documentation says how each is taken.", "",
            "| metric | value |", "| --- | --- |", *rows, ""]  # fmt: skip


def results_of(source: Source) -> list[Any]:
    """What the run reports of just these weights; empty where it reports nothing, or of others."""
    found, header = run_details(source).get("metrics", {}), source.header
    used = header.get("weights") == "EMA" or not source.variant.config.ema_halflife
    if isinstance(best := header.get("best"), dict):
        results = found.get("best") if best.get("metric") == found.get("chosen by") else None
    else:
        results = found.get("final") if used and found.get("step") == header.get("step") else None
    return results if isinstance(results, list) else []


def limits(source: Source) -> list[str]:
    """What it is not for."""
    data, network = source.data, source.network
    name = one_line(public_name(data.name))
    of_size = f"images of {data.shape[1]} x {data.shape[2]} pixels" if data.kind == "images" else one_line(data.kind)
    lines = [f"It was trained on {of_size} of `{name}`, and knows nothing else."]
    if isinstance(network, Generator):
        lines += ["Its samples repeat what is common, rare and wrong in that data. Some may resemble samples of it.",
                  "It is for study. Its samples are no measurements, and must not deceive anyone."]  # fmt: skip
    elif isinstance(network, Translator):
        lines += ["What it adds to an image is invented. It is not for evidence, medicine, or telling who someone is."]
    elif isinstance(network, Scorer):
        lines += ["It calls odd what it has not seen, which is not always a fault, and may pass over a small one."]
    elif isinstance(network, Classifier | Encoder):
        lines += ["It gives an answer for every input, also for one of no class. It is not for decisions about people."]
    return [f"- {line}" for line in lines]


def terms(source: Source) -> str:
    """The terms of the data; empty where they are not known."""
    try:
        return registry().datasets.spec(source.data.name.partition(":")[0]).licence
    except GanzooError:
        return ""


def licence(source: Source) -> str:
    """What is known of the terms of code, weights and data."""
    known = terms(source)
    if known == OWN:
        return "Apache 2.0, as ganzoo itself. The data was drawn by ganzoo."
    said = f"{markdown(known)}." if known else "not known to ganzoo; whoever trained this must say."
    limits = "They may restrict how weights and samples are used."
    return f"The code and this card: Apache 2.0. Terms of the data: {said} {limits}"


def run_details(source: Source) -> dict[str, Any]:
    """What the run says of itself, where the weights lie in one."""
    try:
        return read_run_details(source.folder)
    except GanzooError:
        return {}


__all__ = ["card", "config_json", "picture"]
