"""Properties of the sources that no reviewer should have to watch.

Which room may import which is declared for import-linter in pyproject.toml, and checked by `make lint`.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ganzoo.plugin
from ganzoo.registry.registry import OWN_DISTRIBUTION, Registry

ROOT = Path(__file__).parents[1]
CORE, ZOO = ROOT / "ganzoo", ROOT / "plugins" / "ganzoo_zoo"
SOURCES = sorted([*CORE.rglob("*.py"), *ZOO.rglob("*.py")])
LONGEST, MOST_FILES = 400, 15


def module(path: Path) -> str:
    """Its dotted name."""
    top = CORE.parent if path.is_relative_to(CORE) else ZOO.parent
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PLAIN_WORDS = ("began", "projection")
"""Variants whose names are English words too: these count where they stand in quotes."""


def test_core_names_no_variant() -> None:
    zoo = Registry(third_party=False).variants
    names = [name for name in zoo if OWN_DISTRIBUTION in zoo.provider(name)]
    assert names
    telling = [name for name in names if name not in PLAIN_WORDS]
    plain = "|".join(f"[`'\"]{name}[`'\"]" for name in PLAIN_WORDS)
    word = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, [*telling, 'ganzoo_zoo']))})(?![\w-])|{plain}")
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


def test_only_the_command_line_prints() -> None:
    lines = {path: printing(path) for path in SOURCES}
    assert [line for path, found in lines.items() if not path.is_relative_to(CORE / "cli") for line in found] == []
    assert any(lines.values()), "or we look wrongly"


def test_files_and_folders_stay_small() -> None:
    for path in SOURCES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGEST, f"{path.relative_to(ROOT)} has {lines} lines"
    for folder in {path.parent for path in SOURCES}:
        files = len([path for path in folder.iterdir() if path.is_file()])
        assert files <= MOST_FILES, f"{folder.relative_to(ROOT)} holds {files} files"


def test_every_module_says_what_it_is() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{path.relative_to(ROOT)} has no docstring"


def test_the_face_for_authors_is_whole() -> None:
    """Each name is there, stands once, and is typed: the block for type checkers names the same."""
    text = (CORE / "plugin.py").read_text(encoding="utf-8")
    typed = dict(re.findall(r"^    from ([\w.]+) import \w+ as (\w+)$", text, re.M))
    typed_names = [name for _, name in re.findall(r"^    from ([\w.]+) import \w+ as (\w+)$", text, re.M)]
    assert sorted(typed_names) == sorted(ganzoo.plugin.__all__)
    assert typed
    for name in ganzoo.plugin.__all__:
        assert getattr(ganzoo.plugin, name) is not None


def test_an_old_name_of_the_interface_works_and_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ganzoo.plugin._RENAMED, "OldGAN", ("GAN", "0.4"))
    with pytest.warns(DeprecationWarning, match=r"ganzoo.plugin.OldGAN is now GAN; the old name goes in ganzoo 0.4"):
        from ganzoo.plugin import OldGAN  # type: ignore[attr-defined]  # it is made up
    assert OldGAN is ganzoo.plugin.GAN
    with pytest.raises(ImportError, match="NoSuchName"):
        from ganzoo.plugin import NoSuchName  # type: ignore[attr-defined]  # noqa: F401


HEAVY = ("draw", "reconstruct", "translate")
"""Modules that a command imports when it is run."""
LIGHT = [
    "ganzoo",
    "ganzoo.plugin",
    "ganzoo.errors",
    "ganzoo.registry.registry",
    "ganzoo.config.settings",
    "ganzoo.builtin",
    "ganzoo.runtime.processes",
    *(module(path) for path in sorted((CORE / "cli").rglob("*.py")) if path.stem not in HEAVY),
]
"""What `ganzoo list` and `--help` import."""


def test_light_modules_load_nothing_heavy() -> None:
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
