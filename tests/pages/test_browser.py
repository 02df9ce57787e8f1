"""The pages as a browser shows them: no complaints, nothing wider than a phone, and what can be moved moves."""

from pathlib import Path

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.bench import page, table
from ganzoo.bench.suite import read
from ganzoo.report.page import write_report

from .chromium import Chromium

PHONE = 375
SHOWN = "document.querySelector('.film figure.on img').src"
SUITE = """
about = "a <b>test</b>"
seeds = [0, 1, 2]
datasets = ["ring"]
metrics = ["modes-2500"]
budget = { images = 640 }
[[entries]]
variant = "vanilla"
[[entries]]
variant = "wgan-gp"
label = "a label that is much longer than the screen of a phone is wide"
"""


@pytest.fixture(scope="module")
def translated(folder: Path, reports: None) -> Path:
    """The report of a network that enlarges images."""
    photos = folder / "photos"
    photos.mkdir()
    for i in range(4):
        noise = torch.randint(0, 256, (96, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(i))
        Image.fromarray(noise.numpy()).save(photos / f"{i}.png")
    run = ganzoo.train(
        "srgan", f"folder:{photos}", out=folder / "sr", steps=3, pretrain_steps=2, width=8, blocks=1, batch_size=2,
        content="mse", device="cpu", metrics="",
    )  # fmt: skip
    return run.path / "report.html"


@pytest.fixture(scope="module")
def suite(folder: Path) -> Path:
    """The page of a suite."""
    (folder / "mine.toml").write_text(SUITE, encoding="utf-8")
    found = read(folder / "mine.toml")
    rows = [table.Row(job.label, job.variant, "ring", [0, 1, 2]) for job in found.jobs if job.seed == 0]
    for i, row in enumerate(rows):
        row.final["modes-2500"] = table.Value({0: 3.0 + i, 1: 4.0 + i, 2: 3.5 + i})
    page.write(folder, found, rows)
    return folder / "index.html"


@pytest.fixture(scope="module")
def several(folder: Path, digits: Path, points: Path) -> Path:
    return write_report([digits, points], folder / "both.html")


@pytest.mark.parametrize("name", ["digits", "points", "several", "translated", "suite"])
def test_a_page_fits_every_width_in_both_themes(name: str, browser: Chromium, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(name)
    path = path / "report.html" if path.is_dir() else path
    browser.errors.clear()
    papers = set()
    for dark in (False, True):
        for width in (PHONE, 800, 1400):
            browser.show(path, width, dark)
            browser.run("document.querySelectorAll('details').forEach((each) => each.open = true)")
            assert browser.overflow() <= 0, f"{name} at {width} pixels"
            broken = "Array.from(document.images).filter((i) => i.naturalWidth === 0).map((i) => i.alt)"
            assert browser.run(broken) == []
        papers.add(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2, "two themes"
    assert browser.errors == []


def test_text_in_charts_can_be_read_on_a_phone(digits: Path, browser: Chromium) -> None:
    browser.show(digits / "report.html", PHONE)
    heights = browser.run(
        "Array.from(document.querySelectorAll('svg text')).map((t) => t.getBoundingClientRect().height)"
        ".filter((height) => height > 0)"
    )
    assert len(heights) > 10
    assert min(heights) >= 9, "pixels"


def test_the_slider_moves_through_the_training_by_keyboard(digits: Path, browser: Chromium) -> None:
    browser.errors.clear()
    browser.show(digits / "report.html")
    seen = [browser.run(SHOWN)]
    browser.run("document.querySelector('.film input').focus()")
    for _ in range(2):
        browser.press("ArrowLeft")
        seen.append(browser.run(SHOWN))
    assert len(set(seen)) == 3, "three moments"
    assert "step 4" in browser.run("document.querySelector('.film input').getAttribute('aria-valuetext')")
    assert "step 4," in browser.run("document.querySelector('.film figure.on figcaption').textContent")
    browser.press("End")
    assert browser.run(SHOWN) == seen[0]
    assert browser.errors == []


def test_play_runs_to_the_end(digits: Path, browser: Chromium) -> None:
    browser.show(digits / "report.html")
    last = browser.run(SHOWN)
    browser.run("document.querySelector('.film button').click()")
    assert browser.run(SHOWN) != last, "it begins at the beginning"
    browser.until(f"{SHOWN} === {last!r} && document.querySelector('.film button').textContent === 'Play'")


def test_the_sliders_of_several_runs_move_together(several: Path, browser: Chromium) -> None:
    browser.show(several)
    places = "Array.from(document.querySelectorAll('.film input')).map((input) => Number(input.value))"
    assert browser.run(places) == [2, 2]
    browser.run("document.querySelector('.film input').focus()")
    browser.press("Home")
    assert browser.run(places) == [0, 0]


def test_the_zoom_of_a_row_moves_together(translated: Path, browser: Chromium) -> None:
    browser.errors.clear()
    browser.show(translated)
    scale = (
        "Array.from(document.querySelectorAll('.pair:first-child img'))"
        ".map((image) => getComputedStyle(image).transform + getComputedStyle(image).transformOrigin)"
    )
    assert {each.split("(")[0][:4] for each in browser.run(scale)} == {"none"}
    box = browser.run(
        "(() => { const b = document.querySelector('.pane').getBoundingClientRect(); return [b.x, b.y]; })()"
    )
    seen = []
    for place in (20, 120):
        browser.point(box[0] + place, box[1] + place)
        found = set(browser.run(scale))
        assert len(found) == 1, "every picture of the row shows the same place"
        seen += found
    assert seen[0] != seen[1]
    assert "matrix(3.5" in seen[0]
    browser.point(5, 5)
    assert {each[:4] for each in browser.run(scale)} == {"none"}
    browser.run("document.querySelector('.pair').focus()")
    browser.press("ArrowRight")
    assert "matrix(3.5" in browser.run(scale)[0]
    browser.press("Escape")
    assert browser.run(scale)[0].startswith("none")
    assert browser.errors == []


def test_without_scripts_every_moment_is_there(digits: Path, browser: Chromium) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.show(digits / "report.html")
        seen = "Array.from(document.querySelectorAll('.film figure')).filter((f) => f.offsetParent !== null).length"
        assert browser.run(seen) == 3
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_html_in_names_runs_nothing(digits: Path, tmp_path: Path, browser: Chromium) -> None:
    import shutil

    run = tmp_path / "<img src=x onerror='window.ran=1'><script>window.ran=1<∕script>"
    shutil.copytree(digits, run)
    browser.errors.clear()
    browser.show(write_report([run, digits], tmp_path / "a.html"))
    assert browser.run("window.ran === undefined")
    assert "<img src=x" in browser.run("document.querySelector('.side h3').textContent")
    assert browser.errors == []
