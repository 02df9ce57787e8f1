"""What is shipped: the source archive and the wheel made from it are built from a copy of the checkout, and opened."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from configparser import ConfigParser
from email import message_from_bytes
from importlib import metadata
from pathlib import Path

import pytest

import ganzoo

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py"))
NOT_SOURCES = (".*", "__pycache__", "*.egg-info", "results")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive and the wheel, as a release would have them; no network is used."""
    folder = tmp_path_factory.mktemp("package")
    unwanted = shutil.ignore_patterns(*NOT_SOURCES)
    outputs = {"build", "dist", "runs", "bench"}  # at the top only: rooms of the core have such names
    shutil.copytree(
        ROOT, folder / "copy",
        ignore=lambda place, names: {*unwanted(place, names), *(outputs & {*names} if Path(place) == ROOT else ())},
    )  # fmt: skip
    words = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(folder / "copy")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    """Content of the wheel by path."""
    (path,) = built.glob("*.whl")
    assert path.name == f"ganzoo-{ganzoo.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def info(wheel: dict[str, bytes], name: str) -> bytes:
    return wheel[f"ganzoo-{ganzoo.__version__}.dist-info/{name}"]


def test_wheel_has_the_packages_and_nothing_else(wheel):
    tops = {name.partition("/")[0] for name in wheel}
    assert tops == {"ganzoo", *PLUGINS, f"ganzoo-{ganzoo.__version__}.dist-info"}
    assert not [name for name in wheel if "__pycache__" in name or "conftest" in name or "/test_" in name]


def test_wheel_has_every_source_file(wheel):
    for top in (ROOT / "ganzoo", *(ROOT / "plugins" / name for name in PLUGINS)):
        for path in top.rglob("*.py"):
            name = path.relative_to(top.parent).as_posix()
            assert wheel.get(name) == path.read_bytes(), name


def test_wheel_says_that_it_is_typed(wheel):
    assert "ganzoo/py.typed" in wheel


def test_wheel_has_the_cards(wheel):
    folders = [path.parent for path in (ROOT / "plugins").rglob("variant.py")]
    assert folders
    for folder in folders:
        name = f"{folder.relative_to(ROOT / 'plugins').as_posix()}/card.md"
        assert wheel.get(name, b"").startswith(b"# "), f"plugins/{name} is shown by 'ganzoo info'"


def test_wheel_has_feature_classifiers_and_suites(wheel):
    for folder, suffix in (("ganzoo/metrics/weights", ".safetensors"), ("plugins/ganzoo_zoo/suites", ".toml")):
        names = [path.name for path in (ROOT / folder).glob(f"*{suffix}")]
        assert names
        assert {f"{folder.removeprefix('plugins/')}/{name}" for name in names} <= wheel.keys()


def test_every_plugin_is_declared(wheel):
    entries = ConfigParser()
    entries.read_string(info(wheel, "entry_points.txt").decode())
    declared = set(dict(entries["ganzoo"]).values())
    folders = {f"ganzoo_zoo.{path.parent.name}" for path in (ROOT / "plugins" / "ganzoo_zoo").glob("*/__init__.py")}
    assert declared == {"ganzoo.builtin", *folders}, "each folder is a plugin with an entry point of its own"
    assert entries["console_scripts"]["ganzoo"] == "ganzoo.__main__:main"
    assert set(PLUGINS) <= set(PROJECT["tool"]["mypy"]["packages"]), "all of it is type-checked"


def test_wheel_metadata(wheel):
    about = message_from_bytes(info(wheel, "METADATA"))
    assert (about["Name"], about["Version"]) == ("ganzoo", ganzoo.__version__)
    assert about["License-Expression"] == "Apache-2.0"
    assert info(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert about["Requires-Python"] == ">=3.11"
    assert about.get_payload().strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    needed = {re.split(r"[^\w-]", text)[0] for text in about.get_all("Requires-Dist") if "extra ==" not in text}
    assert {"torch", "torchvision", "pluggy", "click", "rich", "safetensors", "torch-fidelity"} <= needed
    assert not needed & {"pytest", "ruff", "mypy", "build", "hatchling"}, "tools are extras"


def test_source_archive_is_complete(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile", "tests/conftest.py"} <= names
    assert "examples/ganzoo-relativistic/pyproject.toml" in names
    assert {f"plugins/{plugin}/__init__.py" for plugin in PLUGINS} <= names


def test_changelog_speaks_of_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})", text, re.MULTILINE)
    assert newest is not None
    assert newest[1] == ganzoo.__version__ == metadata.version("ganzoo")


@pytest.mark.skipif(os.environ.get("GANZOO_TEST_EDITABLE") == "1", reason="GANZOO_TEST_EDITABLE=1: on the checkout")
def test_tests_run_against_the_installed_package():
    """Else a file that the wheel lacks would be found in the checkout; GANZOO_TEST_EDITABLE=1 allows it."""
    for module in ("ganzoo", *PLUGINS):
        place = Path(__import__(module).__file__).resolve()
        assert not place.is_relative_to(ROOT / "ganzoo"), f"{place}: not installed; 'make test' installs it"
        assert not place.is_relative_to(ROOT / "plugins"), f"{place}: not installed; 'make test' installs it"
        # And as it is now, not as it was when it was installed.
        top = ROOT / "ganzoo" if module == "ganzoo" else ROOT / "plugins" / module
        for path in top.rglob("*.py"):
            installed = place.parent / path.relative_to(top)
            assert installed.is_file(), f"{installed} is missing: 'make test' installs the newest sources"
            assert installed.read_bytes() == path.read_bytes(), f"{installed} is stale: 'make test' installs the newest"
