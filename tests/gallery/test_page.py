"""The gallery's page in a real browser: it draws, compares, takes images, and says what is wrong."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import Browser, needs_chromium
from .conftest import NAME, RUNS, opened

pytestmark = needs_chromium

SHOWN = """(() => {
  const i = document.querySelector('.answer img');
  if (i.hidden || !i.naturalWidth) return '';
  const canvas = Object.assign(document.createElement('canvas'), {width: i.naturalWidth, height: i.naturalHeight});
  canvas.getContext('2d').drawImage(i, 0, 0);
  return [...canvas.toDataURL()].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 4294967291, 7).toString();
})()"""
"""A number that the pixels of the picture make; empty without one."""


@pytest.fixture(scope="module")
def address(runs: Path) -> Iterator[str]:
    with opened(runs) as found:
        yield found


@pytest.fixture(scope="module")
def browser(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("browser"))
    yield found
    found.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Browser:
    """The page as it is first seen, with the run that has classes."""
    browser.resize(1280, 900, dark=False)
    browser.open("about:blank")
    browser.open(f"{address}#a=labelled")
    browser.until(SHOWN)
    browser.errors.clear()
    return browser


def changed(page: Browser, before: str) -> str:
    return str(page.until(f"{SHOWN} !== {before!r} && {SHOWN}"))


def test_sliders_seeds_and_classes_change_the_picture(page: Browser) -> None:
    shown = page.run(SHOWN)
    for selector, value in (
        ("#t", 0.5),
        ("#truncation", 0.2),
        ("#seed", 7),
        ("#class", "3"),
        ("#n", 16),
        ("#class", "all"),
    ):
        page.set(selector, value)
        shown = changed(page, shown)
    assert page.run("document.querySelector('.answer img').alt") == (
        "a row of each class, seeds 7 to 1 at 0.50 by labelled, generator"
    )
    assert page.errors == []


def test_an_arrow_key_moves_the_interpolation(page: Browser) -> None:
    shown = page.run(SHOWN)
    page.run("document.querySelector('#t').focus()")
    page.key("ArrowRight", 39)
    changed(page, shown)
    assert page.run("document.querySelector('#t').value") == "0.01"
    assert page.errors == []


def test_playing_moves_on_by_itself_and_stops(page: Browser) -> None:
    page.click("#play")
    page.until("Number(document.querySelector('#t').value) > 0.1")
    page.click("#play")
    assert page.run("document.querySelector('#play').textContent") == "Play"
    assert page.errors == []


def test_every_declared_setting_changes_the_picture(page: Browser) -> None:
    page.run("[...document.querySelectorAll('.run')].find(r => r.dataset.run === 'coded').click()")
    page.until("document.querySelectorAll('[data-knob]').length === 2")
    shown = page.until(SHOWN)
    for selector, value in (("[data-knob=code]", 2), ("[data-knob=turn]", 0.9), ("[data-knob=code]", 0)):
        page.set(selector, value)
        shown = changed(page, shown)
    page.set("[data-knob=code]", 99)
    assert "code" in page.until("(e => !e.hidden && e.textContent)(document.querySelector('.error'))")
    assert len(page.errors) == 1  # Chromium notes the refusal


def test_a_sound_is_heard_when_someone_asks_for_it(page: Browser) -> None:
    assert page.run("document.querySelector('.listen').hidden")
    page.run("[...document.querySelectorAll('.run')].find(r => r.dataset.run === 'waves').click()")
    page.until("!document.querySelector('.listen').hidden")
    page.click(".listen button")
    page.until("(a => !a.hidden && a.duration > 1)(document.querySelector('.listen audio'))")
    assert page.errors == []


def test_a_solid_is_turned(page: Browser) -> None:
    assert page.run("document.querySelector('#side-field').hidden")
    page.run("[...document.querySelectorAll('.run')].find(r => r.dataset.run === 'voxels').click()")
    page.until("!document.querySelector('#side-field').hidden")
    shown = page.until(SHOWN)
    page.set("#side", 1)
    changed(page, shown)
    assert page.run("document.querySelector('#side-said').textContent") == "2"
    assert page.errors == []


def test_two_checkpoints_side_by_side(page: Browser) -> None:
    page.click("#compare")
    both = "[...document.querySelectorAll('.answer img')].map(i => !i.hidden && i.naturalWidth > 0 && i.src)"
    page.until(f"{both}.length === 2 && {both}.every(Boolean)")
    assert page.run("[...document.querySelectorAll('.weights-choice')].map(s => s.value)") == [
        "generator.safetensors", "checkpoints/step-00000001.safetensors"
    ]  # fmt: skip
    before = page.run(both)
    page.set("#seed", 5)
    page.until(f"{both}.every((src, i) => src && src !== {before!r}[i])")
    page.reload()  # what is compared stands in the address
    page.until(f"document.querySelectorAll('.answer').length === 2 && {both}.every(Boolean)")
    assert page.errors == []


def test_all_runs_are_listed_with_their_state_and_names_are_only_text(page: Browser) -> None:
    listed = page.run(
        "Object.fromEntries([...document.querySelectorAll('.run')].map(r => [r.querySelector('.name').textContent,"
        "[r.querySelector('.status').textContent, r.querySelector('.reason').textContent, r.disabled]]))"
    )
    assert sorted(listed) == RUNS
    assert listed["labelled"] == ["finished", "", False]
    assert listed["started"] == ["interrupted", "stopped by SIGINT", True]
    assert listed["damaged"][0] == listed["broken"][0] == "damaged"
    assert "generator.safetensors" in listed["damaged"][1]
    shown = page.run(SHOWN)
    page.run(f"[...document.querySelectorAll('.run')].find(r => r.dataset.run === {f'deep/{NAME}'!r}).click()")
    changed(page, shown)
    assert page.run("document.querySelectorAll('img[src=x]').length") == 0
    assert page.run("document.querySelector('#class-field').hidden") is True
    assert page.errors == []


def test_a_new_run_appears_on_reload(page: Browser, runs: Path) -> None:
    count = page.run("document.querySelectorAll('.run').length")
    shutil.copytree(runs / "labelled", runs / "copied")
    try:
        page.click("#reload")
        page.until(f"document.querySelectorAll('.run').length === {count + 1}")
    finally:
        shutil.rmtree(runs / "copied")
    assert page.errors == []


def test_an_image_is_enlarged_and_a_bad_one_gets_a_message(page: Browser, uploads: Path) -> None:
    page.run("[...document.querySelectorAll('.run')].find(r => r.dataset.run === 'enlarger').click()")
    page.until("!document.querySelector('.translators-only').hidden")
    page.choose_file("#image", uploads / "good.png")
    page.until(SHOWN)
    size = "(i => [i.naturalWidth, i.naturalHeight])(document.querySelector('.answer img'))"
    assert page.run(size) == [80, 48]
    page.until("document.querySelector('.given img').naturalWidth === 20")
    assert page.errors == []
    error = "(e => !e.hidden && e.textContent)(document.querySelector('.error'))"
    page.choose_file("#image", uploads / "text.png")
    assert "not an image in one of the formats PNG, JPEG" in page.until(error)
    page.choose_file("#image", uploads / "large.png")
    assert "10000 x 10000 pixels" in page.until(f"{error}.includes('10000') && {error}")
    page.choose_file("#image", uploads / "good.png")
    page.until("document.querySelector('.error').hidden")
    assert all("status of 400" in each for each in page.errors)  # what Chromium says of an answer that is a refusal
    assert len(page.errors) == 2


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_is_wider_than_a_phone_and_text_can_be_read(page: Browser, dark: bool) -> None:
    page.click("#compare")
    page.resize(375, 812, dark)
    page.until("document.documentElement.clientWidth === 375")
    assert page.run("document.documentElement.scrollWidth") == 375
    background, ink = page.run("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
    assert contrast(background, ink) > 7
    soft = page.run("getComputedStyle(document.querySelector('.about')).color")
    assert contrast(background, soft) > 4.5
    assert (
        page.run("[...document.querySelectorAll('img')].filter(i => !i.hidden && !i.hasAttribute('alt')).length") == 0
    )
    fields = "[...document.querySelectorAll('input, select')]"
    unnamed = f"{fields}.filter(f => !f.labels.length && !f.ariaLabel).map(f => f.outerHTML)"
    assert page.run(unnamed) == []
    assert page.errors == []


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2 between two colours such as ``rgb(1, 2, 3)``."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
