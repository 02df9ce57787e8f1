"""Writes the generated pages of the documentation; tests/test_docs.py fails when one of them is stale.

    python docs/generate.py

cli.md from the commands' own help, reference.md from the registry, results.md and metrics.md from benchmarks/results.
Only what ganzoo itself ships is described, whatever plugins are installed.
"""

import dataclasses
import json
import os
import statistics
import typing
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import click
from defaults import defaults_page
from exports import export_page
from speed import speed_page
from tables import HERE, NOTE, RESULTS, recorded, table


def cli_page() -> str:
    """The help of every command, as it is printed."""
    from ganzoo.cli import COMMANDS, cli

    version = ".".join(metadata.version("click").split(".")[:2])
    parts = [
        "# The command line\n",
        f"What `--help` prints, with click {version}. Settings: [reference.md](reference.md).\n",
    ]

    def add(command: click.Command, words: str, parent: click.Context | None) -> None:
        name = words.split()[-1]
        with click.Context(command, parent, name, help_option_names=["-h", "--help"], max_content_width=100) as context:
            context.terminal_width = 100
            parts.append(f"## {words}\n\n```text\n{command.get_help(context)}\n```\n")
            if isinstance(command, click.Group) and parent is not None:
                for name in command.list_commands(context):
                    found = command.get_command(context, name)
                    assert found is not None
                    add(found, f"{words} {name}", context)

    with click.Context(cli, info_name="ganzoo", help_option_names=["-h", "--help"], max_content_width=100) as top:
        top.terminal_width = 100
        parts.append(f"## ganzoo\n\n```text\n{cli.get_help(top)}\n```\n")
        for name in COMMANDS:
            found = cli.get_command(top, name)
            assert found is not None
            add(found, f"ganzoo {name}", top)
    return NOTE + "\n".join(parts)


def own(catalogue: Any) -> list[str]:
    """The names that ganzoo itself provides."""
    return [name for name in catalogue if catalogue.provider(name) == "ganzoo"]


def settings_table(holder: type, defaults: dict[str, Any]) -> str:
    """Settings of a dataclass with their defaults, types and meanings."""
    from ganzoo.config.fields import describe

    hints = typing.get_type_hints(holder)
    rows = []
    for f in dataclasses.fields(holder):
        if "help" in f.metadata:
            value = defaults.get(f.name, f.default)
            rows.append(
                [
                    f"`{f.name}`",
                    "" if value in (None, "") else f"`{value}`",
                    describe(hints[f.name]),
                    f.metadata["help"],
                ]
            )
    return table(["setting", "default", "values", "meaning"], rows)


def reference_page() -> str:
    """Variants with their settings, settings of every run, data sets, losses."""
    from ganzoo.config.settings import RunConfig, Tricks
    from ganzoo.models.load import load_variant
    from ganzoo.registry.registry import registry

    zoo = registry()
    parts = ["# Reference\n", "## Settings of every run\n"]
    parts.append("Any of them as `-o KEY=VALUE`, in a TOML file, or as a keyword of `ganzoo.train`.\n")
    parts += [settings_table(RunConfig, {}), "", "## The tricks of training\n"]
    parts.append(
        "[training.md](training.md) says how they are meant. A variant refuses those that make no sense for it.\n"
    )
    parts += [settings_table(Tricks, {}), "", "## Variants\n"]
    for name in own(zoo.variants):
        spec, variant = zoo.variants.spec(name), load_variant(name)
        changed = ", ".join(f"`{k} = {v}`" for k, v in variant.defaults.items())
        summary = spec.summary[0].upper() + spec.summary[1:]
        models, needs = ", ".join(spec.models), ", ".join(n for n in spec.needs if n != "images")
        said = f"### {name}\n\n{summary}. {spec.paper}. Models {models}{f'; needs {needs}' if needs else ''}."
        parts.append(f"{said}\n")
        parts.append(f"Of the settings above it changes: {changed}.\n")
        if variant.unsupported:
            refused = "; ".join(f"`{key}` ({why})" for key, why in variant.unsupported.items())
            parts.append(f"It refuses: {refused}.\n")
        parts += [settings_table(variant.Options, dict(variant.defaults)), ""]
    rows = []
    for name in own(zoo.datasets):
        data = zoo.datasets.spec(name)
        shape = "x".join(map(str, data.shape)) if data.shape else "yours"
        classes = "yours" if data.classes is None else str(len(data.classes) or "")
        rows.append([f"`{name}`", data.summary, shape, classes, ", ".join(data.splits), data.licence])
    parts += ["## Data sets\n", table(["name", "what", "shape", "classes", "splits", "terms"], rows), ""]
    rows = [[f"`{n}`", zoo.losses.spec(n).summary, zoo.losses.spec(n).paper] for n in own(zoo.losses)]
    parts += ["## Losses\n", table(["name", "what", "paper"], rows), ""]
    rows = [[f"`{n}`", zoo.metrics.spec(n).summary, zoo.metrics.spec(n).paper] for n in own(zoo.metrics)]
    parts += ["## Metrics\n", "[metrics.md](metrics.md) says how they are taken.\n"]
    parts += [table(["name", "what", "paper"], rows), ""]
    return NOTE + "\n".join(parts)


