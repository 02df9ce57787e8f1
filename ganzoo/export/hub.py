"""The folder of ``--format hf``: config.json, a model card, a picture. The layout of the Hugging Face Hub; no network."""

import json
from pathlib import Path
from typing import Any

from ganzoo import __version__
from ganzoo.config.files import to_plain
from ganzoo.config.settings import resolve
from ganzoo.errors import GanzooError
from ganzoo.export.calls import Call
from ganzoo.export.code import shape_text
from ganzoo.export.description import Source, describe, public_header, public_name
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Translator
from ganzoo.registry.registry import registry
from ganzoo.report.pictures import drawn, save_picture
from ganzoo.runs.run import read_run_details

TASKS = {Generator: "unconditional-image-generation", Translator: "image-to-image", Classifier: "image-classification"}
LICENCE = "apache-2.0"
"""Of ganzoo and of the card; weights have no licence of their own here, data has its terms."""
ROWS = 8


def config_json(source: Source, call: Call) -> str:
    """What the network is and how it was trained, for programs."""
    config = public_header({"config": to_plain(source.variant.config)})["config"]
    about = {**describe(source, call), "library_name": "ganzoo", "config": config}
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


def repeat(source: Source) -> str:
    """The command that trains this again: what differs from the defaults."""
    config = source.variant.config
    name = config.variant
    usual = resolve(name, type(source.variant).Options, {**source.variant.defaults, "dataset": config.dataset})
    words = [f"ganzoo train {name} --dataset {public_name(config.dataset)}"]
    plain, plain_usual = (public_header({"c": to_plain(each)})["c"] for each in (config, usual))
    for table in (plain, *(plain.get(part, {}) for part in ("options", "tricks"))):
        before = plain_usual if table is plain else {**plain_usual.get("options", {}), **plain_usual.get("tricks", {})}
        for key, value in table.items():
            if key not in ("options", "tricks", "variant", "dataset") and value != before.get(key):
                text = str(value).lower() if isinstance(value, bool) else str(value)
                words.append(f"-o {key}={json.dumps(text) if ' ' in text else text}")
    return " ".join(words)


def measured(details: dict[str, Any]) -> list[str]:
    """Lines about what was measured when the training ended."""
    found = details.get("metrics", {})
    lines = []
    for name, value in found.items():
        if name in ("step", "best") or value is None:
            continue
        number = value.get("value") if isinstance(value, dict) else value
        if isinstance(number, int | float):
            lines.append(f"| `{one_line(name)}` | {number:.4g} |")
    return lines


def one_line(text: str) -> str:
    """A text of the run as it may stand in Markdown and YAML: one line, without marks."""
    return " ".join("".join(c if c.isprintable() and c not in '`|<>"\\' else " " for c in text).split())


def front_matter(source: Source) -> list[str]:
    """The YAML at the top of a card."""
    network, data = source.network, source.data
    task = next((task for kind, task in TASKS.items() if isinstance(network, kind) and data.kind == "images"), "")
    tags = ["ganzoo", "gan", "pytorch", one_line(source.variant.config.variant), *([task] if task else [])]
    known = not public_name(data.name).startswith(("folder:", "pairs:", "unpaired:"))
    lines = ["---", "library_name: ganzoo", f"license: {LICENCE}"]
    lines += [f"pipeline_tag: {task}"] if task else []
    lines += ["tags:", *(f'  - "{tag}"' for tag in tags)]
    lines += ["datasets:", f'  - "{one_line(data.name)}"'] if known else []
    return [*lines, "---", ""]


