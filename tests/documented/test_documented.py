"""Every code block and command of the documentation is run, in the order of its page; what is not has a reason here.

``make docs-run`` runs all pages; the usual tests run those that a newcomer reads first.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ganzoo.registry.registry import registry

from . import exceptions
from .materials import write_data, write_files
from .pages import Block, blocks, pages
from .runner import Page
from .short import short

FIRST = ("README.md", "docs/index.md", "docs/tutorials.md", "docs/faq.md")
CHOSEN = pages() if os.environ.get("GANZOO_DOCS") == "all" else FIRST


@pytest.fixture(scope="module", autouse=True)
def shortly(no_reports: Callable[..., Any]) -> Iterator[None]:
    """All is short here."""
    with short(no_reports):
        yield


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's own files, and a data folder."""
    folder = tmp_path_factory.mktemp("materials")
    (folder / "files").mkdir()
    write_files(folder / "files")
    write_data(folder / "data")
    return folder


@pytest.mark.parametrize("page", CHOSEN)
def test_the_page_does_what_it_says(
    page: str, materials: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(materials / "files", tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("GANZOO_DATA", str(materials / "data"))
    monkeypatch.setenv("COLUMNS", "130")  # as wide as the listings of the pages
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.startswith("ganzoo_m")]:  # plugins of other pages
        monkeypatch.delitem(sys.modules, name)
    reader = Page(tmp_path)
    failed = []
    for block in blocks(page):
        try:
            began = time.process_time()
            why = reader.run(block)
            print(f"{time.process_time() - began:6.2f}", block, "->", why)
        except AssertionError as error:
            failed.append(str(error))
    registry.cache_clear()
    assert not failed, "\n\n".join(failed)


def command_of(block: Block) -> str:
    """A command without its comment."""
    return block.text.partition(" #")[0].strip()


def everything() -> list[Block]:
    """All blocks of all pages."""
    return [block for page in pages() for block in blocks(page)]


def test_no_exception_is_stale() -> None:
    found = everything()
    commands = [block for block in found if block.kind == "command"]
    lines = {command_of(block): bool(block.shown) for block in commands}
    excepted = {**exceptions.NOT_RUN, **exceptions.NEEDS, **exceptions.FAILS}
    assert set(excepted) <= set(lines), f"no page has it: {set(excepted) - set(lines)}"
    for line in exceptions.NOT_COMPARED:
        assert lines.get(line), f"no page shows what it prints: {line}"
    for page, begins in exceptions.NOT_EXECUTED:
        assert any(b.page == page and b.text.startswith(begins) for b in found), f"{page} has no block {begins!r}"
    assert len(commands) > 250
    assert sum(command_of(block) in exceptions.NOT_RUN for block in commands) < 25
