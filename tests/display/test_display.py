"""What is shown of a training: which display is chosen, what it draws, and that it never ends a training."""

import fcntl
import io
import math
import os
import re
import struct
import sys
import termios
import threading
import time
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

import ganzoo
from ganzoo.cli import main
from ganzoo.display.choose import choose
from ganzoo.display.course import MOST_POINTS, Series, in_buckets
from ganzoo.display.lines import TrainingLines
from ganzoo.display.notebook import in_notebook
from ganzoo.display.panel import TrainingPanel
from ganzoo.display.preview import preview
from ganzoo.display.sparkline import sparkline
from ganzoo.errors import ConfigError
from ganzoo.registry.registry import registry

TINY = {"batch_size": 4, "width": 4, "device": "cpu", "log_every": 1, "metrics": "", "diagnostics": False}


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a good terminal; tests take away from it."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES", "GANZOO_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


class Terminal:
    """A pseudo-terminal: ``stream`` writes to it, ``said`` is what came out."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self._parts: list[bytes] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                self._parts.append(os.read(self.master, 65536))
            except OSError:
                return

    @property
    def said(self) -> str:
        return b"".join(self._parts).decode(errors="replace")

    def close(self) -> None:
        """As when a window is closed: what is written from now on fails."""
        master, self.master = self.master, -1
        os.close(master)


@contextmanager
def opened(columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    found = Terminal(columns, rows)
    try:
        yield found
    finally:
        found.stream.close()
        if found.master >= 0:
            found._reader.join(5)
            os.close(found.master)


def train(display: Any, out: Path, **settings: Any) -> Any:
    registry().attach(display, "display", may_fail=True)
    try:
        with display, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return ganzoo.train("dcgan", "glyphs", out=out, display="none", **{**TINY, **settings})
    finally:
        registry().detach(display)


@pytest.mark.parametrize(
    ("kind", "environment", "found"),
    [
        ("auto", {}, "panel with samples"),
        ("auto", {"COLORTERM": ""}, "panel"),
        ("auto", {"NO_COLOR": "1"}, "lines"),
        ("auto", {"TERM": "dumb"}, "lines"),
        ("auto", {"TTY_COMPATIBLE": "0"}, "lines"),
        ("panel", {}, "panel"),
        ("panel", {"NO_COLOR": "1"}, "panel"),
        ("pictures", {"COLORTERM": ""}, "panel with samples"),
        ("panel", {"TERM": "dumb"}, "lines, and why"),
        ("lines", {}, "lines"),
        ("none", {}, "nothing"),
    ],
)
def test_the_terminal_and_the_user_choose(kind, environment, found, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    with opened() as terminal:
        assert described(choose(kind, terminal.stream, said.append), said) == found


def described(display: Any, said: list[str]) -> str:
    if display is None:
        return "nothing"
    if isinstance(display, TrainingPanel):
        return "panel with samples" if display.pictures else "panel"
    assert isinstance(display, TrainingLines)
    return "lines, and why" if said else "lines"


def test_a_pipe_gets_lines_even_where_colours_are_forced(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    for kind in ("auto", "pictures"):
        assert isinstance(choose(kind, io.StringIO(), lambda text: None), TrainingLines)


def test_a_terminal_of_another_encoding_gets_lines():
    with opened() as terminal, os.fdopen(os.dup(terminal.stream.fileno()), "w", encoding="ascii") as stream:
        assert isinstance(choose("auto", stream, lambda text: None), TrainingLines)


def test_sparklines_show_the_course():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([1, 1, 1], 8) == "▅▅▅"
    assert sparkline([math.nan, 1, math.inf, 2], 8) == "·▁·█"
    assert sparkline([math.nan], 8) == "·"
    assert sparkline([], 8) == ""
    assert len(sparkline(list(range(1000)), 30)) == 30
    assert sparkline([-1e308, 1e308], 5) == "▅▅"  # their difference is infinite
    assert set(sparkline([1000.0, *[1.0, 2.0] * 20], 50)[1:]) == {"▁", "█"}  # the first value flattens nothing


def test_a_long_course_keeps_its_shape_in_little_memory():
    series = Series()
    for i in range(100_000):
        series.add(i)
    assert len(series.values) < MOST_POINTS
    assert series.values == sorted(series.values)
    assert series.values[0] < 200
    assert series.values[-1] > 99_000
    assert in_buckets([1.0, 2.0, 3.0, 4.0], 2) == [1.5, 3.5]


def grid_file(path: Path, shape: tuple[int, int, int], columns: int, rows: int, mode: str = "RGB") -> Path:
    size = columns * (shape[2] + 2) + 2, rows * (shape[1] + 2) + 2
    Image.new(mode, size, 200).save(path) if mode == "L" else Image.effect_noise(size, 80).convert(mode).save(path)
    return path


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 64), (4, 4, 4), (3, 16, 200), (1, 200, 8), (2,)])
def test_previews_fit_whatever_is_shown(shape, tmp_path):
    shown, side = (shape, 8) if len(shape) == 3 else ((3, 300, 400), 1)  # points are drawn as one picture
    file = grid_file(tmp_path / "grid.png", shown, side, side, {1: "L", 4: "RGBA"}.get(shown[0], "RGB"))
    for columns in (1, 2, 5, 13, 76, 116):
        for rows in (1, 2, 4, 9, 16):
            found = preview(file, shape, columns, rows)
            assert 1 <= found.width <= columns
            assert 1 <= found.rows <= rows
            lines = Console(width=columns, file=io.StringIO()).render_lines(found, pad=False)
            assert [sum(segment.cell_length for segment in line) for line in lines] == [found.width] * found.rows


def test_a_preview_shows_images_of_the_whole_grid(tmp_path):
    sheet = Image.new("L", (10 * 30 + 2, 10 * 30 + 2), 128)
    for row in range(10):  # a row a class, the class its brightness
        for column in range(10):
            sheet.paste(25 * row, (2 + 30 * column, 2 + 30 * row, 30 + 30 * column, 30 + 30 * row))
    sheet.save(tmp_path / "grid.png")
    found = preview(tmp_path / "grid.png", (1, 28, 28), 76, 13)
    shown = {s.style.color.triplet.red for s in found._segments if s.style and s.style.color}
    assert set(range(0, 250, 25)) <= shown


def test_the_panel_is_drawn_in_a_terminal_and_ends_below_itself():
    said: list[str] = []
    with opened() as terminal:
        display = choose("auto", terminal.stream, said.append)
        run = train(display, Path("run[red]x"), steps=6, sample_every=2)
    text = terminal.said
    assert run.status == "finished"
    assert "training: dcgan on glyphs" in said[0]
    assert "╭─" in text
    assert "6/6" in text
    assert "▀" in text
    assert re.search(r"\x1b\[38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+m▀", text)
    assert "run[red]x" in text  # a path is no markup
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor comes back


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (44, 16), (30, 10), (20, 5), (8, 3), (1, 1)])
def test_the_panel_fits_every_terminal(size, tmp_path, plain_run):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=size[0], height=size[1], color_system="truecolor")
    display = TrainingPanel(lambda text: None, console, pictures=True)
    display.ganzoo_run_started(plain_run)
    display._over.set()
    for step in (1, 2, 3):
        values = {f"value_with_a_long_name_{i}": 10.0**i for i in range(9)} | {"D(x)": math.nan}
        display.ganzoo_step_logged(
            plain_run, {"step": step, "images": 4 * step, "stage": "s", "seconds": 1.0, **values}
        )
    display.ganzoo_samples_saved(plain_run, next((plain_run.path / "samples").glob("*.png")))
    assert display._live is not None
    display._live.refresh()
    width, height = display._live._live_render._shape
    assert width <= size[0]
    assert height <= max(size[1], 8)  # rich cuts what is longer than the terminal
    begin = time.thread_time()
    display._live.refresh()
    assert time.thread_time() - begin < 0.1  # of every half second; about 5 ms where nothing else runs
    display._close()


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run as lifecycle hooks give it."""
    from ganzoo.runs.run import Run
    from ganzoo.runs.trained import open_run

    out = tmp_path_factory.mktemp("runs") / "run"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ganzoo.train("dcgan", "glyphs", out=out, steps=3, **TINY)
    trained = open_run(out)
    return Run(out, trained.variant, trained.details)


