"""ganzoo sample: walks and morphs as films, arithmetic, truncation, arrays, and what a picture says about itself."""

import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data.base import to_uint8
from ganzoo.errors import PluginError, UsageError
from ganzoo.models.blocks import append_one_hot
from ganzoo.models.interfaces import Generator
from ganzoo.models.latents import AROUND, Term, arithmetic, redrawn, truncated
from ganzoo.models.walk import legs, walk
from ganzoo.report.films import save_film
from ganzoo.runtime.tensor_files import read_tensors, write_tensors
from ganzoo.testing.sampling import check_mixing
from ganzoo.training.setup import prepare

from .conftest import Invoke


class Plain(Generator):
    """Draws its latents, and beside them the shares of its ten classes: what it was given is seen at once."""

    mixes_classes = True

    def __init__(self) -> None:
        super().__init__(latent_dim=3, condition=10)

    def forward(self, latents: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        assert condition is not None
        return append_one_hot(latents, condition, 10)


def vivid(run: Path) -> None:
    """A training of two steps draws grey in grey; a last layer that is much stronger draws something."""
    path = run / "generator.safetensors"
    tensors, header = read_tensors(path)
    name = [key for key in tensors if key.endswith(".weight") and tensors[key].dim() > 1][-1]
    scale = 1 / float(generator_range(run))
    for key in (name, name.replace(".weight", ".bias")):
        tensors[key] = tensors[key] * scale
    write_tensors(path, tensors, header)


def generator_range(run: Path) -> torch.Tensor:
    return ganzoo.load(run).sample(20).abs().amax()


@pytest.fixture(scope="module", autouse=True)
def vivid_runs(plain_run: Path, labelled_run: Path, points_run: Path) -> None:
    for run in (plain_run, labelled_run, points_run):
        vivid(run)
        assert generator_range(run) > 0.5


def frames(path: Path) -> list[np.ndarray]:
    """The frames of a GIF, uint8 [H, W, 3]."""
    with Image.open(path) as film:
        found = []
        for i in range(film.n_frames):
            film.seek(i)
            found.append(np.asarray(film.convert("RGB")))
        return found


def texts(path: Path) -> dict[str, str]:
    """As docs/training.md says they are read."""
    with Image.open(path) as picture:
        return dict(picture.text)


# Walks


def test_a_loop_passes_each_waypoint_once_and_eases_into_it() -> None:
    leg, t = legs(12, waypoints=3, loop=True, ease=False)
    assert leg.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    torch.testing.assert_close(t, torch.tensor([0, 0.25, 0.5, 0.75] * 3))
    eased = legs(12, waypoints=3, loop=True, ease=True)[1]
    torch.testing.assert_close(eased, torch.tensor([0, 0.15625, 0.5, 0.84375] * 3))
    leg, t = legs(5, waypoints=3, loop=False, ease=True)
    torch.testing.assert_close(leg + t, torch.tensor([0, 0.5, 1, 1.5, 2]))


def test_a_looping_walk_comes_back_to_its_start() -> None:
    once = walk(Plain(), 2, 7, seed=3, waypoints=3).reshape(2, 7, 13)
    loop = walk(Plain(), 2, 9, seed=3, waypoints=3, loop=True).reshape(2, 9, 13)
    rng = torch.Generator().manual_seed(3)
    stops = torch.stack([Plain().latents(2, rng) for _ in range(3)], dim=1)
    torch.testing.assert_close(once[:, [0, 3, 6], :3], stops)
    torch.testing.assert_close(loop[:, [0, 3, 6], :3], stops)
    straight = walk(Plain(), 2, 6, "linear", seed=3, waypoints=3, loop=True).reshape(2, 6, 13)
    torch.testing.assert_close(straight[:, 5, :3], (stops[:, 2] + stops[:, 0]) / 2)


def test_a_film_loops_unless_told_otherwise(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    walks = ("sample", plain_run, "--interpolate", "--waypoints", "3", "--rows", "4")
    invoke(*walks, "--frames", "9", "--output", "loop.gif")
    assert len(frames(tmp_path / "loop.gif")) == 9
    invoke(*walks, "-n", "4", "--output", "n.gif")
    assert len(frames(tmp_path / "n.gif")) == 9, "three legs of four steps that share their ends"
    invoke(*walks, "-n", "4", "--once", "--fps", "50", "--output", "once.gif")
    once = frames(tmp_path / "once.gif")
    assert len(once) == 7
    assert once[0].shape == (2 * 86 + 2, 2 * 86 + 2, 3), "four rows as a square, magnified to 84 pixels each"
    with Image.open(tmp_path / "once.gif") as film:
        assert (film.info["duration"], film.info["loop"]) == (20, 0)


def test_a_film_of_points_shows_a_cloud(invoke: Invoke, points_run: Path, tmp_path: Path) -> None:
    invoke("sample", points_run, "--interpolate", "--waypoints", "3", "--frames", "3", "--output", "points.gif")
    found = frames(tmp_path / "points.gif")
    assert len(found) == 3
    assert (found[0] < 128).any()
    assert (found[0] != found[1]).any()


def test_frames_that_are_alike_keep_their_time(tmp_path: Path) -> None:
    """Pillow joins equal frames; together they must last as long."""
    save_film(tmp_path / "x.gif", [Image.new("L", (8, 8), value) for value in (0, 0, 255)], 30, {}, hold=1)
    with Image.open(tmp_path / "x.gif") as film:
        lasts = []
        for i in range(film.n_frames):
            film.seek(i)
            lasts.append(film.info["duration"])
    assert sum(lasts) == 100 + 1000


def test_mp4(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed: no MP4")
    invoke("sample", plain_run, "--interpolate", "--frames", "6", "--fps", "12", "--rows", "1", "--output", "w.mp4")
    shown = subprocess.run(
        [ffmpeg.get_ffmpeg_exe(), "-i", str(tmp_path / "w.mp4"), "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    for said in ("h264", "yuv420p", "88x88", "12 fps", '"ganzoo.seed": "0"'):
        assert said in shown
    assert int(re.findall(r"frame=\s*(\d+)", shown)[-1]) == 6


def test_mp4_without_the_extra_is_one_line(
    invoke: Invoke, plain_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganzoo.report.films.importlib.util.find_spec", lambda name: None)
    done = invoke("sample", plain_run, "--interpolate", "--output", "w.mp4", code=2)
    assert "pip install 'ganzoo[video]'" in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


# Morphs


def test_a_morph_goes_from_class_to_class_and_keeps_its_latents() -> None:
    morphed = walk(Plain(), 2, 5, "still", seed=4, morph=(3, 8)).reshape(2, 5, 13)
    latents = Plain().latents(2, torch.Generator().manual_seed(4))
    assert torch.equal(morphed[:, :, :3], latents[:, None].expand(-1, 5, -1))
    shares = torch.zeros(5, 10)
    shares[:, 8] = torch.linspace(0, 1, 5)
    shares[:, 3] = 1 - shares[:, 8]
    torch.testing.assert_close(morphed[:, :, 3:], shares.expand(2, -1, -1))
    moving = walk(Plain(), 2, 5, seed=4, morph=(3, 8)).reshape(2, 5, 13)
    assert (moving[:, 0, :3] != moving[:, 4, :3]).all()


@pytest.mark.parametrize("variant", ["cgan-conv", "cgan-mlp"])
def test_networks_that_say_so_take_shares_of_classes(variant: str) -> None:
    job = prepare("cgan", settings={"width": 4, "network": variant.partition("-")[2], "device": "cpu"})
    network = job.variant.networks()["generator"].eval()
    assert network.mixes_classes
    latents, labels = torch.randn(3, network.latent_dim), torch.tensor([1, 4, 9])
    torch.testing.assert_close(network(latents, torch.eye(10)[labels]), network(latents, labels))


def test_morph_to_files(invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    invoke("sample", labelled_run, "--morph", "all", "--frames", "10", "--rows", "1", "--output", "all.gif")
    assert len(frames(tmp_path / "all.gif")) == 10
    invoke("sample", labelled_run, "--morph", "1,7,1", "--rows", "3", "--output", "there.png")
    with Image.open(tmp_path / "there.png") as picture:
        assert picture.size == (23 * 30 + 2, 3 * 30 + 2), "12 steps from class to class, the middle one shared"
        assert picture.text["ganzoo.morph"] == "1,7,1"


def test_a_generator_of_class_numbers_has_nothing_between_them() -> None:
    class Table(Generator):
        def __init__(self) -> None:
            super().__init__(latent_dim=2, condition=4)
            self.embedding = torch.nn.Embedding(4, 2)

        def forward(self, latents: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
            return latents + self.embedding(condition)

    with pytest.raises(UsageError, match="nothing between two classes of a Table"):
        walk(Table(), 1, 3, "still", morph=(0, 1))


def test_the_check_of_variants_compares_shares_with_numbers() -> None:
    check_mixing(Plain(), "generator")

    class Rounds(Plain):
        def forward(self, latents: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
            return super().forward(latents, condition) * (1 if condition is None else condition.dim())

    with pytest.raises(PluginError, match="says mixes_classes = True: a whole share"):
        check_mixing(Rounds(), "generator")


# Arithmetic


def test_arithmetic_adds_means() -> None:
    generator = Plain()
    found = arithmetic(generator, [Term(1, (1, 2)), Term(-1, (3,)), Term(1, (4,))], label=5, seed=9)
    z = [generator.sample(1, 5, seed=seed)[0] for seed in (1, 2, 3, 4)]
    torch.testing.assert_close(found.parts[0], torch.stack(z[:2]))
    torch.testing.assert_close(found.means[0], (z[0] + z[1]) / 2)
    result = (z[0] + z[1]) / 2 - z[2] + z[3]  # of a class, too, one is left
    torch.testing.assert_close(found.around[4], result)
    noise = (found.around - result)[:, :3]
    assert (noise[4] == 0).all()
    assert 0.1 < float(noise.abs().max()) <= AROUND
    assert len(noise.unique(dim=0)) == 9
    again = arithmetic(generator, [Term(1, (1, 2)), Term(-1, (3,)), Term(1, (4,))], label=5, seed=9)
    assert torch.equal(again.around, found.around)


def test_the_picture_of_an_arithmetic(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    """Sources in columns, the means beneath, the result in the middle of nine."""
    invoke("sample", plain_run, "--arithmetic", "1,2,3 - 4,5,6+7,8,9")
    generator = ganzoo.load(plain_run)
    with Image.open(tmp_path / "samples.png") as picture:
        sheet = np.asarray(picture)
        assert picture.text["ganzoo.arithmetic"] == "1,2,3 - 4,5,6+7,8,9"
    for column, seeds in enumerate(((1, 2, 3), (4, 5, 6), (7, 8, 9))):
        left = 32 + column * (32 + 84)
        for row, seed in enumerate(seeds):
            top = 24 + row * (84 + 18)
            image = to_uint8(generator.sample(1, seed=seed))[0, 0].repeat_interleave(3, 0).repeat_interleave(3, 1)
            assert (sheet[top : top + 84, left : left + 84, 0] == image.numpy()).all()
    found = arithmetic(generator, [Term(1, (1, 2, 3)), Term(-1, (4, 5, 6)), Term(1, (7, 8, 9))])
    middle = to_uint8(found.around[4:5])[0, 0].repeat_interleave(3, 0).repeat_interleave(3, 1).numpy()
    below = 24 + 3 * (84 + 18)
    left, top = 3 * (32 + 84) + 32 + 90, below - 90
    assert (sheet[top : top + 84, left : left + 84, 0] == middle).all()


# Truncation


def test_truncated_latents_stay_within_and_keep_what_was_within() -> None:
    rng = torch.Generator().manual_seed(0)
    latents = torch.randn(4000, 3, generator=rng)
    within = redrawn(latents, 0.7, rng)
    assert within.abs().max() <= 0.7
    kept = latents.abs() <= 0.7
    assert (within[kept] == latents[kept]).all()
    # The standard deviation of a normal that is cut at +-0.7.
    assert abs(float(within.std()) - 0.3866) < 0.01


def test_truncation_of_samples(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    invoke("sample", plain_run, "-n", "4", "--truncation", "0.5", "--output", "a.png")
    invoke("sample", plain_run, "-n", "4", "--output", "b.png")
    assert texts(tmp_path / "a.png")["ganzoo.truncation"] == "0.5"
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
    generator = ganzoo.load(plain_run)
    before = generator.sample(2, seed=1)
    with truncated(generator, 0.5):
        assert generator.latents(100, torch.Generator().manual_seed(0)).abs().max() <= 0.5
    assert torch.equal(generator.sample(2, seed=1), before), "it ends with the block"


def test_truncation_for_a_generator_without_one() -> None:
    class Ball(Generator):
        def latents(self, n: int, rng: torch.Generator | None = None) -> torch.Tensor:
            return torch.nn.functional.normalize(super().latents(n, rng))

    with pytest.raises(UsageError, match="the latents of a Ball are not plain normal"), truncated(Ball(3), 0.5):
        pass


# Arrays, and what pictures say


def test_npz_holds_what_evaluators_read(invoke: Invoke, labelled_run: Path, plain_run: Path, tmp_path: Path) -> None:
    assert invoke("sample", labelled_run, "-n", "12", "--npz").out == "samples.npz\n"
    with np.load(tmp_path / "samples.npz", allow_pickle=False) as held:
        images, labels = held["arr_0"], held["arr_1"]
    assert (images.shape, images.dtype) == ((12, 28, 28, 3), np.uint8)
    assert labels.tolist() == [*range(10), 0, 1]
    expected = to_uint8(ganzoo.load(labelled_run).sample(12))
    assert (images == expected.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).numpy()).all()
    invoke("sample", plain_run, "-n", "3", "--output", "plain.npz")
    with np.load(tmp_path / "plain.npz", allow_pickle=False) as held:
        assert list(held) == ["arr_0"]


def test_a_picture_says_where_it_comes_from(invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    invoke("sample", labelled_run, "--class", "3", "-n", "2", "--seed", "7", "--output", "three.png")
    said = texts(tmp_path / "three.png")
    assert said == {
        "Software": f"ganzoo {ganzoo.__version__}", "ganzoo.run": "labelled", "ganzoo.variant": "cgan",
        "ganzoo.dataset": "glyphs", "ganzoo.step": "2", "ganzoo.seed": "7", "ganzoo.class": "3",
    }  # fmt: skip
    invoke("sample", labelled_run, "--class", "all", "-n", "2", "--output", "each")
    said = texts(tmp_path / "each" / "4" / "00009.png")
    assert (said["ganzoo.number"], said["ganzoo.class"], said["ganzoo.seed"]) == ("9", "4", "0")
    invoke("sample", labelled_run, "--morph", "0,1", "--frames", "2", "--rows", "1", "--output", "m.gif")
    with Image.open(tmp_path / "m.gif") as film:
        assert json.loads(film.info["comment"])["ganzoo.run"] == "labelled"


def test_pictures_of_a_training_say_their_step(labelled_run: Path) -> None:
    said = texts(labelled_run / "samples" / "step-00000002.png")
    assert (said["ganzoo.run"], said["ganzoo.step"], said["ganzoo.weights"]) == ("labelled", "2", "EMA")


# What does not go together

WRONG = {
    "a letter": (("--arithmetic", "1,2 - x"), "cannot read '- x'"),
    "two signs": (("--arithmetic", "1 + - 2"), "cannot read '+ - 2'"),
    "a comma too many": (("--arithmetic", "1,,2"), "cannot read ',,2'"),
    "a seed that is too large": (("--arithmetic", f"1 + {2**63}"), "is above"),
    "nothing to add": (("--arithmetic", " "), "needs seeds"),
    "too many terms": (("--arithmetic", "+".join("1" * 11)), "at most 10 terms"),
    "arithmetic over classes": (("--arithmetic", "1 + 2"), "add --class K"),
    "arithmetic of all classes": (("--arithmetic", "1 + 2", "--class", "all"), "add --class K"),
    "arithmetic and a number": (("--arithmetic", "1 + 2", "-n", "3"), "-n does not go with --arithmetic"),
    "arithmetic as a film": (("--arithmetic", "1 + 2", "--output", "x.gif"), "write a FILE.png"),
    "one class to morph": (("--morph", "3"), "two classes at least"),
    "a class to morph that is none": (("--morph", "3,10"), "--morph 10 is out of range"),
    "a class and a morph": (("--morph", "3,4", "--class", "3"), "--class does not go with --morph"),
    "waypoints of a morph": (("--morph", "3,4", "--waypoints", "3"), "--waypoints does not go with --morph"),
    "waypoints of a grid": (("--waypoints", "3"), "is for --interpolate and --morph"),
    "a film that is a picture": (("--interpolate", "--frames", "9"), "--frames is for films"),
    "two lengths": (("--interpolate", "-n", "3", "--frames", "9", "--output", "x.gif"), "-n does not go with --frames"),
    "a GIF that is too fast": (("--interpolate", "--fps", "60", "--output", "x.gif"), "at most 50 frames"),
    "truncation to nothing": (("--truncation", "0"), "0 is not in the range"),
    "an array of a walk": (("--interpolate", "--npz"), "a walk is written as"),
    "an array as a picture": (("--npz", "--output", "x.png"), "--npz writes a FILE.npz"),
    "a time lapse and a number": (("--timelapse", "-n", "3"), "-n does not go with --timelapse"),
    "a time lapse as a picture": (("--timelapse", "--output", "x.png"), "makes a film"),
    "a file in the way of a folder": (("--output", "none/deep/x.gif", "--interpolate"), "no such folder"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage(case: str, invoke: Invoke, labelled_run: Path, tmp_path: Path) -> None:
    words, message = WRONG[case]
    done = invoke("sample", labelled_run, *words, code=2)
    assert message in done.err
    assert not list(tmp_path.iterdir())


def test_points_have_no_arithmetic_no_array_and_no_classes(invoke: Invoke, points_run: Path, tmp_path: Path) -> None:
    done = invoke("sample", points_run, "--arithmetic", "1 + 2", code=2)
    assert "points are drawn together; there is no picture of one of them" in done.err
    assert "unknown ending '.npz'" in invoke("sample", points_run, "--npz", code=2).err
    assert "trained without labels" in invoke("sample", points_run, "--morph", "0,1", code=2).err
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_written(
    invoke: Invoke, plain_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write everywhere
    monkeypatch.setattr("ganzoo.cli.options.os.access", lambda path, mode: not mode & os.W_OK)
    for words in ((), ("--interpolate", "--output", "x.gif"), ("--output", "singles")):
        assert "is not writable" in invoke("sample", plain_run, *words, code=2).err
    assert not list(tmp_path.iterdir())


def test_a_time_lapse_of_a_run(invoke: Invoke, plain_run: Path, tmp_path: Path) -> None:
    assert invoke("sample", plain_run, "--timelapse").out == "timelapse.gif\n"
    with Image.open(plain_run / "samples" / "step-00000002.png") as picture:
        assert frames(tmp_path / "timelapse.gif")[0].shape == (picture.height + 18, picture.width, 3)
    weights = plain_run / "generator.safetensors"
    assert "is one file" in invoke("sample", weights, "--timelapse", "--output", "x.gif", code=2).err
    (tmp_path / "empty").mkdir()
    assert "not a run directory" in invoke("sample", "empty", "--timelapse", "--output", "x.gif", code=1).err
