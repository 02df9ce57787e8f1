"""Which module may import which, and other properties of the sources that no reviewer should have to watch.

The imports are read from the sources, so that one inside a function counts too. Imports under ``TYPE_CHECKING`` do not:
they name types and are never executed.
"""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from ganzoo.registry.registry import OWN_DISTRIBUTION, Registry

ROOT = Path(__file__).parents[1]
CORE = ROOT / "ganzoo"

LAYERS = (
    ("ganzoo.errors", "ganzoo.registry.specs"),
    ("ganzoo.runtime.files", "ganzoo.runtime.processes"),
    ("ganzoo.registry.hookspecs",),
    ("ganzoo",),  # the package itself: `from ganzoo import hookimpl`
    ("ganzoo.config.settings", "ganzoo.models.interfaces", "ganzoo.models.blocks", "ganzoo.models.optimizers"),
    ("ganzoo.models.losses",),
    ("ganzoo.data",),
    ("ganzoo.runs.history", "ganzoo.metrics.specs"),
    ("ganzoo.builtin",),
    ("ganzoo.registry.registry",),
    ("ganzoo.tricks",),
    ("ganzoo.models.variant",),
    ("ganzoo.tricks.schedules", "ganzoo.training.checks"),  # these know stages and variants
    ("ganzoo.runs.checkpoint",),
    ("ganzoo.runtime.device",),
    ("ganzoo.metrics", "ganzoo.runs.weights", "ganzoo.models.translate"),
    ("ganzoo.report",),
    ("ganzoo.runs.run", "ganzoo.training.diagnostics"),
    ("ganzoo.training.evaluation", "ganzoo.training.trainer"),
    ("ganzoo.training.cuda_graphs", "ganzoo.training.parallel"),
    ("ganzoo.training.loop",),
    ("ganzoo.training.signals",),
    ("ganzoo.training.setup",),
    ("ganzoo.api",),
    ("ganzoo.metrics.evaluate",),
    ("ganzoo.bench", "ganzoo.testing"),
    ("ganzoo.cli",),
    ("ganzoo.__main__",),
)
"""From the ground up. A module imports from layers below its own, and from its own package (``data``, ``cli`` ...)."""

ONLY = {
    "ganzoo.errors": set(),
    "ganzoo.registry.specs": set(),
    "ganzoo.registry.hookspecs": {"ganzoo.registry.specs", "pluggy"},
    "ganzoo.config.settings": {"ganzoo.errors", "tomli_w"},
    "ganzoo.registry.registry": {
        "ganzoo.errors",
        "ganzoo.registry.specs",
        "ganzoo.registry.hookspecs",
        "ganzoo.config.settings",
        "pluggy",
        "click",
    },
    "ganzoo.models.interfaces": {"ganzoo.errors", "torch"},
    "ganzoo.models.losses": {"ganzoo.errors", "ganzoo.models.interfaces", "torch"},
    "ganzoo.models.blocks": {"ganzoo.errors", "ganzoo.models.interfaces", "torch"},
}
"""Modules that everything stands on: all that they may import beside the standard library."""

LAZY_ON_PURPOSE = {
    ("ganzoo", "ganzoo.api"),
    ("ganzoo", "ganzoo.metrics.evaluate"),
    ("ganzoo.runs.run", "ganzoo.metrics.evaluate"),
}
"""Upward on purpose: `ganzoo.train` and `run.evaluate` import what they need when they are called."""

PUBLIC = (
    "errors", "specs", "hookspecs", "config", "interfaces", "losses", "blocks", "optimizers", "tricks", "variant",
    "trainer", "data", "metrics", "checkpoint",
)  # fmt: skip
"""What a plugin may import of ``ganzoo``, beside ``ganzoo`` itself."""


def modules(package: Path) -> dict[str, Path]:
    """Source files by dotted name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules(CORE)
PLUGINS = {path.parent.name: modules(path.parent) for path in sorted((ROOT / "plugins").glob("*/__init__.py"))}


def imports(path: Path, known: dict[str, Path], top_only: bool = False) -> set[str]:
    """What a file imports, as names of modules: those of ``known`` in full, others by their first word."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
            return
        if top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: relative import"
            # `from ganzoo import errors` imports the module, `from ganzoo import hookimpl` the package.
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(name if name in known else str(node.module) for name in full)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    own = {name for name in found if name in known}
    return own | {name.partition(".")[0] for name in found - own} - set(sys.stdlib_module_names)


