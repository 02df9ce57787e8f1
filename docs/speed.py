"""The page about speed and memory, from recorded figures."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tables import HERE, NOTE, RESULTS, recorded, table

NO_GPU = """Nothing of this has been run on a GPU yet: `python benchmarks/gpu_check.py --out FILE` runs it all (captured
against eager losses, resume, rates) and writes one file. The goals: 250,000 images/s for a fully connected GAN at batch
64, 100,000 for DCGAN of 64x64 at batch 128, on one H100."""


def speed_page() -> str:
    """What makes it fast, and the recorded figures."""
    text = (HERE / "speed.in.md").read_text(encoding="utf-8")
    found = {record["file"].removesuffix(".json"): record for record in recorded("throughput")}

    def ratios(kind: str, other: str, ours: str) -> str:
        there = {p: found[f"{kind}-{p}"] for p in ("fp32", "bf16") if f"{kind}-{p}" in found}
        if not there:
            return "Not yet."
        names = list(dict.fromkeys(name for record in there.values() for name in record["rows"]))
        cells = []
        for name in names:
            line = [name]
            for record in there.values():
                row = record["rows"].get(name)
                pairs = [pair["ratio"] for pair in row["pairs"]] if row else []
                line.append(f"{row['median_ratio']:.2f} ({min(pairs):.2f} to {max(pairs):.2f})" if row else "")
            first = next(iter(there.values()))["rows"].get(name)
            line += [f"{statistics.median(pair[key] for pair in first['pairs']):,.0f}" for key in (other, ours)]
            cells.append(line)
        header = ["network", *(f"{p}: median ratio (pairs)" for p in there), f"{other}, images/s", f"{ours}, images/s"]
        return "\n\n".join([table(header, cells), *(origin(record) for record in there.values())])

    def origin(record: dict[str, Any]) -> str:
        mean = f" Geometric mean of that run: {record['geometric_mean']:.2f}." if "geometric_mean" in record else ""
        versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
        file = f"[record](../benchmarks/results/throughput/{record['file']})"
        return f"`{record['command']}`, {record['hardware']}, {versions}, {record['date'][:10]} ({file}).{mean}"

    parts = {"compare": ratios("compare", "theirs", "ours"), "plain": ratios("plain", "plain", "fast")}
    parts["again"] = f"Taken again with ganzoo 0.2.0:\n\n{ratios('compare-0.2.0', 'theirs', 'ours')}"
    compared = found.get("compare-fp32")  # the one of all networks
    parts["differs"] = f"What differs: {'; '.join(compared['differs'])}." if compared else ""
    parts["variants"] = variants_table(found.get("variants-cpu"), origin)
    startup = found.get("startup")
    rows = [[f"`{name}`", f"{row['median_seconds']:.2f}"] for name, row in startup["rows"].items()] if startup else []
    parts["startup"] = f"{table(['command', 'CPU seconds, median'], rows)}\n\n{origin(startup)}" if startup else ""
    parts["memory"] = memory_text(RESULTS / "memory.json")
    there = (RESULTS / "gpu_check.json").exists()
    parts["gpu"] = "[The record](../benchmarks/results/gpu_check.json)." if there else NO_GPU
    for key, part in parts.items():
        text = text.replace(f"{{{key}}}", part or "Not yet.")
    return NOTE + text


def variants_table(record: dict[str, Any] | None, origin: Callable[[dict[str, Any]], str]) -> str:
    """Images per second and the split of time of registered variants."""
    if not record:
        return ""
    parts = ["batch", "losses", "backward", "optimizers", "moving averages", "rest"]
    cells = [
        [name, str(row["batch_size"]), f"{row['images_per_second']:,.0f}"]
        + [f"{100 * row['split'].get(part, 0):.0f} %" for part in parts]
        for name, row in record["rows"].items()
    ]
    return f"{table(['variant', 'batch size', 'images/s', *parts], cells)}\n\n{origin(record)}"


def memory_text(path: Path) -> str:
    """The recorded memory of trainings."""
    if not path.exists():
        return ""
    record = json.loads(path.read_text(encoding="utf-8"))
    peak, growth = record["peak"], record["growth"]
    return (
        f"`{peak['command']}`: {peak['peak_mib']:,} MiB at most, {peak['beside_data_mib']:,} beside the "
        f"{peak['data_mib']} MiB of the data, start-up, pictures and checkpoints included. Over {growth['steps']:,} "
        f"steps of small networks resident memory grew by {growth['grown_mib']:g} MiB from the first tenth to the end. "
        f"(`{record['command']}`, {record['hardware']}, [record](../benchmarks/results/memory.json).)"
    )
