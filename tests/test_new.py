"""``ganzoo new``: what it writes is installed, listed, trained and checked; any variant can be the beginning."""

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ganzoo.errors import RunError, UnknownNameError, UsageError
from ganzoo.registry.registry import registry
from ganzoo.scaffold.copied import Module, closure, free_name, imported, rewritten
from ganzoo.scaffold.write import class_name, write_plugin

from .environment import made_environment

Call = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ("--steps", 3, "--batch-size", 8, "-o", "resolution=16", "--device", "cpu", "--quiet")


def test_from_nothing_to_samples(tmp_path: Path, ganzoo_cli: Call) -> None:
    """As an author types it, with two plugins in one environment: one from nothing, one like cgan."""
    environment = made_environment(tmp_path)
    words = {"my-gan": (), "class-gan": ("--like", "cgan")}
    for name, more in words.items():
        done = ganzoo_cli("new", name, *more)
        assert done.stdout.strip() == f"ganzoo-{name}"
        assert f"pip install -e ganzoo-{name}\n       ganzoo train {name} --steps 500" in done.stderr
    environment.install(*(tmp_path / f"ganzoo-{name}" for name in words), cwd=tmp_path)
    listed = json.loads(ganzoo_cli("list", "*-gan", "--json", python=environment.python).stdout)
    assert {row["name"]: row["provider"] for row in listed if row["provider"] != "ganzoo"} == {
        name: f"ganzoo-{name}" for name in words
    }
    out = tmp_path / "run"
    ganzoo_cli("train", "my-gan", *SMALL, "-o", "width=4", "--out", out, python=environment.python)
    ganzoo_cli("sample", out, "-n", 4, "--output", tmp_path / "samples.png", python=environment.python)
    assert (tmp_path / "samples.png").stat().st_size > 100
    assert "my-gan keeps the contract" in ganzoo_cli("check", "my-gan", python=environment.python).stdout


def test_what_is_written_is_as_ganzoo_itself_is_linted(tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed here")
    made = write_plugin("my-gan", out=tmp_path / "new")
    for words in (("check",), ("format", "--check")):
        done = subprocess.run(
            [ruff, *words, "--line-length", "120", "--isolated", made.folder],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("like", list(registry().variants))
def test_any_variant_can_be_the_beginning(like: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write_plugin("my-own", like, tmp_path / "new")
    package = "ganzoo_my_own"
    monkeypatch.syspath_prepend(str(made.folder / "src"))
    try:
        spec = importlib.import_module(package).ganzoo_variants()[0]
        module, _, attribute = spec.load.partition(":")
        variant = getattr(importlib.import_module(module), attribute)
        assert variant.__module__ == f"{package}.variant"
        assert variant.Options.__module__.split(".")[0] in (package, "ganzoo")
        original = registry().variants.spec(like)
        assert (spec.needs, spec.models) == (original.needs, original.models)
        origin = original.load.split(".")[0]
        for path in made.folder.rglob("*.py"):
            assert not imported(path.read_text(encoding="utf-8"), origin), f"{path.name} needs the original"
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            del sys.modules[name]


def test_data_for_a_first_training_suits_the_variant(tmp_path: Path) -> None:
    for like, words in (("cgan", " --steps 500"), ("pix2pix", " --dataset shapes"), ("icgan", " --dataset shapes")):
        assert write_plugin("my-own", like, tmp_path / like).train_words.startswith(words)


@pytest.mark.parametrize(
    ("name", "like", "error", "said"),
    [
        ("My GAN", "", UsageError, "'My GAN' is not a name: use lower case letters and digits"),
        ("../x", "", UsageError, "'../x' is not a name"),
        ("cgan", "", UsageError, "variant 'cgan' exists, from ganzoo: choose another name"),
        ("mine", "cgn", UnknownNameError, "did you mean 'cgan'"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    name: str, like: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        write_plugin(name, like, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ganzoo-mine").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="ganzoo-mine exists: name another folder with --out"):
        write_plugin("mine")
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot be written"):
        write_plugin("mine", out=tmp_path / "file" / "new")


def test_names_of_classes() -> None:
    assert [class_name(name) for name in ("my-gan", "fastgan", "3d-thing", "cool-net")] == [
        "MyGAN", "FastGAN", "GAN3dThing", "CoolNet"
    ]  # fmt: skip


def test_modules_are_renamed_and_their_imports_with_them() -> None:
    assert free_name("zoo.a.networks", {"variant"}) == "networks"
    assert free_name("zoo.a.networks", {"networks"}) == "a_networks"
    assert free_name("zoo.networks", {"networks"}) == "shared_networks"
    text = "from zoo.networks import (\n    A,\n)\nfrom torch import nn\nx = 'from zoo.networks import y'\n"
    modules = [Module("zoo.a.variant", "variant", text), Module("zoo.networks", "shared_networks", "A = 1\n")]
    found = rewritten(modules[0], modules, "mine")
    assert "from mine.shared_networks import (\n" in found
    assert "x = 'from zoo.networks import y'" in found
    ast.parse(found)
    for wrong in ("import zoo.networks", "from zoo import networks", "from . import x", "from .x import y"):
        with pytest.raises(UsageError, match="cannot be rewritten"):
            imported(wrong, "zoo")
    with pytest.raises(UsageError, match="not a module with a source file"):
        closure("ganzoo_zoo.cgan")
