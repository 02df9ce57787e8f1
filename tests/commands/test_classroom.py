"""ganzoo classroom: films of a GAN that learns points, and what is in their frames."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ganzoo
from ganzoo.cli.drawing.classroom import LESSONS
from ganzoo.data.drawn.toys import MODES, modes
from ganzoo.models.interfaces import Generator
from ganzoo.registry.registry import registry
from ganzoo.report.classroom import panels
from ganzoo.report.classroom.canvas import dashed
from ganzoo.report.classroom.moments import Moment, moments

from ..training.helpers import StopAt
from .conftest import Invoke

SMALL = ("--steps", "6", "--frames", "3", "-o", "width=4", "-o", "batch_size=8", "--quiet")


class Fixed(Generator):
    """Normal samples of a given place and spread, whatever was learnt."""

    def __init__(self, centre: list[float], spread: float) -> None:
        super().__init__(latent_dim=len(centre))
        self.centre, self.spread = nn.Parameter(torch.tensor(centre)), spread

    def forward(self, latents: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return self.centre + self.spread * latents


def moment(generator: Generator, slope: float = 0.0) -> Moment:
    return Moment(5, generator, lambda points: torch.sigmoid(slope * points[:, 0]), is_probability=True)


def pixels(moment: Moment, toy: str) -> np.ndarray:
    """The panel of a moment, as whole numbers [H, W, 3]."""
    return np.asarray(panels.panel(moment, modes(toy), "a title")).astype(int)


def near(sheet: np.ndarray, colour: str | tuple[int, int, int], tolerance: int = 30) -> np.ndarray:
    """Where a panel has a colour, bool [H, W]."""
    wanted = panels.rgb(colour) if isinstance(colour, str) else colour
    return (np.abs(sheet - np.array(wanted)).max(2) <= tolerance).astype(bool)


@pytest.mark.parametrize("toy", LESSONS)
def test_a_lesson_leaves_film_figure_and_frames(toy: str, invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("classroom", toy, *SMALL)
    folder = tmp_path / "runs" / f"classroom-{toy}"
    assert done.out == f"runs/classroom-{toy}/classroom.gif\n"
    names = ["step-00000002.png", "step-00000004.png", "step-00000006.png"]
    assert sorted(path.name for path in (folder / "frames").iterdir()) == names
    with Image.open(folder / "classroom.gif") as film, Image.open(folder / "frames" / names[0]) as frame:
        assert film.size == frame.size == (panels.WIDTH, panels.HEIGHT)
        assert film.n_frames == 3
        assert (frame.text["ganzoo.dataset"], frame.text["ganzoo.step"]) == (toy, "2")
    with Image.open(folder / "classroom.png") as figure:
        assert figure.size == (3 * panels.WIDTH, panels.HEIGHT), "of three frames all are shown"
    assert ganzoo.open_run(folder / "run-1").status == "finished"


def test_trainings_side_by_side_are_named_by_their_difference(invoke: Invoke, tmp_path: Path) -> None:
    invoke("classroom", "ring", *SMALL, "--loss", "minimax", "--beside", "loss=non-saturating", "--out", "two")
    with Image.open(tmp_path / "two" / "classroom.gif") as film:
        assert film.size == (2 * panels.WIDTH, panels.HEIGHT)
    with Image.open(tmp_path / "two" / "classroom.png") as figure:
        assert figure.size == (3 * panels.WIDTH, 2 * panels.HEIGHT)
        assert figure.text["ganzoo.shows"] == "minimax; non-saturating"
    one, two = (ganzoo.open_run(tmp_path / "two" / name).config for name in ("run-1", "run-2"))
    assert (one.loss, two.loss) == ("minimax", "non-saturating")
    assert (one.steps, one.seed, one.options) == (two.steps, two.seed, two.options)


def test_tricks_and_several_settings_beside(invoke: Invoke, tmp_path: Path) -> None:
    """Minibatch discrimination: D then says nothing of a single point, and the frame says so."""
    invoke("classroom", "ring", *SMALL, "--beside", "minibatch_kernels=2,lr=0.01", "--out", "two")
    with Image.open(tmp_path / "two" / "classroom.png") as figure:
        shown = figure.text["ganzoo.shows"]
    assert shown == "minibatch_kernels=0, lr=0.005; minibatch_kernels=2, lr=0.01"
    found = list(moments(ganzoo.open_run(tmp_path / "two" / "run-2")))
    assert [each.step for each in found] == [2, 4, 6]
    assert not found[0].judges_alone(torch.randn(50, 2))
    assert next(moments(ganzoo.open_run(tmp_path / "two" / "run-1"))).judges_alone(torch.randn(50, 2))


def test_another_variant_and_a_critic(invoke: Invoke, tmp_path: Path) -> None:
    invoke("classroom", "gaussian1d", *SMALL, "--variant", "wgan-gp", "-o", "n_critic=1", "--out", "critic")
    first = next(moments(ganzoo.open_run(tmp_path / "critic" / "run-1")))
    assert not first.is_probability
    shown = panels.shown_output(first, torch.linspace(-1, 1, 20)[:, None])
    assert (float(shown.min()), float(shown.max())) == (0, 1)


def test_an_interrupted_lesson_is_finished(invoke: Invoke, tmp_path: Path) -> None:
    words = ("classroom", "ring", *SMALL, "--beside", "lr=0.01")
    invoke(*words, "--out", "whole")
    listener = StopAt(4)
    registry().attach(listener, "stop")
    try:
        assert "stopped by SIGINT at step 4" in invoke(*words, "--out", "cut", code=130).err
    finally:
        registry().detach(listener)
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["run-1"]
    assert "add --resume" in invoke(*words, "--out", "cut", code=2).err
    assert "contradicts the run" in invoke(*words, "--seed", "1", "--out", "cut", "--resume", code=2).err
    invoke(*words, "--out", "cut", "--resume")
    one, other = (tmp_path / name / "classroom.gif" for name in ("whole", "cut"))
    with Image.open(one) as film, Image.open(other) as resumed:
        assert film.n_frames == resumed.n_frames == 3
        for i in range(3):
            film.seek(i)
            resumed.seek(i)
            assert film.convert("RGB").tobytes() == resumed.convert("RGB").tobytes()


def test_the_networks_are_those_of_the_checkpoint(invoke: Invoke, tmp_path: Path) -> None:
    invoke("classroom", "gaussian1d", *SMALL, "--out", "one")
    run = ganzoo.open_run(tmp_path / "one" / "run-1")
    *_, last = moments(run)
    assert torch.equal(last.generator.sample(5, seed=1), run.sample(5, seed=1))


# What is drawn


def test_the_density_of_samples() -> None:
    places = torch.linspace(-2, 2, 801)
    found = panels.density(torch.randn(20_000, generator=torch.Generator().manual_seed(0)) * 0.3, places)
    assert abs(float(torch.trapezoid(found, places)) - 1) < 0.01
    spread = math.hypot(0.3, panels.WIDE)
    assert abs(float(found.max()) - 1 / (spread * math.sqrt(2 * math.pi))) < 0.06


def test_samples_like_the_data_lie_on_its_curve_and_others_do_not() -> None:
    right, wrong = (pixels(moment(Fixed([centre], 0.15)), "gaussian1d") for centre in (0.3, 0.9))
    for sheet, alike in ((right, True), (wrong, False)):
        dark = near(sheet[panels.TOP : 220, panels.LEFT : panels.RIGHT], panels.DATA, 60)
        green = near(sheet[panels.TOP : 220, panels.LEFT : panels.RIGHT], panels.SAMPLES, 60)
        assert dark.any()
        assert green.any()
        assert (abs(np.nonzero(dark)[1].mean() - np.nonzero(green)[1].mean()) < 8) == alike


def test_d_is_drawn_at_its_height() -> None:
    """One half everywhere: a line in the middle; rising from 0 to 1: from the foot to the top."""
    for slope, left, right in ((0.0, 0.5, 0.5), (1e3, 0.0, 1.0)):
        blue = near(pixels(moment(Fixed([0.3], 0.15), slope), "gaussian1d"), panels.OUTPUT, 40)
        blue[: panels.TOP - 4] = False
        for columns, height in ((slice(30, 60), left), (slice(320, 350), right)):
            rows = np.nonzero(blue[:, columns])[0]
            assert abs(rows.mean() - (panels.FLOOR - height * (panels.FLOOR - panels.TOP))) < 2


def test_a_plane_shows_where_d_says_real() -> None:
    sheet = pixels(moment(Fixed([0.0, 0.0], 0.05), slope=50.0), "ring")
    fake, real = near(sheet, panels.FAKE, 2), near(sheet, panels.REAL, 2)
    assert fake.sum() > 20_000
    assert real.sum() > 20_000
    assert np.nonzero(fake)[1].max() < np.nonzero(real)[1].min()
    green = near(sheet[panels.TOP :], panels.SAMPLES, 30)
    assert abs(np.nonzero(green)[1].mean() - panels.WIDTH / 2) < 4


def test_dashes_leave_out_what_they_should() -> None:
    parts = dashed([(0, 0), (4, 0), (10, 0)], 3, 2)
    assert [(part[0][0], part[-1][0]) for part in parts] == [(0, 3), (5, 8)]
    assert parts[0] == [(0.0, 0.0), (3.0, 0.0)]


def test_the_palette_holds_the_colours_of_the_panels() -> None:
    found = panels.palette()
    assert len(found) == len(set(found)) <= 256
    for colour in (panels.DATA, panels.SAMPLES, panels.FILL, panels.OUTPUT):
        assert panels.rgb(colour) in found
    assert {panels.FAKE, panels.EVEN, panels.REAL} <= set(found)


# Bad input

WRONG = {
    "an unknown toy": (("spiral",), "'spiral' is not one of"),
    "an unknown variant": (("ring", "--variant", "vanila"), "vanilla"),
    "a variant of images": (("ring", "--variant", "dcgan"), "it models images"),
    "an unknown loss": (("ring", "--loss", "hunge"), "hinge"),
    "an unknown setting": (("ring", "-o", "widht=4"), "width"),
    "an unknown setting beside": (("ring", "--beside", "widht=4"), "width"),
    "no setting": (("ring", "--beside", "minimax"), "write it as --beside KEY=VALUE"),
    "other steps beside": (("ring", "--beside", "steps=4"), "steps"),
    "own checkpoints": (("ring", "-o", "checkpoint_every=4"), "checkpoint_every"),
    "a loss twice": (("ring", "--loss", "minimax", "-o", "loss=hinge"), "write --loss hinge"),
    "one frame": (("ring", "--frames", "1"), "1 is not in the range"),
    "out of range": (("ring", "--beside", "r1=-1"), "r1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage(case: str, invoke: Invoke, tmp_path: Path) -> None:
    words, message = WRONG[case]
    assert message in invoke("classroom", *words, code=2).err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_exists_is_left_alone(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("mine")
    assert "mine exists" in invoke("classroom", "ring", "--out", "mine", code=2).err
    assert "nothing to resume" in invoke("classroom", "ring", "--out", "mine", "--resume", code=2).err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note"]


def test_every_toy_has_a_lesson() -> None:
    assert LESSONS.keys() == MODES.keys()