def results_page() -> str:
    """What was measured, from the recorded JSON files."""
    text = (HERE / "results.in.md").read_text(encoding="utf-8")
    rows = []
    for path in sorted((RESULTS / "judged").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        run, training, judge = record["run"], record["training"], record["judge"]
        shares = record["class_shares"]
        smallest = min(shares, key=shares.__getitem__)
        right = f"{100 * record['class_accuracy']:.2f} %" if "class_accuracy" in record else "takes no labels"
        rows.append([
            run["config"]["variant"], run["config"]["dataset"], str(run["config"]["seed"]), f"{run['images']:,}",
            right, f"{100 * record['smallest_share']:.2f} % ({smallest})", f"{100 * judge['test_accuracy']:.2f} %",
            f"{training['hardware']}, {training['threads']} thread(s), torch {training['versions']['torch']}",
            f"[{path.name}](../benchmarks/results/judged/{path.name})",
        ])  # fmt: skip
    header = ["variant", "data", "seed", "images seen", "judged as asked", "rarest class", "classifier's accuracy"]
    header += ["trained on", "record"]
    tables = {"judged": table(header, rows), "toys": toys_table(), "ssl": ssl_table(), "sr": sr_table()}
    tables["ensemble"] = ensembles()
    for name, rows_of_it in tables.items():
        text = text.replace(f"{{{name}}}", rows_of_it)
    return NOTE + text


def links(folder: str, records: list[dict[str, Any]]) -> str:
    """A link to each record, by its seed."""
    return ", ".join(f"[{r.get('seed', r['file'])}](../benchmarks/results/{folder}/{r['file']})" for r in records)


def toys_table() -> str:
    """Modes and quality, a line for each toy and way to train."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in recorded("toys"):
        groups.setdefault((record["dataset"], record["name"]), []).append(record)
    rows = []
    for (dataset, name), records in sorted(groups.items(), key=lambda item: (item[0][0] != "ring", item[0][1])):
        total = records[0]["total"]
        rows.append([
            dataset, name,
            ", ".join(f"{r['found']}" for r in records) + f" of {total}",
            ", ".join(f"{r['fair']}" for r in records) + f" of {total}",
            ", ".join(f"{100 * r['quality']:.1f}" for r in records) + " %",
            f"{records[0]['images']:,}", links("toys", records),
        ])  # fmt: skip
    header = ["data", "trained by", "modes found, each seed", "of these fairly", "high quality", "points seen"]
    return table([*header, "records by seed"], rows)


def ssl_table() -> str:
    """Test errors of the semi-supervised GAN, a line for each number of labels and length of training."""
    groups: dict[tuple[int, int, float], list[dict[str, Any]]] = {}
    for record in recorded("ssl"):
        if "test_error_of_each" not in record:
            key = (record["labels"], record["config"]["steps"], record["config"]["options"].get("entropy", 0.0))
            groups.setdefault(key, []).append(record)
    rows = []
    for (labels, steps, entropy), records in sorted(groups.items()):
        errors, baselines = ([r[key] for r in records] for key in ("test_error", "baseline_test_error"))
        ended = ["" if r["status"] == "finished" else f" (stopped at step {r['step']:,})" for r in records]
        each = ", ".join(f"{e:.2f}{end}" for e, end in zip(errors, ended, strict=True))
        rows.append([
            str(labels), f"{steps:,}", f"{entropy:g}", each, mean_and_spread(errors), mean_and_spread(baselines),
            PAPER_SSL.get(labels, ""), links("ssl", records),
        ])  # fmt: skip
    header = ["labels", "steps", "entropy", "test error in % of each seed", "mean", "baseline: same labels alone"]
    return table([*header, "paper", "records by seed"], rows)


def ensembles() -> str:
    """What several classifiers say together, beside what each says, in words."""
    return "; ".join(
        f"{', '.join(f'{e:.2f}' for e in record['test_error_of_each'])} % each, {record['test_error']:.2f} % together "
        f"([record](../benchmarks/results/ssl/{record['file']}))"
        for record in recorded("ssl")
        if "test_error_of_each" in record
    )


PAPER_SSL = {20: "16.77 ± 4.52", 50: "2.21 ± 1.36", 100: "0.93 ± 0.065", 200: "0.90 ± 0.042"}
"""arXiv:1606.03498, table 1: test error in %, mean and spread over ten label subsets."""


def mean_and_spread(values: list[float]) -> str:
    """Mean, and the sample standard deviation of two or more."""
    mean = statistics.mean(values)
    return f"{mean:.2f} ± {statistics.stdev(values):.2f}" if len(values) > 1 else f"{mean:.2f}"


def sr_table() -> str:
    """PSNR and SSIM on each folder: bicubic, what was trained, and what the paper has."""
    rows = []
    for record in recorded("sr"):
        for name in ("bicubic", "srresnet", "srgan"):
            begun = record.get("training", {}).get("config", {}).get("options", {}).get("pretrained")
            if name not in record or (begun and name == "srresnet"):  # another record's network, measured again
                continue
            place = ("bicubic", "srresnet", "srgan").index(name)
            for folder, score in record[name].items():
                steps = record["training"]["config"]["options"]["pretrain_steps"] if name == "srresnet" else ""
                steps = record["training"]["config"]["steps"] if name == "srgan" else steps
                published = record["published_psnr"].get(folder, [None] * 3)[place]
                content = record["training"]["config"]["options"]["content"] if name == "srgan" else ""
                called = f"{name}, content {content}" if content else name
                rows.append([
                    called, folder, f"{score['psnr']:.2f}", f"{score['ssim']:.4f}", f"{published or ''}",
                    f"{steps:,}" if steps else "", f"[{record['file']}](../benchmarks/results/sr/{record['file']})",
                ])  # fmt: skip
    return table(["enlarged by", "images", "PSNR in dB", "SSIM", "paper's PSNR", "steps", "record"], rows)


def metrics_page() -> str:
    """How to measure, with the recorded floors and reactions to damage."""
    from ganzoo.metrics.extractors import INCEPTION, VGG
    from ganzoo.metrics.feature_classifier import SHIPPED, load_classifier_of, shipped

    text = (HERE / "metrics.in.md").read_text(encoding="utf-8")
    weights = [f"| [{Path(f.name).name}]({f.url}) | {f.size:,} | `{f.sha256}` |" for f in (INCEPTION, VGG)]
    rows = []
    for name in shipped():
        path = SHIPPED / f"{name}.safetensors"
        header = load_classifier_of(path)[1]
        card = f"[card](../ganzoo/metrics/weights/{name}.md)"
        accuracy = f"{100 * header['accuracy']:.2f} % of {header['test_count']:,}"
        rows.append([f"`{name}`", accuracy, f"{path.stat().st_size:,}", card])
    records = {record["data"]["name"]: record for record in recorded("metrics")}
    tables = {
        "weights": "\n".join(weights),
        "classified": ", ".join(f"`{name}`" for name in shipped()),
        "feature_classifiers": table(["data", "test accuracy", "bytes", ""], rows),
        "floors": floors_table(records),
        "damage": "\n\n".join(f"### {name}\n\n{damage_table(record)}" for name, record in records.items()),
        "blind": blind_spots(records),
        "cost": metrics_cost(RESULTS / "metrics_cost.json"),
    }
    for name, found in tables.items():
        text = text.replace(f"{{{name}}}", found)
    return NOTE + text


def metrics_cost(path: Path) -> str:
    """What `ganzoo evaluate` was measured to cost."""
    record = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        [f"`{row['metric']}`", row["reference"], f"{row['seconds']:.0f}", f"{row['peak_mib']:,}"]
        for row in record["rows"]
    ]
    file = "[record](../benchmarks/results/metrics_cost.json)"
    return (
        f"What it costs, start-up included, on {record['threads']} threads of {record['hardware']} (`python "
        f"benchmarks/evaluation.py RUN`, {file}). Features are streamed, images are not kept:\n\n"
        f"{table(['metric', 'reference', 'seconds', 'peak MiB'], rows)}"
    )


FAMILIES = ("fd", "kd", "cs", "prc", "balance", "accuracy", "intra-fd", "duplicates", "copies")


def family(metric: str, data: str) -> str:
    """``fd-mnist-10k`` -> ``fd``; what is of another network than the data's own keeps its name."""
    return metric.replace(f"-{data}-10k", "").replace("-2k", "").replace("-1k", "")


def cells(found: dict[str, dict[str, float]], data: str, families: tuple[str, ...] = FAMILIES) -> list[str]:
    """Headlines in the order of the families; of precision and recall both."""
    by_family = {family(name, data): list(values.values()) for name, values in found.items()}
    return [
        " / ".join(f"{value:.3g}" for value in by_family[f][: 2 if f == "prc" else 1]) if f in by_family else ""
        for f in families
    ]


def floors_table(records: dict[str, dict[str, Any]]) -> str:
    """What real samples score against real samples."""
    families = (*FAMILIES, "fd-effnet-lite0-10k")
    rows = [
        [f"`{data}`", name, *cells(found, data, families)]
        for data, record in records.items()
        for name, found in record["floors"].items()
    ]
    return table(["data", "real against real", *families], rows)


def damage_table(record: dict[str, Any]) -> str:
    """How each metric reacts."""
    data = record["data"]["name"]
    rows = [[name, *cells(found, data)] for name, found in record["damage"].items()]
    return table(["damage", *FAMILIES], rows)


BLIND = 0.1
"""A metric that changes by less than this share of its undamaged value (and by less than 0.01) has not moved."""


def blind_spots(records: dict[str, dict[str, Any]]) -> str:
    """On which data each metric does not move under which damage: a row a damage, a column a metric."""
    still: dict[str, dict[str, list[str]]] = {}
    for data, record in records.items():
        clean = {name: next(iter(v.values())) for name, v in record["damage"]["none"].items()}
        for damage, found in record["damage"].items():
            row = still.setdefault(damage, {})
            for name, values in found.items():
                change = abs(next(iter(values.values())) - clean[name])
                row.setdefault(family(name, data), [])
                if change <= max(BLIND * abs(clean[name]), 0.01):
                    row[family(name, data)].append(data)
    still.pop("none", None)
    known = [f for f in FAMILIES if any(f in row for row in still.values())]
    rows = []
    for damage, row in still.items():
        said = [", ".join(row[f]) if f in row else "–" for f in known]
        rows.append(
            [
                damage,
                *("all" if f in row and len(row[f]) == len(records) else s for f, s in zip(known, said, strict=True)),
            ]
        )
    about = (
        "What a metric does not see: the data on which its headline (of `prc` that is precision) moves by less than a "
        "tenth, or by less than 0.01. Empty: it moves everywhere. –: not taken."
    )
    return f"{about}\n\n{table(['damage', *known], rows)}"


def benchmarks_page() -> str:
    """``ganzoo bench``, and the recorded tables."""
    text = (HERE / "benchmarks.in.md").read_text(encoding="utf-8")
    parts = [bench_section(record) for record in recorded("bench")]
    return NOTE + text.replace("{benches}", "\n\n".join(parts) or "Nothing yet.")


def bench_section(record: dict[str, Any]) -> str:
    """One recorded suite: a row for each entry and data set; behind a slash the best weights, where they differ."""
    rows = record["rows"]
    names, others = record["columns"], record["content"].get("published", [])
    header = ["trained", "data", "seeds", *names.values(), "images seen", "minutes", "images/s", "device"]
    cells = []
    for row in rows:
        line = [row["label"], row["dataset"], ", ".join(map(str, row["seeds"]))]
        for name in names:
            pair = [row[which].get(name) for which in ("final", "best")]
            ours = " / ".join(dict.fromkeys(spread(value) for value in pair if value))
            theirs = [f"{p['value']:g}" for p in others if (p["label"], p["dataset"], p["metric"]) == (*line[:2], name)]
            line.append(f"{ours} (published: {', '.join(theirs)})" if theirs else ours)
        for key, form in (("images", ",.0f"), ("minutes", ".1f"), ("images per second", ",.0f")):
            line.append(format(statistics.mean(row[key].values()), form) if row[key] else "")
        line.append("; ".join(row["devices"]))
        cells.append(line)
    failed = [
        f"- {row['label']} on {row['dataset']}, seed {s}: {why}" for row in rows for s, why in row["failed"].items()
    ]
    versions = "; ".join(", ".join(f"{k} {v}" for k, v in found.items()) for found in record["versions"])
    said = f"`{record['command']}`, {' to '.join(dict.fromkeys(record['dates']))}, {versions}"
    file = f"[record](../benchmarks/results/bench/{record['file']})"
    notes = [record["note"]] if record.get("note") else []
    lacking = {
        (row["label"], metric): why for row in rows for o in row["omitted"].values() for metric, why in o.items()
    }
    failed += [f"- {label}, {metric}: {why}" for (label, metric), why in lacking.items()]
    for p in (each for each in others if not each.get("minutes")):  # those are in the table of minutes
        source = "; ".join(filter(None, (p["source"], p.get("differs"))))
        failed.append(f"- published, {p['label']} on {p['dataset']}: {p['metric']} {p['value']:g} ({source})")
    parts = [f"### {record['suite']}", f"{record['about'][:1].upper()}{record['about'][1:]}. {said} ({file})."]
    races = [race_section(found) for found in record.get("minutes", [])]
    return "\n\n".join([*parts, table(header, cells), *notes, *(["\n".join(failed)] if failed else []), *races])


def race_section(found: dict[str, Any]) -> str:
    """A metric after minutes of training: a row for each label."""
    marks = sorted({float(m) for row in found["rows"] for m in row["minutes"]})
    cells, sources = [], []
    for row in found["rows"]:
        if row["source"]:
            sources.append(f"- {row['label']}: {row['source']}")
        values = [list(row["minutes"].get(f"{mark:g}", {}).values()) for mark in marks]
        cells.append([row["label"], *(spread_of(each) if each else "–" for each in values)])
    header = ["trained", *(f"after {mark:g} min" for mark in marks)]
    said = f"`{found['metric']}` on {found['dataset']} after minutes of training, measuring left out:"
    return "\n\n".join([said, table(header, cells), *(["\n".join(sources)] if sources else [])])


def spread_of(values: list[float]) -> str:
    """The mean of several seeds with its 95 % interval, or a single value."""
    from ganzoo.bench.table import Value

    return str(Value(dict(enumerate(values))))


def spread(value: dict[str, Any]) -> str:
    """``1.23 ± 0.45`` of a recorded value; more digits than the interval bears would say nothing."""
    from ganzoo.bench.table import four_digits

    half = value["half of 95 %"]
    if not half:
        return four_digits(value["mean"])
    return f"{value['mean']:.3g} ± {half:.2g}"


def plugins_page() -> str:
    """How to write a plugin, with every hook and its exact signature."""
    import inspect

    from ganzoo.registry import hookspecs

    rows = []
    for name, hook in vars(hookspecs).items():
        if name.startswith("ganzoo_") and inspect.isfunction(hook):
            signature = str(inspect.signature(hook)).replace("'", "").replace("collections.abc.", "")
            rows.append([f"`{name}{plain(signature)}`", " ".join((inspect.getdoc(hook) or "").split())])
    text = (HERE / "plugins.in.md").read_text(encoding="utf-8")
    return NOTE + text.replace("{hooks}", table(["hook", "what for"], rows))


def plain(signature: str) -> str:
    """A signature without the modules' names."""
    # In Python 3.13 a Path says that it is pathlib._local.Path.
    for module in ("ganzoo.registry.specs.", "ganzoo.runs.run.", "typing.", "pathlib._local.", "pathlib.", "click."):
        signature = signature.replace(module, "")
    return signature


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "reference.md": reference_page,
    "plugins.md": plugins_page,
    "metrics.md": metrics_page,
    "benchmarks.md": benchmarks_page,
    "defaults.md": defaults_page,
    "speed.md": speed_page,
    "results.md": results_page,
    "export.md": export_page,
}


def main() -> None:
    os.environ["GANZOO_PLUGINS"] = "0"
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
