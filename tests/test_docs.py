"""The documentation is held to the code: generated pages are fresh, commands exist, hooks and links are right."""

import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import click
import pytest

from ganzoo.cli import cli
from ganzoo.registry import hookspecs

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "plugins").rglob("card.md")])


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT / "docs"))  # as for a script: its neighbours are imported by their names
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "docs"))
    return module


@pytest.mark.parametrize("page", generator().PAGES)
def test_generated_pages_are_fresh(page: str) -> None:
    """`make docs` writes them anew."""
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    if page == "cli.md" and f"with click {'.'.join(metadata.version('click').split('.')[:2])}." not in written:
        pytest.skip("written with another version of click, which words its help differently")
    # In its own process: commands that a test's plugin has added must not show.
    code = "import runpy, sys; m = runpy.run_path(sys.argv[1]); sys.stdout.write(m['PAGES'][sys.argv[2]]())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "docs" / "generate.py"), page],
        capture_output=True, text=True, check=False, env={"GANZOO_PLUGINS": "0", "PATH": ""}, cwd=ROOT / "docs",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == written, f"docs/{page} is stale: run `make docs`"


def test_every_hook_is_documented_with_its_parameters() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    hooks = [n for n, h in vars(hookspecs).items() if n.startswith("ganzoo_") and inspect.isfunction(h)]
    assert len(hooks) == 14
    for name in hooks:
        hook = getattr(hookspecs, name)
        found = re.search(rf"`{name}\((.*?)\) ->", text)
        assert found, f"{name} is not documented"
        said = [part.split(":")[0].strip() for part in re.sub(r"\[.*?\]", "", found[1]).split(",") if part]
        assert said == list(inspect.signature(hook).parameters)
        assert inspect.getdoc(hook)


def commands() -> list[tuple[str, str]]:
    """Every command line of ganzoo in the documentation: (page, line)."""
    found = []
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            inline = re.findall(r"`(ganzoo [a-z]+ [^`]*)`", line) if not line.startswith("$ ") else []
            shown = [line[2:]] if line.startswith("$ ganzoo ") else []
            found += [(page.name, command.partition("#")[0].strip()) for command in [*shown, *inline]]
    return found


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 15


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_in_the_documentation_exist(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    if any(word.startswith("[") or "..." in word for word in words):
        words = [word for word in words if not word.startswith("[")][:2]  # a synopsis: only the command can be checked
    with click.Context(cli, info_name="ganzoo") as top:
        name, command, rest = cli.resolve_command(top, words)
        assert command is not None
        if isinstance(command, click.Group) and rest:
            with click.Context(command, info_name=name, parent=top) as middle:
                name, command, rest = command.resolve_command(middle, rest)
        assert command is not None
        # Options that do not exist, or lack their value, raise here; nothing is run.
        parser = command.make_parser(click.Context(command, info_name=name))
        parser.parse_args(args=list(rest))


def test_links_and_pictures_lead_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if page.name.endswith(".in.md"):
            continue
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            if not target.startswith(("http://", "https://")):
                assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_the_readme_begins_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.index("$ make demo") < text.index("$ make test") < text.index("## Use it")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:", makefile, re.M)
    assert re.search(r"^test:", makefile, re.M)


def test_the_listing_in_the_readme_is_what_is_printed() -> None:
    from ganzoo.cli.listing import describe
    from ganzoo.registry.registry import Registry

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    variants = Registry(third_party=False).variants
    for name in variants:
        row = describe(variants, name)
        words = [name, row["paper"], row["provider"], row["summary"]]
        pattern = r"\s+.*".join(re.escape(word) for word in words)
        assert re.search(rf"^{pattern}$", text, re.M), f"README.md shows an old line for {name}"


def test_every_error_is_in_the_drawn_tree() -> None:
    from ganzoo import errors

    names = [n for n, e in vars(errors).items() if inspect.isclass(e) and issubclass(e, errors.GanzooError)]
    assert len(names) > 10
    for name in names:
        assert re.search(rf"\b{name}\b", errors.__doc__ or ""), f"{name} is not in the tree of errors.py"
        assert getattr(errors, name).__doc__
