"""``ganzoo doctor``: is this installation fit to train? Versions, device, plugins, data."""

import platform
import shutil
import sys
from importlib import metadata

import click

from ganzoo import __version__
from ganzoo.cli.options import emit_json, emit_table
from ganzoo.registry.registry import registry

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "pluggy", "click", "rich", "safetensors", "torch-fidelity")
ROOM = 2 * 2**30


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Check versions, device, plugins and data; exit code 1 when something is wrong."""
    checks = [*versions(), *device(), *plugins(), *data()]
    if as_json:
        emit_json([dict(zip(("check", "status", "detail"), row, strict=True)) for row in checks])
    else:
        emit_table(("CHECK", "STATUS", "DETAIL"), checks)
    sys.exit(1 if any(status == "wrong" for _, status, _ in checks) else 0)


def versions() -> list[tuple[str, str, str]]:
    """Python, ganzoo and what it stands on."""
    rows = [("python", "ok" if sys.version_info >= (3, 11) else "wrong", platform.python_version())]
    rows.append(("ganzoo", "ok", __version__))
    for name in PACKAGES:
        try:
            rows.append((name, "ok", metadata.version(name)))
        except metadata.PackageNotFoundError:
            rows.append((name, "wrong", f"not installed; pip install {name}"))
    return rows


def device() -> list[tuple[str, str, str]]:
    """What torch computes on. A torch that does not import is the commonest damage."""
    try:
        import torch
    except Exception as error:  # a broken installation raises anything: OSError for a missing library, say
        return [("import torch", "wrong", f"{type(error).__name__}: {error}")]
    rows = [("cpu", "ok", f"{torch.get_num_threads()} threads")]
    try:
        import torchvision  # noqa: F401  # does it import beside this torch?
    except Exception as error:
        rows.append(("import torchvision", "wrong", f"{type(error).__name__}: {error}; svhn, stl10 and celeba need it"))
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        rows.append(("cuda", "ok", f"{torch.cuda.get_device_name()}, {memory:.0f} GiB"))
    else:
        rows.append(("cuda", "none", "no CUDA device; training runs on the CPU"))
    if torch.backends.mps.is_available():
        rows.append(("mps", "ok", "Apple GPU"))
    return rows


def plugins() -> list[tuple[str, str, str]]:
    """Plugins that are broken, slow, or fight over a name."""
    zoo = registry()
    root = click.get_current_context().find_root()
    if isinstance(root.command, click.Group):
        root.command.list_commands(root)  # plugins add their commands now, and some may fail to
    rows: list[tuple[str, str, str]] = []
    for p in zoo.plugins:
        status = {"ok": "ok", "slow": "slow", "broken": "wrong"}[p.status]
        rows.append((f"plugin {p.name}", status, p.reason or f"{p.distribution} {p.version}"))
    return rows + [("names", "wrong", reason) for reason in zoo.conflicts()]


def data() -> list[tuple[str, str, str]]:
    """The data folder and which sets are complete."""
    from ganzoo.data.store import data_root, status

    root = data_root()
    above = next(p for p in (root, *root.parents) if p.exists())
    free = shutil.disk_usage(above).free
    rows = [("data folder", "ok", f"{root}{'' if root.exists() else ' (not made yet)'}")]
    rows.append(("disk space", "ok" if free > ROOM else "low", f"{free / 2**30:.1f} GiB free"))
    catalogue = registry().datasets
    for name in catalogue:
        if not catalogue.conflict(name) and catalogue.spec(name).download != "none":
            found = status(catalogue.spec(name), root)
            # A set that was never fetched is not a fault of the installation; a damaged one is.
            state = {"damaged": "wrong", "incomplete": "wrong", "missing": "none"}.get(found.state, "ok")
            detail = found.state + ("; ganzoo data fetch " + name if found.state != "present" else "")
            rows.append((f"data {name}", state, detail))
    return rows
