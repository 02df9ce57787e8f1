"""What a report holds: all that a run tells, and only what it tells."""

import base64
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.config.files import read_toml
from ganzoo.errors import GanzooError, Interrupted, RunError, UsageError
from ganzoo.models.state import Stage
from ganzoo.registry.registry import registry
from ganzoo.report.curves import curves, equilibrium
from ganzoo.report.facts import command_of, read_facts, read_runs, settings_of
from ganzoo.report.looks import SEED, open_looks
from ganzoo.report.page import LIMIT, write_report
from ganzoo.runs.trained import open_run
from ganzoo.training.diagnostics import TrainingWarning
from ganzoo.training.trainer import Trainer

from ..commands.conftest import Invoke
from ..training.helpers import StopAt
from .conftest import TINY


def text_of(run: Path, out: Path) -> str:
    return write_report([run], out).read_text(encoding="utf-8")


def copied(run: Path, to: Path) -> Path:
    shutil.copytree(run, to)
    (to / "report.html").unlink(missing_ok=True)
    return to


def edit(run: Path, **details: Any) -> None:
    path = run / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **details}))


def pictures(text: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/(?:png|webp);base64,([^"]+)"', text)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


# What is there


def test_the_page_of_a_training_has_all_its_parts(digits: Path) -> None:
    text = (digits / "report.html").read_text(encoding="utf-8")
    for part in ("Samples", "Through the training", "From one latent to another", "Nearest training images", "Curves",
                 "Settings", "Train the same again", "Where it comes from"):  # fmt: skip
        assert re.search(rf"<h[23]>{part}", text), part
    assert "one row a class" in text
    for number in range(10):
        assert f'<span class="name">{number}</span>' in text
    assert len(text.encode()) < LIMIT
    # 10 classes, 3 moments, 6 samples with their neighbours, 5 walks: each can be opened, and each is said in words.
    assert len(pictures(text)) == 10 + 3 + 6 + 5
    assert len(re.findall(r'<img[^>]* alt="[^"]{10,}"', text)) == text.count("<img ")
    assert text.count("<svg") == len(re.findall(r'<svg[^>]* aria-label="[^"]{10,}"', text))


def test_nothing_is_loaded_from_anywhere(digits: Path, points: Path, tmp_path: Path) -> None:
    for text in (text_of(digits, tmp_path / "a.html"), text_of(points, tmp_path / "b.html"),
                 write_report([digits, points], tmp_path / "c.html").read_text(encoding="utf-8")):  # fmt: skip
        assert not re.search(r"https?:|<link|<iframe|@import|url\(", text)
        assert "default-src 'none'" in text


def test_samples_are_those_of_the_seed_not_chosen(digits: Path) -> None:
    looks = open_looks(digits)
    names = [name for name, _ in looks.rows]
    assert names == [str(i) for i in range(10)]
    columns = len(looks.rows[0][1])
    labels = torch.arange(10).repeat_interleave(columns)
    expected = open_run(digits).sample(10 * columns, labels, SEED)
    found = torch.cat([images for _, images in looks.rows])
    assert torch.equal(found, ((expected + 1) * 127.5).round().clamp(0, 255).to(torch.uint8))


def test_neighbours_are_the_nearest_training_images(digits: Path) -> None:
    from ganzoo.models.load import load_as_trained

    looks = open_looks(digits)
    assert looks.neighbours is not None
    run = open_run(digits)
    data = load_as_trained(type(run.variant), run.config, "")
    real = data.source.fetch(torch.arange(len(data.source))).flatten(1).float()
    own, nearest = looks.neighbours[0, 0].flatten().float(), looks.neighbours[0, 1].flatten().float()
    assert (real - own).square().sum(1).min() == (nearest - own).square().sum()
    assert "all 20,000" in looks.searched


def test_looking_draws_no_random_numbers_of_the_caller(digits: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    text_of(digits, tmp_path / "a.html")
    assert torch.equal(torch.rand(4), expected)


def test_a_report_waits_for_no_compiler(digits: Path) -> None:
    """torch loads its own when weights are drawn on the meta device: seconds, for shapes only."""
    code = (
        "import sys; from ganzoo.runs.trained import open_run; open_run(sys.argv[1]).network(); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(digits)], check=False).returncode == 0


def test_the_equilibrium_is_that_of_the_loss(digits: Path, points: Path, tmp_path: Path) -> None:
    assert equilibrium(read_facts(digits)) == (0.5, "equilibrium 0.5")
    assert equilibrium(read_facts(points)) is None, "a critic says no probability"
    smooth = copied(digits, tmp_path / "smooth")
    config = smooth / "config.toml"
    config.write_text(config.read_text().replace("label_smoothing = 0.0", "label_smoothing = 0.2"))
    assert equilibrium(read_facts(smooth)) == (0.4, "equilibrium 0.4")


def test_curves_are_grouped_as_people_look_at_them(points: Path, digits: Path) -> None:
    found = curves(read_runs([points]))
    titles = [made.title for made in found.first]
    assert titles[:3] == ["Losses", "D(x) and D(G(z)): mean scores, not probabilities", "Wasserstein estimate"]
    assert "modes-2500 ↑" in titles
    assert [name for _, name in found.first[0].key] == ["discriminator_loss", "generator_loss"]
    assert [made.level is not None for made in curves(read_runs([digits])).first] == [False, True]
    assert [made.level for made in curves(read_runs([points])).first] == [None] * len(titles)


def test_the_command_trains_the_same_again(points: Path, digits: Path, invoke: Invoke) -> None:
    for path in (points, digits):
        run = read_facts(path)
        words = shlex.split(command_of(run, settings_of(run)))
        assert words[:2] == ["ganzoo", "train"]
        plan = invoke(*words[1:], "--dry-run").out
        Path("again.toml").write_text(plan)
        assert read_toml(Path("again.toml")) == read_toml(path / "config.toml")


def test_points_are_drawn_over_the_data(points: Path) -> None:
    text = (points / "report.html").read_text(encoding="utf-8")
    assert "1,000 samples of points as points, over 1,000 of the training data" in text
    assert 'class=" plot"' in text or 'class="px plot"' in text


def test_translators_show_rows_of_columns(tmp_path: Path, folder: Path, reports: None) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(6):
        noise = torch.randint(0, 256, (96, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(i))
        Image.fromarray(noise.numpy()).save(photos / f"{i}.png")
    run = ganzoo.train(
        "srgan", f"folder:{photos}", out=tmp_path / "sr", steps=3, pretrain_steps=2, width=8, blocks=1, batch_size=2,
        content="mse", device="cpu", metrics="",
    )  # fmt: skip
    text = (run.path / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"<span>(.*?)</span>", text)[:4] == ["low resolution", "bicubic", "enlarged", "original"]
    rows = re.findall(r'<div class="pair".*?</div></div>', text, re.S)
    assert [len(re.findall("<img ", row)) for row in rows] == [4] * len(rows)
    assert "From one latent to another" not in text


# What is not there


def test_an_interrupted_run_shows_what_it_has(digits: Path, tmp_path: Path, invoke: Invoke) -> None:
    run = copied(digits, tmp_path / "run")
    edit(run, status="interrupted", reason="Interrupted: SIGTERM")
    assert invoke("report", run).out.strip() == str(run / "report.html")
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "<b>interrupted:</b> Interrupted: SIGTERM" in text
    assert "Not shown" not in text


def test_a_run_without_checkpoints_shows_what_it_has(digits: Path, tmp_path: Path, invoke: Invoke) -> None:
    run = copied(digits, tmp_path / "run")
    shutil.rmtree(run / "checkpoints")
    (run / "generator.safetensors").unlink()
    edit(run, status="running")
    invoke("report", run)
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "has no weights: its training has not reached a checkpoint" in text
    assert "Through the training" in text
    assert "D(x) and D(G(z))" in text
    (run / "scalars.jsonl").unlink()
    shutil.rmtree(run / "samples")
    invoke("report", run)
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "curves: the history is empty" in text
    assert "samples over time: the run has saved none yet" in text


def test_a_damaged_checkpoint_costs_only_what_it_would_draw(digits: Path, tmp_path: Path) -> None:
    run = copied(digits, tmp_path / "run")
    weights = run / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    text = text_of(run, tmp_path / "a.html")
    assert "<li>samples, neighbours, interpolation: CheckpointError" in text
    assert "Through the training" in text
    assert "<polyline" in text


def test_a_damaged_history_is_drawn_as_far_as_it_can_be_read(digits: Path, tmp_path: Path) -> None:
    run = copied(digits, tmp_path / "run")
    path = run / "scalars.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = b"\xff\x00 no line\n"
    lines[5] = b'{"step": ' + b"9" * 400 + b', "generator_loss": 1.0}\n'
    lines[6] = b'{"step": 7, "images": [], "generator_loss": {"a": 1}, "D(x)": "nan", "seconds": "inf"}\n'
    path.write_bytes(b"".join(lines))
    text = text_of(run, tmp_path / "a.html")
    assert "line 4 is not a line of a history" in text
    assert "10 of 12 lines can be read" in text
    assert "<polyline" in text


@pytest.mark.parametrize(
    "damage",
    [
        lambda run: (run / "config.toml").write_text("= nothing ="),
        lambda run: (run / "config.toml").write_text('variant = "no-such"\ndataset = 3\n[options]\nlr = "x"\n'),
        lambda run: (run / "samples" / "step-00000004.png").write_text("a text"),
        lambda run: [p.unlink() or p.mkdir() for p in (run / "samples").glob("*.png")],
        lambda run: Image.new("1", (20_000, 20_000)).save(run / "samples" / "step-00000004.png"),
        lambda run: edit(run, metrics={"final": [3, {"metric": "x", "values": {"a": [1], "b": None}}], "best": {}}),
        lambda run: edit(run, step=10**400, images=-1, status="failed", warnings=[{"step": 1}], data={"count": "x"}),
    ],
    ids=["no TOML", "other settings", "a text as PNG", "folders as PNG", "400 megapixels", "metrics", "numbers"],
)
def test_other_damage_is_said_and_the_rest_is_shown(damage: Any, digits: Path, tmp_path: Path) -> None:
    run = copied(digits, tmp_path / "run")
    before = text_of(run, tmp_path / "a.html")
    damage(run)
    after = text_of(run, tmp_path / "b.html")
    assert after != before
    assert "<polyline" in after
    assert "Nearest training images" in after


def test_html_in_names_stays_a_text(digits: Path, tmp_path: Path) -> None:
    bad = "<script>alert(1)</script><img src=x onerror='alert(2)'>"
    run = copied(digits, tmp_path / bad.replace("/", "∕"))
    edit(run, reason=bad, status="failed", hardware=bad, command=[bad], data={"name": bad, "digest": bad},
         warnings=[{"step": 1, "name": bad, "message": bad}],
         metrics={"final": [{"metric": bad, "values": {bad: 1.0, "b": 2.0}}]})  # fmt: skip
    config = run / "config.toml"
    config.write_text(config.read_text().replace('dataset = "glyphs"', f'dataset = "{bad}"'))
    line = {"step": 99, "images": 1, "seconds": 1.0, f'"{bad}': 1.0, f"D({bad}": 2.0, "stage": bad}
    with open(run / "scalars.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    other = copied(digits, tmp_path / '"onmouseover="alert(3)')
    for text in (text_of(run, tmp_path / "a.html"), write_report([run, other], tmp_path / "b.html").read_text("utf-8")):
        assert text.count("<script>") == 1, "our own"
        assert "<img src=x" not in text
        assert '"onmouseover="' not in text
        assert text.count("&lt;script&gt;alert(1)") > 5


def test_what_is_no_run_is_refused_in_one_line(digits: Path, tmp_path: Path, invoke: Invoke) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("a")
    (tmp_path / "a.html").write_text("mine")
    for words, code, message in (
        (["report", "other"], 1, "other is not a run directory: run.json is missing"),
        (["report", "other/a.txt"], 1, "it is a file"),
        (["report", "nowhere"], 1, "nowhere is not a run directory: no such folder"),
        (["report", digits, digits / "../digits"], 2, "is named twice"),
        (["report"], 2, "Missing argument 'RUN...'"),
        (["report", digits, "-o", "a.html"], 2, "a.html exists: add --overwrite"),
        (["report", digits, "-o", "a.png"], 2, "a.png: name a FILE.html"),
        (["report", digits, "-o", "other"], 2, "other: name a FILE.html"),
        (["report", digits, "-o", "no/such/a.html"], 2, "no/such: no such folder"),
        (["report", digits, "-o", "/proc/a.html"], None, "/proc"),
        (["compare", digits, digits], 2, "is named twice"),
        (["compare", "other"], 1, "other is not a run directory"),
    ):  # fmt: skip
        if code is None:  # who may not write there is told so before, who may (root) afterwards
            code = 1 if os.access("/proc", os.W_OK) else 2
        done = invoke(*words, code=code)
        assert message in done.err
        assert len(done.err.strip().splitlines()) <= 4
    assert (tmp_path / "a.html").read_text() == "mine"
    with pytest.raises(UsageError, match="13 runs are too many"):
        write_report([tmp_path / str(i) for i in range(13)])
    with pytest.raises(UsageError, match="at least one"):
        write_report([])


def test_a_large_run_stays_below_the_limit(digits: Path, tmp_path: Path) -> None:
    run = copied(digits, tmp_path / "run")
    for i in range(60):
        noise = torch.randint(0, 256, (400, 400, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(i))
        Image.fromarray(noise.numpy()).save(run / "samples" / f"step-{100 + i:08d}.png")
    out = write_report([run], tmp_path / "a.html")
    text = out.read_text(encoding="utf-8")
    assert out.stat().st_size < LIMIT
    assert "moments, of 63 that were saved" in text
    assert "they are smaller or less exact here" in text


# At the end of a training


def test_a_training_names_its_page_in_its_last_line(invoke: Invoke, tmp_path: Path) -> None:
    words = [f"-o{key}={value}" for key, value in TINY.items() if key not in ("steps", "batch_size", "device")]
    done = invoke("train", "vanilla", "--steps", 3, "--batch-size", 4, *words, "--out", "a")
    assert done.out.strip() == "a"
    assert done.err.strip().splitlines()[-1] == "report:  a/report.html"
    done = invoke("train", "vanilla", "--steps", 3, "--batch-size", 4, *words, "-oreport=false", "--out", "b")
    assert "report:" not in done.err
    assert not (tmp_path / "b" / "report.html").exists()


def test_a_page_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RunError("no space")

    monkeypatch.setattr("ganzoo.report.page.replace_text", fails)
    with pytest.warns(TrainingWarning, match="report.html could not be written: RunError: no space"):
        run = ganzoo.train("vanilla", out=tmp_path / "run", **{**TINY, "dataset": "ring"})
    assert run.status == "finished"


def breaking(error: BaseException) -> Callable[..., None]:
    """An iteration that raises ``error`` in the seventh step."""
    iterate = Trainer.iterate

    def breaks(self: Trainer, stage: Stage, number: int) -> None:
        if number == 7:
            raise error
        iterate(self, stage, number)

    return breaks


def test_a_training_that_breaks_leaves_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "iterate", breaking(GanzooError("the seventh step")))
    with pytest.raises(GanzooError, match="the seventh step"):
        ganzoo.train("vanilla", "ring", out=tmp_path / "run", **TINY)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "<b>failed:</b> GanzooError: the seventh step" in text
    assert "<polyline" in text


def test_an_interrupted_training_leaves_its_page_and_one_in_a_hurry_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopAt(6)
    registry().attach(stop, "stop")
    try:
        with pytest.raises(Interrupted):
            ganzoo.train("vanilla", "ring", out=tmp_path / "run", **TINY)
    finally:
        registry().detach(stop)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "<b>interrupted:</b> Interrupted: SIGINT" in text

    monkeypatch.setattr(Trainer, "iterate", breaking(KeyboardInterrupt()))
    with pytest.raises(Interrupted, match="a second signal"):
        ganzoo.train("vanilla", "ring", out=tmp_path / "hurried", **TINY)
    assert (tmp_path / "hurried" / "scalars.jsonl").exists()
    assert not (tmp_path / "hurried" / "report.html").exists()


def test_the_page_changes_nothing_of_a_training(tmp_path: Path) -> None:
    from ganzoo.runtime.tensor_files import read_tensors

    half = {**TINY, "steps": 6}
    whole = ganzoo.train("vanilla", "ring", out=tmp_path / "whole", report=False, **TINY)
    ganzoo.train("vanilla", "ring", out=tmp_path / "cut", **half)
    assert (tmp_path / "cut" / "report.html").exists()
    resumed = ganzoo.train(out=tmp_path / "cut", resume=True, steps=12)
    one, other = (read_tensors(run.latest())[0] for run in (whole, resumed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
