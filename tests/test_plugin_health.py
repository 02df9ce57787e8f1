"""Plugins that misbehave: each is named for what it does, and costs no one else anything.

Each test writes distributions as pip would leave them (a module and its ``.dist-info``) and runs ``ganzoo`` over them.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from ganzoo.errors import PluginError
from ganzoo.registry.checks import check_spec
from ganzoo.registry.registry import Catalogue, Plugin, Registry
from ganzoo.registry.specs import DatasetSpec, LossSpec, MetricSpec, VariantSpec

HEAD = """
from ganzoo import hookimpl
from ganzoo.registry.specs import LossSpec, VariantSpec
"""

GOOD = """
@hookimpl
def ganzoo_variants():
    return [VariantSpec(name="good-gan", load="nowhere:Nothing", summary="listed whatever the others do")]
"""


@dataclass
class Site:
    """A folder of distributions, and ``ganzoo`` run with it on the path."""

    folder: Path
    cli: Callable[..., subprocess.CompletedProcess[str]]

    def add(self, name: str, source: str, *, head: str = HEAD, entry: str = "", version: str = "1.0") -> None:
        """A distribution with one module; ``entry`` is the whole of entry_points.txt when it is to be odd."""
        module = name.replace("-", "_")
        (self.folder / f"{module}.py").write_text(head + dedent(source), encoding="utf-8")
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text(entry or f"[ganzoo]\n{name} = {module}\n", encoding="utf-8")
        (info / "RECORD").write_text("", encoding="utf-8")

    def run(self, *words: object, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        return self.cli(*words, code=code, env={"PYTHONPATH": str(self.folder)})

    def plugins(self) -> dict[str, dict[str, Any]]:
        """``ganzoo plugins --json``, by name."""
        return {p["name"]: p for p in json.loads(self.run("plugins", "--json").stdout)["plugins"]}

    def variants(self) -> list[str]:
        return [row["name"] for row in json.loads(self.run("list", "--json").stdout)]


@pytest.fixture
def site(tmp_path, ganzoo_cli):
    """A site with one plugin that is in order."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = Site(folder, ganzoo_cli)
    made.add("good", GOOD)
    return made


def test_good_alone(site):
    done = site.run("list")
    assert "good-gan" in done.stdout
    assert done.stderr == "", "nothing to complain about"
    assert site.plugins()["good"]["provides"] == {"variant": ["good-gan"]}


