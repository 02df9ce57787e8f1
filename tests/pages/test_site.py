"""The documentation as a site: built with warnings as errors, and as a browser shows it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ganzoo.registry.registry import Registry

from .chromium import Chromium

ROOT = Path(__file__).parents[2]
VARIANTS = Registry(third_party=False).variants.names()
PHONE = 390


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    folder = tmp_path_factory.mktemp("built") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "GANZOO_PLUGINS": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def page(site: Path, name: str) -> str:
    return (site / name / "index.html").read_text(encoding="utf-8")


def test_every_page_is_there_and_loads_nothing_from_elsewhere(site: Path) -> None:
    assert "Its own settings" in page(site, "variants/cgan")
    assert "ganzoo_variants" in page(site, "plugin-interface")
    for file in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', file.read_text(encoding="utf-8"))
        assert not loaded, f"{file.name} loads {loaded[0]}"


@pytest.mark.parametrize("name", VARIANTS)
def test_the_page_of_a_variant_has_formula_figure_and_samples(name: str, site: Path) -> None:
    text = page(site, f"variants/{name}")
    assert re.search(r'<div class="formula"><math.+?</math></div>', text, re.S), "a ```math block in its card"
    figures = re.findall(r'<svg [^>]*class="anatomy".+?</svg>', text, re.S)
    assert len(figures) == 1
    assert ">generator</text>" in figures[0] or ">a2b</text>" in figures[0]
    assert re.search(r'<img [^>]*src="[^"]*images/', text), "a picture in its card"


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of requests."""

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def shown(site: Path, browser: Chromium) -> Iterator[str]:
    browser.call("Network.disable")  # it complains of every address that is no file, and this one is our own
    browser.errors.clear()
    with served(site) as address:
        yield address
    browser.call("Network.enable")


def test_pages_fit_a_phone(shown: str, browser: Chromium) -> None:
    browser.resize(PHONE, 900)
    for name in ("variants/lapgan", "variants", "results"):
        browser.open(f"{shown}{name}/")
        assert browser.overflow() <= 0, name
    assert browser.errors == []


COLUMN = "Array.from(document.querySelectorAll('{table} tbody tr'), (row) => row.cells[{column}].textContent.trim())"


def test_tables_are_sorted_by_mouse_and_by_keyboard(shown: str, browser: Chromium) -> None:
    browser.resize(1200, 900, False)
    browser.open(f"{shown}defaults/")
    # One with a training that failed, which has no number.
    tables = "Array.from(document.querySelectorAll('article table'))"
    browser.run(f"{tables}.find((table) => table.textContent.includes('– (')).id = 'failed'")
    column = COLUMN.format(table="#failed", column=1)
    before = browser.run(column)
    heads = "Array.from(document.querySelectorAll('#failed th'), (head) => head.getAttribute('aria-sort'))"
    assert browser.run(heads) == ["none"] * 5

    browser.run("document.querySelector('#failed th:nth-child(2) button').click()")
    assert browser.run(heads) == ["none", "ascending", "none", "none", "none"]
    up = browser.run(column)
    assert up[-1].startswith("–"), "no number comes last"
    numbers = [float(text.replace(",", "")) for text in up[:-1]]
    assert numbers == sorted(numbers)
    assert sorted(up) == sorted(before)

    browser.run("document.querySelector('#failed th:nth-child(2) button').focus()")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", windowsVirtualKeyCode=32, text=" ")
    browser.call("Input.dispatchKeyEvent", type="keyUp", key=" ", code="Space", windowsVirtualKeyCode=32)
    down = browser.run(column)
    assert down == [*reversed(up[:-1]), up[-1]]
    assert browser.run(heads)[1] == "descending"

    browser.run("document.querySelector('#failed th:nth-child(3) button').click()")
    images = [int(text.replace(",", "")) for text in browser.run(COLUMN.format(table="#failed", column=2)) if text]
    assert images == sorted(images)
    assert browser.run(heads) == ["none", "none", "ascending", "none", "none"]


@pytest.mark.parametrize(
    ("cells", "ordered"),
    [
        (["12.4 ± 0.3", "9.1 ± 2", "– (failed)", "100", "-3"], ["-3", "9.1 ± 2", "12.4 ± 0.3", "100", "– (failed)"]),
        (["1,234", "98.9 %", "12,000", ""], ["98.9 %", "1,234", "12,000", ""]),
        (["wgan-gp", "3dgan", "cgan", "–"], ["3dgan", "cgan", "wgan-gp", "–"]),
        (["2026-11-30", "2026-02-01", "2025-12-31"], ["2025-12-31", "2026-02-01", "2026-11-30"]),
        (["1e-3", "5e-4", "0.01"], ["5e-4", "1e-3", "0.01"]),
    ],
)
def test_numbers_are_sorted_as_numbers(cells: list[str], ordered: list[str], browser: Chromium, tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>{cell}</td></tr>" for cell in cells)
    script = (ROOT / "docs" / "look" / "tables.js").read_text(encoding="utf-8")
    table = f"<table><thead><tr><th>it</th></tr></thead><tbody>{rows}</tbody></table>"
    (tmp_path / "page.html").write_text(
        f"<meta charset=utf-8><article>{table}</article><script>{script}</script>", encoding="utf-8"
    )
    browser.show(tmp_path / "page.html")
    browser.run("document.querySelector('th button').click()")
    assert browser.run(COLUMN.format(table="table", column=0)) == ordered
