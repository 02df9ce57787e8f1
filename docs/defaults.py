"""The page about where the defaults come from: searches and presets, from recorded figures."""

import json
from typing import Any

from tables import HERE, NOTE, RESULTS, recorded, table


def defaults_page() -> str:
    """Where the defaults come from: what was tried, from its records."""
    text = (HERE / "defaults.in.md").read_text(encoding="utf-8")
    text = text.replace("{presets}", presets_section())
    return NOTE + text.replace("{searches}", "\n\n".join(search_section(r) for r in recorded("search")))


def presets_section() -> str:
    """What each preset draws after a short training."""
    record = json.loads((RESULTS / "presets.json").read_text(encoding="utf-8"))
    rows = [
        [
            f"`{row['variant']}`",
            f"`{row['preset']}`",
            row["dataset"],
            f"{row['images']:,}",
            f"{row['minutes']:.1f}",
            row["shows"],
        ]
        for row in record["rows"]
    ]
    said = f"`{record['command']}`, seed 0, {record['hardware']}, {record['date']}"
    said = f"{said} ([record](../benchmarks/results/presets.json)). {record['note']}"
    return f"{said}\n\n{table(['variant', 'preset', 'data', 'images', 'minutes', 'what it shows'], rows)}"


def search_section(record: dict[str, Any]) -> str:
    """One search: a row for each setting that was tried."""
    from ganzoo.bench.table import four_digits

    metrics = record["content"]["metrics"]
    cells = []
    for row in record["rows"]:
        why = "; ".join(dict.fromkeys(row["failed"].values()))
        values = [row["final"].get(metric) for metric in metrics]
        scores = [four_digits(value["mean"]) if value else f"– ({why})" for value in values]
        numbers = [next(iter(row[key].values()), None) for key in ("images", "minutes", "images per second")]
        shown = [format(n, form) if n else "" for n, form in zip(numbers, (",.0f", ".1f", ",.0f"), strict=True)]
        cells.append([row["label"], *scores, *shown])
    about = f"{record['about'][:1].upper()}{record['about'][1:]}."
    file = f"[record](../benchmarks/results/search/{record['file']})"
    said = f"`{record['command']}`, {record['dates'][-1]}, {'; '.join(record['rows'][0]['devices'])} ({file})"
    header = ["trained", *metrics, "images seen", "minutes", "images/s"]
    return "\n\n".join([f"### {record['suite']}", f"{about} {said}. {record['note']}", table(header, cells)])