def card(source: Source, call: Call, pictured: bool, has_code: bool) -> str:
    """The text of README.md."""
    config, header, data = source.variant.config, source.header, source.data
    details = run_details(source)
    spec = registry().variants.spec(config.variant)
    summary = spec.summary[:1].upper() + spec.summary[1:]
    name = one_line(public_name(data.name))
    side = " x ".join(map(str, data.shape))
    takes = "; ".join(f"`{n}` {shape_text(shape)}" for n, shape in zip(call.names, call.shapes, strict=True))
    machine = header.get("machine", {})
    hardware = ", ".join(str(machine[key]) for key in ("hardware", "device") if machine.get(key))
    lines = [*front_matter(source), f"# {one_line(source.run)}", "", f"{one_line(summary)} ({one_line(spec.paper)})."]
    lines += ["", f"Trained with ganzoo {header.get('versions', {}).get('ganzoo', __version__)} on `{name}`. This is its "
              f"{source.role}."]  # fmt: skip
    lines += ["", "![samples, drawn with seed 0](samples.png)"] if pictured else []
    lines += ["", "## Use it", "", "```python", "import ganzoo", "", f'network = ganzoo.load("{one_line(source.run)}")']
    if isinstance(source.network, Generator):
        lines += ["samples = network.sample(16, seed=0)  # [16, " + ", ".join(map(str, data.shape)) + "]"]
    lines += ["```", ""]
    if has_code:
        lines += [f"Without ganzoo: `model.py` needs torch and safetensors alone. `model()` takes {takes}.", ""]
    lines += ["## Training", "", "| | |", "| --- | --- |", f"| data | `{name}`, {data.kind} {side}, {data.count:,} in split "
              f"`{one_line(data.split)}` |"]  # fmt: skip
    lines += [f"| steps | {header.get('step', 0):,} of {config.steps:,} |", f"| real samples seen | {header.get('images', 0):,} |",
              f"| seed | {config.seed} |", f"| weights | {one_line(weights_text(header))} |"]  # fmt: skip
    lines += [f"| hardware | {one_line(hardware)} |"] if hardware else []
    versions = ", ".join(f"{key} {value}" for key, value in sorted(header.get("versions", {}).items()))
    lines += [
        f"| versions | {one_line(versions)} |",
        "",
        "To train it again:",
        "",
        "```console",
        f"$ {repeat(source)}",
        "```",
        "",
    ]
    rows = measured(details)
    lines += ["## Measured", ""]
    if rows:
        lines += ["A metric's name is its protocol: ganzoo's documentation says how each is taken.", ""]
        lines += ["| metric | value |", "| --- | --- |", *rows, ""]
    else:
        lines += ["Nothing was measured in this training. `ganzoo evaluate` measures it.", ""]
    lines += ["## Limits", "", *limits(source), "", "## Licence", ""]
    lines += [f"The code and this card: Apache 2.0. Terms of the data: {terms(source)} They may restrict how samples and "
              "weights are used."]  # fmt: skip
    return "\n".join(lines) + "\n"


def weights_text(header: dict[str, Any]) -> str:
    """Which weights these are."""
    return "average over the training (EMA)" if header.get("weights") == "EMA" else "as of the last step"


def limits(source: Source) -> list[str]:
    """What it is not for."""
    data, lines = source.data, []
    if data.kind == "images":
        lines.append(
            f"- It knows images of {data.shape[1]} x {data.shape[2]} pixels of `{one_line(public_name(data.name))}`, and nothing else."
        )
    else:
        lines.append(f"- It knows {data.kind} of `{one_line(public_name(data.name))}`, and nothing else.")
    if isinstance(source.network, Generator):
        lines.append(
            "- Its samples repeat what is common, rare and wrong in that data. Some may resemble single samples of it."
        )
        lines.append(
            "- It is for study. It is not for data that stands in for measurements, nor for pictures that deceive."
        )
    elif isinstance(source.network, Translator):
        lines.append(
            "- What it adds to an image is invented. It is not for evidence, medicine, or telling who someone is."
        )
    elif isinstance(source.network, Classifier | Encoder):
        lines.append(
            "- It gives an answer for any input, also for one that is of no class. It is not for decisions about people."
        )
    return lines


def terms(source: Source) -> str:
    """The terms of the data, as far as they are known."""
    word = source.data.name.partition(":")[0]
    try:
        found = registry().datasets.spec(word).licence
    except GanzooError:
        found = ""
    return f"{one_line(found)}." if found else "not known to ganzoo; whoever trained this must say."


def run_details(source: Source) -> dict[str, Any]:
    """What the run says of itself, where the weights lie in one."""
    try:
        return read_run_details(source.path.parent)
    except GanzooError:
        return {}


__all__ = ["card", "config_json", "picture"]
