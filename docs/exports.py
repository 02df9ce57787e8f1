"""The page about exports, from recorded figures."""

import json

from tables import HERE, NOTE, RESULTS, table


def export_page() -> str:
    """How networks leave home, the code of one, and how far exports are from PyTorch."""
    text = (HERE / "export.in.md").read_text(encoding="utf-8")
    record = json.loads((RESULTS / "exports.json").read_text(encoding="utf-8"))
    rows: list[list[str]] = []
    shares: list[float] = []
    for row in record["rows"]:
        forms = row["forms"]
        apart = [f"{forms[form]['difference']:.1e}" for form in ("onnx", "pt2", "plain")]
        megabytes = f"{forms['onnx']['bytes'] / 2**20:.1f}"
        size = f"{row['parameters']:,}"
        shares += [found["difference"] / max(1.0, row["largest"]) for found in forms.values()]
        rows.append([row["variant"], row["dataset"], row["role"], size, megabytes, *apart, f"{row['largest']:.2f}"])
    header = ["variant", "data", "role", "parameters", "MiB as ONNX", "onnx", "pt2", "plain", "largest value"]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    parts = {
        "table": table(header, rows),
        "code": record["code"].strip(),
        "training": f"{record['steps']} steps of training",
        "batches": ", ".join(map(str, record["batches"][:-1])) + f" and {record['batches'][-1]}",
        "share": f"{max(shares):.0e}",
        "origin": f"`{record['command']}`, {record['hardware']}, {versions}, {record['date'][:10]} "
        "([record](../benchmarks/results/exports.json)).",
    }
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return NOTE + text