class Failing(io.StringIO):
    """A terminal that breaks after so many writes."""

    encoding = "utf-8"

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left = writes

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError(5, "Input/output error")
        return super().write(text)


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_failing_terminal_is_only_a_lost_panel(writes, tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.display.panel.REFRESH_SECONDS", 0.01)
    said: list[str] = []
    display = choose("auto", Failing(writes), said.append)
    assert isinstance(display, TrainingPanel)
    assert train(display, tmp_path / "run", steps=30).status == "finished"
    if writes < 2:
        assert any("the panel is lost" in text and "Input/output error" in text for text in said)
        assert said[-1].startswith("step 30/30")  # lines follow
    assert type(sys.stderr).__name__ != "FileProxy"  # what rich puts there meanwhile


def test_a_terminal_that_is_closed_costs_no_training(tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.display.panel.REFRESH_SECONDS", 0.01)
    with opened() as terminal:
        display = choose("auto", terminal.stream, lambda text: None)

        class CloseIt:
            @ganzoo.hookimpl
            def ganzoo_samples_saved(self, run: Any) -> None:
                if terminal.master >= 0:
                    terminal.close()

        listener = CloseIt()
        registry().attach(listener, "close")
        try:
            assert train(display, tmp_path / "run", steps=40, sample_every=5).status == "finished"
        finally:
            registry().detach(listener)


def test_a_resumed_run_shows_its_whole_course(tmp_path):
    out = tmp_path / "run"
    train(TrainingLines(lambda text: None), out, steps=4)
    said: list[str] = []
    lines = TrainingLines(said.append)
    registry().attach(lines, "display")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            ganzoo.train(out=out, resume=True, steps=6)
    finally:
        registry().detach(lines)
    assert "resuming at step 4" in said[0]
    assert len(lines.course.series["D(x)"].values) == 6
    assert said[-1].startswith("step 6/6  images 24  D(x)")


class Shell:
    kernel = object()


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for IPython in a notebook: what is in each output, one after another."""
    outputs: list[str] = []

    class Handle:
        def __init__(self, place: int) -> None:
            self.place = place

        def update(self, content: str) -> None:
            outputs[self.place] = content

    def display(content: str, display_id: bool) -> Handle:
        assert display_id
        outputs.append(content)
        return Handle(len(outputs) - 1)

    ipython, module = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: Shell()  # type: ignore[attr-defined]
    module.HTML, module.display = str, display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr("ganzoo.display.notebook.UPDATE_SECONDS", 0)
    return outputs


def test_a_notebook_gets_numbers_and_pictures_that_update(notebook, tmp_path):
    assert in_notebook()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ganzoo.train("dcgan", "glyphs", out=tmp_path / "<b>x", steps=4, sample_every=2, **TINY)
    numbers, picture = notebook  # two outputs, however often they were updated
    assert "4/4" in numbers
    assert "(finished)" in numbers
    assert "training: dcgan" in numbers  # not resumed, although it has taken steps by now
    assert "<svg" in numbers
    assert "discriminator_loss" in numbers
    assert "&lt;b&gt;x" in numbers
    assert "<b>" not in numbers + picture
    assert "at step 4" in picture
    assert picture.startswith("<img alt=")
    assert "data:image/png;base64," in picture


def test_a_notebook_that_fails_costs_no_training(notebook, tmp_path, monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no front end")

    monkeypatch.setattr(sys.modules["IPython.display"], "display", fail)
    with pytest.warns(UserWarning, match="'notebook' of ganzoo raised in ganzoo_run_started.*no front end"):
        run = ganzoo.train("dcgan", "glyphs", out=tmp_path / "run", steps=2, **TINY)
    assert run.status == "finished"


def test_outside_a_notebook_python_shows_nothing(tmp_path, capfd):
    assert not in_notebook()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ganzoo.train("dcgan", "glyphs", out=tmp_path / "run", steps=1, **TINY)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ConfigError, match="display = 'window' is not one of auto, notebook, none"):
        ganzoo.train("dcgan", "glyphs", out=tmp_path / "other", steps=1, display="window", **TINY)


def test_the_command_line_takes_a_display(tmp_path, capsys, monkeypatch):
    words = ["train", "dcgan", "--steps", "1", "-o", "width=4", "--batch-size", "4", "-o", "metrics="]
    for i, (display, opening) in enumerate({"lines": True, "none": False}.items()):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--out", str(tmp_path / f"run{i}"), "--display", display])
        assert not ended.value.code
        assert ("training: dcgan on glyphs" in capsys.readouterr().err) is opening
    monkeypatch.setenv("GANZOO_DISPLAY", "none")
    with pytest.raises(SystemExit):
        main([*words, "--out", str(tmp_path / "run3")])
    assert "training: dcgan" not in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main([*words, "--display", "window"])
    assert ended.value.code == 2
    assert "'window' is not one of" in capsys.readouterr().err