def layer(module: str) -> int:
    """Its place in LAYERS, by the longest name that fits."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for i, names in enumerate(LAYERS):
            if name in names and (name != "ganzoo" or length == len(parts)):
                return i
    pytest.fail(f"{module} stands in no layer: give it its place in LAYERS of {Path(__file__).name}")


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module):
    layer(module)  # a new module must have a place, even one that imports nothing
    for other in imports(MODULES[module], MODULES):
        if not other.startswith("ganzoo") or (module, other) in LAZY_ON_PURPOSE:
            continue
        same_package = module.split(".")[:2] == other.split(".")[:2] and len(other.split(".")) > 1
        assert same_package or layer(other) < layer(module), f"{module} imports {other}, which stands above it"


@pytest.mark.parametrize("module", ONLY)
def test_foundations_import_little(module):
    assert imports(MODULES[module], MODULES) <= ONLY[module]


def test_no_cycles():
    everything = {**MODULES, **{name: path for package in PLUGINS.values() for name, path in package.items()}}
    graph = {name: imports(path, everything, top_only=True) & everything.keys() for name, path in everything.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules that import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("package", PLUGINS)
def test_plugins_import_ganzoo_and_themselves(package):
    for name, path in PLUGINS[package].items():
        for other in imports(path, {**MODULES, **PLUGINS[package]}):
            if other.startswith("ganzoo."):
                assert other.split(".")[1] in PUBLIC, f"{name} imports {other}, which is not for plugins"
            elif other.startswith("ganzoo_"):
                assert other.partition(".")[0] == package, f"{name} imports {other}, another plugin"


WITH_VARIANTS = [
    name for name, files in PLUGINS.items() if "ganzoo_variants" in files[name].read_text(encoding="utf-8")
]


def test_most_plugins_bring_variants():
    assert set(PLUGINS) - set(WITH_VARIANTS) == {"ganzoo_zoo.suites"}


@pytest.mark.parametrize("package", WITH_VARIANTS)
def test_plugin_has_its_rooms(package):
    """The same files in every plugin: one who knows one knows all."""
    assert {package, f"{package}.networks", f"{package}.variant"} <= PLUGINS[package].keys()


def test_core_imports_no_plugin():
    word = re.compile(rf"\b({'|'.join(PLUGINS)})\b")
    for module, path in MODULES.items():
        assert not word.search(path.read_text(encoding="utf-8")), f"{module} names a plugin"


def first_party_variants() -> list[str]:
    zoo = Registry(third_party=False).variants
    return [name for name in zoo if OWN_DISTRIBUTION in zoo.provider(name)]


def test_core_names_no_variant():
    names = first_party_variants()
    assert names
    word = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, names))})(?![\w-])")
    for path in sorted(CORE.rglob("*")):
        if path.suffix in (".py", ".md", ".toml", ".html", ".css", ".js"):
            for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                found = word.search(line)
                assert not found, f"{path.relative_to(ROOT)}:{i} names the variant {found.group()!r}: {line.strip()}"


def printing(path: Path) -> list[str]:
    """Calls that write to the terminal."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if re.fullmatch(r"(p?print|(click\.)?s?echo|sys\.std(out|err)\.write)", called):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {called}")
    return found


def test_only_the_command_line_prints():
    quiet = [path for name, path in MODULES.items() if not name.startswith("ganzoo.cli")]
    quiet += [path for package in PLUGINS.values() for path in package.values()]
    assert [line for path in quiet for line in printing(path)] == []
    assert any(printing(path) for name, path in MODULES.items() if name.startswith("ganzoo.cli")), "or we look wrongly"


def test_files_stay_small():
    folders = ("ganzoo", "plugins", "examples", "tests", "benchmarks", "docs")
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {path: lines for path, lines in sizes.items() if lines > 500} == {}
    assert sizes["ganzoo/trainer.py"] < 300


def test_every_module_says_what_it_is():
    for path in (p for package in (MODULES, *PLUGINS.values()) for p in package.values()):
        text = path.read_text(encoding="utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), (
            f"{path.relative_to(ROOT)} opens with a docstring"
        )


LIGHT = [
    "ganzoo",
    "ganzoo.errors",
    "ganzoo.registry.specs",
    "ganzoo.registry.hookspecs",
    "ganzoo.config.settings",
    "ganzoo.registry.registry",
    "ganzoo.builtin",
    "ganzoo.data.specs",
    "ganzoo.runtime.processes",
    *sorted(name for name in MODULES if name.startswith("ganzoo.cli")),
]


def test_light_modules_load_nothing_heavy():
    """In one process, one after the other, so that the first that is heavy is named."""
    code = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    heavy = {"torch", "torchvision", "numpy", "PIL"} & sys.modules.keys()
    if heavy:
        sys.exit(f"{name} loads {', '.join(sorted(heavy))}")
from ganzoo.registry.registry import registry
registry().variants.names()
assert "torch" not in sys.modules, "a first-party plugin imports torch at its top"
"""
    done = subprocess.run([sys.executable, "-c", code, *LIGHT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