BROKEN = {
    "raises": ("raise RuntimeError('no luck\\ntoday')", "RuntimeError: no luck today"),
    "missing module": ("import there_is_no_such_module", "ModuleNotFoundError: No module named 'there_is_no_such"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "syntax": ("def f(:", "SyntaxError"),
    "hook raises": ("@hookimpl\ndef ganzoo_variants():\n    raise KeyError('x')", "KeyError: 'x'"),
    "hook fails half-way": (
        "@hookimpl\ndef ganzoo_variants():\n"
        "    yield VariantSpec(name='half', load='a:b', summary='')\n    raise KeyError('x')",
        "KeyError: 'x'",
    ),
    "no list": (
        "@hookimpl\ndef ganzoo_variants():\n    pass",
        "ganzoo_variants returned None; it must return a list of",
    ),
    "one spec, no list": (
        "@hookimpl\ndef ganzoo_variants():\n    return VariantSpec(name='x', load='a:b', summary='')",
        "it must return a list of VariantSpec",
    ),
    "another kind": (
        "@hookimpl\ndef ganzoo_variants():\n    return [LossSpec(name='x', load='a:b', summary='')]",
        "it must hold VariantSpec objects",
    ),
    "same name twice": (
        "@hookimpl\ndef ganzoo_losses():\n    return 2 * [LossSpec(name='x', load='a:b', summary='')]",
        "ganzoo_losses returned two specs with the name 'x'",
    ),
    "misspelt hook": ("@hookimpl\ndef ganzoo_variant():\n    return []", "no such hook: ganzoo_variant."),
    "misspelt prefix": ("@hookimpl\ndef ganzo_variants():\n    return []", "unknown hook 'ganzo_variants'"),
    "no mark": ("def ganzoo_variants():\n    return []", "ganzoo_variants: not marked with @ganzoo.hookimpl"),
    "no hook": ("x = 1", "it implements no hook"),
    "unknown argument": ("@hookimpl\ndef ganzoo_run_started(run, luck):\n    pass", "{'luck'}"),
    # Its first hook is in order: nothing of it may stay behind to be called in a training.
    "half unknown": (
        "@hookimpl\ndef ganzoo_losses():\n    return []\n@hookimpl\ndef ganzoo_step_logged(step):\n    pass",
        "{'step'}",
    ),
    "wrapper": ("@hookimpl(wrapper=True)\ndef ganzoo_run_started(run):\n    yield", "wrappers of hooks are not called"),
    "bad name": (
        "@hookimpl\ndef ganzoo_variants():\n    return [VariantSpec(name='My GAN', load='a:b', summary='')]",
        "variant name 'My GAN': use lower case",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken(site, case):
    source, reason = BROKEN[case]
    site.add("bad", source)
    done = site.run("list", "--json")
    names = {row["name"] for row in json.loads(done.stdout)}
    assert "good-gan" in names, "the others are listed"
    assert not names & {"half", "x", "My GAN"}, "nothing of a broken plugin is"
    assert "plugin 'bad' of bad is broken" in done.stderr
    assert reason in done.stderr
    found = site.plugins()
    assert found["bad"]["status"] == "broken"
    assert reason in found["bad"]["reason"]
    assert found["bad"]["provides"] == {}
    assert found["good"]["status"] != "broken"


def test_an_unknown_name_says_that_a_broken_plugin_may_have_brought_it(site):
    site.add("bad", "raise RuntimeError('no luck')")
    done = site.run("train", "bad-gan", code=2)
    assert "unknown variant 'bad-gan'" in done.stderr
    assert "Broken plugins may have brought it: 'bad' of bad" in done.stderr
    site.folder.joinpath("bad.py").write_text(HEAD + GOOD.replace("good-gan", "other-gan"), encoding="utf-8")
    assert "Broken" not in site.run("train", "bad-gan", code=2).stderr


def test_broken_is_shown_in_the_table(site):
    site.add("bad", "raise RuntimeError('no luck')")
    line = next(line for line in site.run("plugins").stdout.splitlines() if line.startswith("bad "))
    assert line.split() == ["bad", "bad", "1.0", "broken", "RuntimeError:", "no", "luck"]


def test_odd_entry_points(site):
    site.add("no-module", "", entry="[ganzoo]\nx = not_installed_module\n")
    site.add("no-attribute", "", entry="[ganzoo]\ny = no_attribute:missing\n")
    site.add("no-name", "", entry="[ganzoo]\nz = ???\n")
    site.add("twice", GOOD.replace("good-gan", "one-gan"), entry="[ganzoo]\none = twice\ntwo = twice\n")
    found = site.plugins()
    assert {name: found[name]["status"] for name in "xyz"} == dict.fromkeys("xyz", "broken")
    assert found["two"]["reason"] == "PluginError: twice is registered already, by plugin 'one'"
    assert {"good-gan", "one-gan"} <= set(site.variants())


@pytest.mark.parametrize("damage", ["entry points", "metadata"])
def test_damaged_distribution(site, damage):
    """A half-written installation, as a full disk or a killed pip leaves it."""
    site.add("damaged", GOOD.replace("good-gan", "damaged-gan"))
    info = site.folder / "damaged-1.0.dist-info"
    if damage == "metadata":
        (info / "METADATA").write_text("", encoding="utf-8")
    else:
        (info / "entry_points.txt").write_text("[ganzoo]\nthis is not an entry point\n", encoding="utf-8")
    names = site.variants()
    assert "good-gan" in names
    assert len(names) >= 2, "first-party variants are there"


def test_plugin_that_prints_does_not_spoil_json(site):
    site.add("loud", "print('hello from loud')\n" + GOOD.replace("good-gan", "loud-gan"))
    done = site.run("list", "--json")
    assert "loud-gan" in {row["name"] for row in json.loads(done.stdout)}
    assert "hello from loud" in done.stderr


def test_slow(site):
    """Two plugins import torch at their top; the second finds it imported already, and is named all the same."""
    site.add("slow-a", "import torch\n" + GOOD.replace("good-gan", "a-gan"))
    site.add("slow-b", "from torch import nn\n" + GOOD.replace("good-gan", "b-gan"))
    found = site.plugins()
    for name in ("slow-a", "slow-b"):
        assert found[name]["status"] == "slow"
        assert "torch" in found[name]["reason"]
        assert "at its top" in found[name]["reason"]
    assert "torch" not in found["good"]["reason"]
    done = site.run("list", "--json")
    assert {"a-gan", "b-gan", "good-gan"} <= {row["name"] for row in json.loads(done.stdout)}
    assert done.stderr == "", "slow is not broken"


def test_variant_that_cannot_be_loaded(site):
    """The spec is fine, what it names is not: listed, and a clear error when it is requested."""
    for words in (("train", "good-gan"), ("info", "good-gan"), ("check", "good-gan")):
        done = site.run(*words, code=1)
        assert "variant 'good-gan' of good 1.0 cannot be loaded from 'nowhere:Nothing'" in done.stderr
        assert "No module named 'nowhere'" in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(site.folder.parent.glob("runs*")), "no half-written run directory"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("good:Missing", "has no attribute 'Missing'"),
        ("exits:X", "SystemExit: 0"),
        ("good:GANZOO", "is not a subclass"),
    ],
)
def test_bad_target(site, target, reason):
    site.add("exits", "raise SystemExit(0)", entry="[other]\n")
    with open(site.folder / "good.py", "a", encoding="utf-8") as file:
        file.write("GANZOO = 1\n")
    site.add("bad", GOOD.replace("good-gan", "bad-gan").replace("nowhere:Nothing", target))
    done = site.run("info", "bad-gan", code=1)
    assert reason in done.stderr
    assert "variant 'bad-gan'" in done.stderr


def test_duplicates(site):
    """Two third-party plugins, and one that takes a first-party name."""
    ours = next(n for n in site.variants() if n != "good-gan")
    site.add("other", GOOD.replace("listed whatever", "another"), version="2.5")
    site.add("greedy", GOOD.replace("good-gan", ours))
    done = site.run("info", "good-gan", code=1)
    assert "variant 'good-gan' is offered by good 1.0 (plugin 'good') and other 2.5 (plugin 'other')" in done.stderr
    assert "uninstall one of them" in done.stderr
    done = site.run("train", ours, "--dry-run", code=1)
    assert "(plugin 'greedy')" in done.stderr
    assert "uninstall greedy" in done.stderr, "no one is told to uninstall ganzoo"
    listed = site.run("list")
    assert listed.stdout.count("CONFLICT") == 2
    assert listed.stderr.count("is offered by") == 2
    assert len(json.loads(site.run("plugins", "--json").stdout)["conflicts"]) == 2
    # The others are not touched, and without third-party plugins neither is the first-party one.
    rest = [n for n in site.variants() if n not in ("good-gan", ours)]
    site.run("info", rest[0])
    site.cli("info", ours, env={"PYTHONPATH": str(site.folder), "GANZOO_PLUGINS": "0"})


def test_same_name_in_two_kinds_is_no_conflict(site):
    site.add(
        "other", "@hookimpl\ndef ganzoo_losses():\n    return [LossSpec(name='good-gan', load='a:b', summary='')]\n"
    )
    assert site.run("list").stderr == ""
    assert "good-gan" in site.run("list", "losses").stdout


LISTENER = """
@hookimpl
def ganzoo_step_logged(run, record):
    with open("calls.txt", "a") as file:
        file.write(f"{record['step']}\\n")
    if record["step"] == 2:
        raise ERROR

@hookimpl
def ganzoo_run_finished(run, status):
    with open("calls.txt", "a") as file:
        file.write(f"{status}\\n")
"""


def test_lifecycle_hook_that_raises(site, tmp_path):
    """A logger must not cost a training: warned about once, not called again, and the run ends well."""
    variant = next(n for n in site.variants() if n != "good-gan")
    site.add("bad-logger", LISTENER.replace("ERROR", "SystemExit('disk on fire')"))
    site.add("good-logger", LISTENER.replace("calls.txt", "good.txt").replace("raise ERROR", "pass"))
    settings = ["-o", "log_every=1", "-o", "width=4", "-o", "resolution=16", "--batch-size", 8, "--steps", 4]
    done = site.run("train", variant, *settings, "--device", "cpu", "--out", "run")
    assert done.stderr.count("raised in ganzoo_step_logged and is not called again") == 1
    assert "plugin 'bad-logger' of bad-logger" in done.stderr
    assert "disk on fire" in done.stderr
    assert (tmp_path / "calls.txt").read_text(encoding="utf-8").split() == ["1", "2"]
    assert (tmp_path / "good.txt").read_text(encoding="utf-8").split() == ["1", "2", "3", "4", "finished"]
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["status"] == "finished"


COMMAND = """
import click

@click.command("NAME")
def extra():
    "Say something."
    click.echo("something")

@hookimpl
def ganzoo_commands(cli):
    cli.add_command(extra)
"""


def test_command_of_a_plugin(site):
    site.add("extra", COMMAND.replace("NAME", "say"))
    assert site.run("say").stdout == "something\n"
    assert "Say something." in site.run("--help").stdout
    assert site.plugins()["extra"]["status"] != "broken"


@pytest.mark.parametrize(
    ("case", "source", "reason"),
    [
        ("takes ours", COMMAND.replace("NAME", "train"), "command train exists already"),
        ("takes another's", COMMAND.replace("NAME", "say"), "command say exists already"),
        ("removes", "@hookimpl\ndef ganzoo_commands(cli):\n    cli.commands.clear()", "it removed the command say"),
        ("raises", "@hookimpl\ndef ganzoo_commands(cli):\n    raise KeyError('x')", "KeyError: 'x'"),
        ("exits", "@hookimpl\ndef ganzoo_commands(cli):\n    raise SystemExit(0)", "SystemExit: 0"),
        ("no command", "@hookimpl\ndef ganzoo_commands(cli):\n    cli.commands['z'] = 1", "'z' is not a click.Command"),
    ],
)
def test_command_that_cannot_be_added(site, case, source, reason):
    site.add("extra", COMMAND.replace("NAME", "say"))
    site.add("greedy", source)
    done = site.run("--help")
    assert "plugin 'greedy' of greedy adds no command" in done.stderr
    assert reason in done.stderr
    assert "Say something." in done.stdout, "the other plugin's command is there"
    assert site.run("say").stdout == "something\n"
    assert "--batch-size" in site.run("train", "--help").stdout, "ours is still ours"
    found = site.plugins()
    assert found["greedy"]["status"] == "broken"
    assert reason in found["greedy"]["reason"]
    assert found["extra"]["status"] != "broken"


def test_doctor_names_a_broken_plugin(site):
    site.add("bad", "raise RuntimeError('no luck')")
    checks = {row["check"]: row for row in json.loads(site.run("doctor", "--json", code=1).stdout)}
    assert checks["plugin bad"] == {"check": "plugin bad", "status": "wrong", "detail": "RuntimeError: no luck"}


# Specs that are wrong in themselves


SPECS: list[tuple[Any, str]] = [
    (VariantSpec(name="", load="a:b", summary=""), "variant name ''"),
    (VariantSpec(name="a--b", load="a:b", summary=""), "variant name 'a--b'"),
    (VariantSpec(name="Gan", load="a:b", summary=""), "use lower case letters"),
    (DatasetSpec(name="a:b", load="a:b", summary=""), "dataset name 'a:b'"),
    (DatasetSpec(name="../x", load="a:b", summary=""), "dataset name '../x'"),
    (LossSpec(name=7, load="a:b", summary=""), "name = 7"),  # type: ignore[arg-type]
    (LossSpec(name="x", load="a.b", summary=""), "write it as 'package.module:attribute'"),
    (LossSpec(name="x", load="a:", summary=""), "load = 'a:'"),
    (LossSpec(name="x", load="a b:c", summary=""), "load = 'a b:c'"),
    (LossSpec(name="x", load="a:b", summary="two\nlines"), "must be one line of text"),
    (LossSpec(name="x", load="a:b", summary="", paper=None), "paper = None"),  # type: ignore[arg-type]
    (VariantSpec(name="x", load="a:b", summary="", needs="labels"), "must be a tuple"),  # type: ignore[arg-type]
    (VariantSpec(name="x", load="a:b", summary="", models="images"), "must be a tuple"),  # type: ignore[arg-type]
    (DatasetSpec(name="x", load="a:b", summary="", argument="file"), "must be one of none, path, text"),  # type: ignore[arg-type]
    (MetricSpec(name="x", load="a:b", summary="", better="bigger"), "must be one of lower, higher"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("spec", "reason"), SPECS, ids=[reason for _, reason in SPECS])
def test_wrong_spec(spec, reason):
    with pytest.raises(PluginError) as caught:
        check_spec(spec)
    assert reason in str(caught.value)
    assert spec.kind in str(caught.value)


@pytest.mark.parametrize("name", ["gan", "wgan-gp", "pix2pix", "fid-10k", "3d-gan"])
def test_right_spec(name):
    check_spec(MetricSpec(name=name, load="a.b_c:D.e", summary="fine", of="points", count=5))


def test_registered_specs_are_right():
    zoo = Registry(third_party=False)
    assert zoo.plugins
    assert [p.reason for p in zoo.plugins if p.status == "broken"] == []
    assert all(zoo.catalogues()[kind] for kind in ("variants", "datasets", "losses"))


def test_conflict_of_one_distribution_with_itself():
    catalogue: Catalogue[LossSpec] = Catalogue("loss", LossSpec)
    for plugin in ("a", "b"):
        catalogue.add(LossSpec(name="x", load="a:b", summary=""), Plugin(plugin, plugin, "dist", "1.0"))
    reason = catalogue.conflict("x")
    assert "dist 1.0 (plugin 'a') and dist 1.0 (plugin 'b')" in reason
    assert "uninstall dist" in reason
