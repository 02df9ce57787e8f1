"""Suites and their tables: what is refused, what is left out and why, numbers against hand computations."""

import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest

from ganzoo.bench import page, runner, table
from ganzoo.bench.suite import Suite, find, read, shard
from ganzoo.data.needs import unmet
from ganzoo.errors import ConfigError, RunError, UnknownNameError
from ganzoo.models.load import load_variant
from ganzoo.registry.registry import registry

from ..conftest import Cli

GOOD = """
about = "a test"
seeds = [0, 1]
datasets = ["ring"]
metrics = ["modes-2500"]
[budget]
images = 640
[[entries]]
variant = "vanilla"
settings = { width = 8 }
"""


PUBLISHED = """
[[published]]
label = "vanilla"
dataset = "ring"
metric = "modes-2500"
value = 7.5
source = "A paper"
differs = "more samples"
"""


def suite(tmp_path: Path, text: str = GOOD, **arguments: Any) -> Suite:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return read(path, **arguments)


def test_jobs_are_every_entry_on_every_set_with_every_seed(tmp_path: Path) -> None:
    found = suite(tmp_path, GOOD.replace('["ring"]', '["ring", "grid"]'))
    assert [job.name for job in found.jobs] == [
        "vanilla-ring-s0", "vanilla-ring-s1", "vanilla-grid-s0", "vanilla-grid-s1",
    ]  # fmt: skip
    assert found.jobs[0].images == 640
    assert found.jobs[0].settings == {"width": 8}
    assert [job.seed for job in suite(tmp_path, seeds=3).jobs] == [0, 1, 2]
    assert [job.name for job in shard(found.jobs, "2/3")] == ["vanilla-ring-s1"]
    assert sum((shard(found.jobs, f"{i}/3") for i in (1, 2, 3)), ()) != ()


def test_an_entry_takes_a_preset_which_its_settings_change(tmp_path: Path) -> None:
    plain = GOOD.replace("settings = { width = 8 }", 'preset = "paper"')
    (job, _) = suite(tmp_path, plain).jobs
    assert (job.name, job.label) == ("vanilla-paper-ring-s0", "vanilla, paper")
    assert job.settings["width"] == 256
    assert job.settings["dropout"] == 0.3
    changed = suite(tmp_path, plain + "settings = { width = 4 }\n").jobs[0]
    assert (changed.settings["width"], changed.settings["dropout"]) == (4, 0.3)
    of_all = plain.replace("[budget]", "[settings]\nwidth = 6\n[budget]")
    assert suite(tmp_path, of_all).jobs[0].settings["width"] == 6
    assert "steps" in load_variant("sngan").presets["paper"], "the budget says how long"
    steps = plain.replace('"vanilla"', '"sngan"').replace('"ring"', '"glyphs"').replace('"modes-2500"', "")
    assert "steps" not in suite(tmp_path, steps).jobs[0].settings
    with pytest.raises(UnknownNameError, match="unknown preset of vanilla 'papr': did you mean 'paper'"):
        suite(tmp_path, plain.replace('"paper"', '"papr"'))


def test_shards_are_a_partition(tmp_path: Path) -> None:
    jobs = suite(tmp_path, seeds=7).jobs
    parts = [shard(jobs, f"{i}/3") for i in (1, 2, 3)]
    assert sorted(job.name for part in parts for job in part) == sorted(job.name for job in jobs)


@pytest.mark.parametrize("name", list(registry().suites))
def test_every_registered_suite_is_sound(name: str) -> None:
    found = read(find(name), name)
    assert found.jobs
    assert found.about


def test_all_means_every_variant_that_can_run_on_the_data() -> None:
    found = read(find("smoke"), "smoke")
    assert {job.variant for job in found.jobs} == {
        n for n in registry().variants if not unmet(registry().variants.spec(n), registry().datasets.spec("glyphs"))
    }


def test_what_all_leaves_out_is_said_with_its_reason(tmp_path: Path) -> None:
    found = suite(tmp_path, GOOD.partition("[[entries]]")[0])
    assert "dcgan cannot run on ring: it models images, and data set 'ring' has points" in found.left_out
    assert "dcgan" not in {job.variant for job in found.jobs}
    assert found.left_out[0] in table.markdown(found, [])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (('"vanilla"', '"vanila"'), UnknownNameError, "did you mean 'vanilla'"),
        (('"modes-2500"', '"modes"'), UnknownNameError, "unknown metric 'modes'"),
        (('"ring"', '"rings"'), UnknownNameError, "unknown dataset 'rings'"),
        (('"ring"', '"glyphs"'), None, ""),
        (("images = 640", "images = 640\nminutes = 3"), ConfigError, "it must say images or minutes, one of them"),
        (("images = 640", ""), ConfigError, "says nothing"),
        (("images = 640", "images = -1"), ConfigError, "must be a whole number above 0"),
        (("images = 640", "steps = 3"), UnknownNameError, "unknown key 'steps'"),
        (("about", "abut"), UnknownNameError, "did you mean 'about'"),
        (("width = 8", "seed = 8"), ConfigError, "a suite says it in its own place"),
        (("[0, 1]", "[0, 0]"), ConfigError, "none twice"),
        (("[0, 1]", "[]"), ConfigError, "at least one"),
        (("[budget]", "[budget"), ConfigError, "not valid TOML"),
        (("width = 8", "widht = 8"), UnknownNameError, "did you mean 'width'"),
        (("width = 8", "width = -8"), ConfigError, "width = -8"),
        (('variant = "vanilla"', 'label = "x"'), ConfigError, "names no variant"),
        (
            ("[[entries]]", PUBLISHED.replace("vanilla", "wgan") + "[[entries]]"),
            UnknownNameError,
            "unknown label 'wgan'",
        ),
        (("[[entries]]", PUBLISHED.replace("7.5", "'7.5'") + "[[entries]]"), ConfigError, "is not a number"),
        (
            ("[[entries]]", PUBLISHED.replace("ring", "grid") + "[[entries]]"),
            UnknownNameError,
            "unknown dataset 'grid'",
        ),
        (('"vanilla"', '"dcgan"'), ConfigError, "dcgan cannot run on ring: it models images, and data"),
    ],
)
def test_what_is_wrong_with_a_suite_is_said(
    tmp_path: Path, change: tuple[str, str], error: type[Exception] | None, message: str
) -> None:
    text = GOOD.replace(*change)
    if error is None:
        assert suite(tmp_path, text).jobs
        return
    with pytest.raises(error, match=message):
        suite(tmp_path, text)


def test_names_that_are_no_suite(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mnist'"):
        find("mnits")
    with pytest.raises(UnknownNameError, match="unknown entry 'wgan'"):
        suite(tmp_path, variants=("wgan",))
    for text in ("3/2", "0/2", "a/b", "2"):
        with pytest.raises(ConfigError, match="write I/N"):
            shard(suite(tmp_path).jobs, text)


def test_a_folder_of_another_suite_is_refused(tmp_path: Path) -> None:
    first = suite(tmp_path)
    runner.claim(tmp_path / "out", first)
    runner.claim(tmp_path / "out", first)
    other = suite(tmp_path, GOOD.replace("640", "641"))
    with pytest.raises(RunError, match="with other content"):
        runner.claim(tmp_path / "out", other)
    with pytest.raises(RunError, match="holds no results of a suite"):
        runner.claim(tmp_path, first)


def test_what_is_set_beside_results_may_change_when_they_are_there(tmp_path: Path) -> None:
    runner.claim(tmp_path / "out", suite(tmp_path))
    other = suite(tmp_path, GOOD.replace("a test", "a better word") + PUBLISHED)
    runner.claim(tmp_path / "out", other)
    whole = {"suite": other.name, "content": {**other.content, "about": "as earlier versions marked folders"}}
    (tmp_path / "out" / runner.MARK).write_text(json.dumps(whole))
    runner.claim(tmp_path / "out", other)


def test_a_published_number_stands_beside_a_metric_against_another_set(tmp_path: Path) -> None:
    both = GOOD.replace('["modes-2500"]', '["modes-2500", "psnr vs folder:Set5"]')
    found = suite(tmp_path, both + PUBLISHED.replace("modes-2500", "psnr vs Set5"))
    row = table.Row("vanilla", "vanilla", "ring", [0])
    row.final["psnr vs Set5"] = table.Value({0: 31.0349})
    header, (cells,), notes = table.grid(found, [row])
    place = header.index("psnr vs Set5 [dB] ↑")
    assert header[place + 1] == "published"
    assert (cells[place], cells[place + 1]) == ("31.03", f"7.5 [{notes.index('A paper; more samples') + 1}]")
    del row.final["psnr vs Set5"]
    header, (cells,), notes = table.grid(found, [row])
    reason = notes.index("psnr vs Set5 of vanilla on ring: not measured") + 1
    assert cells[header.index("psnr vs Set5 [dB] ↑")] == f"– [{reason}]"
    assert "7.5" in cells[header.index("published")]


@pytest.mark.parametrize(("values", "drawn"), [([28.4, 28.4], False), ([28.4, 28.5], True), ([28.4], True)])
def test_only_what_never_changes_has_no_chart(tmp_path: Path, values: list[float], drawn: bool) -> None:
    run = tmp_path / "runs" / "a"
    run.mkdir(parents=True)
    lines = [json.dumps({"step": i, "seconds": 6.0, "psnr vs Set5 bicubic": value}) for i, value in enumerate(values)]
    (run / "scalars.jsonl").write_text("\n".join(lines) + "\n")
    row = table.Row("vanilla", "vanilla", "ring", [0], runs=["a"])
    made = page.course_chart(tmp_path, suite(tmp_path), [row], "psnr vs Set5 bicubic", {})
    assert (made is not None) == drawn


# Tables


def finished(folder: Path, name: str, values: list[float], **details: Any) -> None:
    """A run as the runner leaves it, without the training."""
    path = folder / "runs" / name
    (path / "samples").mkdir(parents=True)
    (folder / "jobs").mkdir(exist_ok=True)
    result = {"metric": "modes-2500", "values": {"found": values[-1], "of": 8.0}}
    run = {
        "images": 640, "device": "cpu", "hardware": "A processor", "threads": 1,
        "metrics": {"final": [result], "best": [{**result, "values": {"found": max(values), "of": 8.0}}]}, **details,
    }  # fmt: skip
    (path / "run.json").write_text(json.dumps(run))
    lines = [{"step": i, "seconds": 6.0, "modes-2500": value} for i, value in enumerate(values)]
    (path / "scalars.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    job = {"status": "finished", "omitted": {"psnr": "it draws samples"}, "parameters": {"generator": 1_234_567}}
    (folder / "jobs" / f"{name}.json").write_text(json.dumps(job))


def three(tmp_path: Path) -> tuple[Path, Suite]:
    text = GOOD.replace('["modes-2500"]', '["modes-2500", "psnr"]') + PUBLISHED
    found = suite(tmp_path, text, seeds=4)
    folder = tmp_path / "out"
    for seed, values in enumerate(([3.0, 6.0], [8.0, 7.0], [2.0, 8.0])):
        finished(folder, f"vanilla-ring-s{seed}", values)
    (folder / "jobs" / "vanilla-ring-s3.json").write_text('{"status": "failed", "reason": "TrainingError: not-finite"}')
    return folder, found


def test_means_have_the_interval_of_students_t(tmp_path: Path) -> None:
    folder, found = three(tmp_path)
    (row,) = table.collect(folder, found)
    final = row.final["modes-2500"]
    assert final.mean == pytest.approx(7)
    assert final.half == pytest.approx(4.303 * statistics.stdev([6, 7, 8]) / math.sqrt(3))
    assert str(final) == "7.0 ± 2.5"
    assert row.minutes.mean == pytest.approx(0.2)
    assert row.rate.mean == pytest.approx(640 / 12)
    assert row.best["modes-2500"].mean == pytest.approx((6 + 8 + 8) / 3)


def test_nothing_is_missing_without_a_reason(tmp_path: Path) -> None:
    folder, found = three(tmp_path)
    rows = table.collect(folder, found)
    text = table.markdown(found, rows)
    assert "| 3 [1] |" in text
    assert "1. seed 3 of vanilla on ring: TrainingError: not-finite" in text
    assert "7.5 [2]" in text
    assert "2. A paper; more samples" in text
    assert "psnr of vanilla on ring: it draws samples" in text
    assert table.LAST_LINE in text
    assert "A processor, 1 thread(s)" in text
    latex = table.latex(found, rows)
    assert r"$7.0 $\pm$ 2.5" not in latex
    assert r"7.0 $\pm$ 2.5" in latex
    assert latex.count(r"\\") == 2
    assert r"\footnotesize 2. A paper; more samples" in latex
    lines = table.comma_separated(found, rows).splitlines()
    assert "vanilla,vanilla,ring,1,final,modes-2500,7.0" in lines
    assert "vanilla,vanilla,ring,3,failed,,TrainingError: not-finite" in lines


def test_the_page_holds_table_curves_and_samples(tmp_path: Path) -> None:
    from PIL import Image

    folder, found = three(tmp_path)
    Image.new("L", (20, 20), 99).save(folder / "runs" / "vanilla-ring-s0" / "samples" / "step-00000001.png")
    rows = table.collect(folder, found)
    page.write(folder, found, rows)
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert text.count("<polyline") == 3
    assert text.count("data:image/png;base64,") == 1
    assert "7.0 ± 2.5" in text
    assert "http:" not in text, "nothing to load"
    assert "https:" not in text, "nothing to load"
    assert page.course(folder, "vanilla-ring-s1", "modes-2500") == [(0.1, 8.0), (0.2, 7.0)]


def test_numbers_show_two_digits_of_their_uncertainty_and_four_of_a_single_seed() -> None:
    assert str(table.Value({0: 320_000, 1: 320_000})) == "320,000"
    assert str(table.Value({0: 0.12344})) == "0.1234"
    assert [str(table.Value({0: v})) for v in (31.0349, 3305.24, 320_000.5, -0.5)] == [
        "31.03", "3,305", "320,000", "-0.5000",
    ]  # fmt: skip
    assert [table.timing(table.Value(v)) for v in ({}, {0: 28.482}, {0: 0.0178512}, {0: 65.53})] == [
        "", "28.5", "0.018", "65.5",
    ]  # fmt: skip
    assert str(table.Value({0: 1.0, 1: 1.002})).startswith("1.001 ± 0.0127"[:9])
    assert str(table.Value({0: 1500.0, 1: 1900.0})) == "1,700 ± 2,541"


def test_what_is_not_finite_or_lacks_of_some_seeds_is_said(tmp_path: Path) -> None:
    folder, found = three(tmp_path)
    path = folder / "runs" / "vanilla-ring-s1" / "run.json"
    run = json.loads(path.read_text())
    run["metrics"]["final"][0]["values"]["found"] = float("inf")
    path.write_text(json.dumps(run))
    (folder / "jobs" / "vanilla-ring-s0.json").write_text(
        json.dumps({"status": "failed", "reason": "CUDA error\nsecond | line & <b>"})
    )
    rows = table.collect(folder, found)
    text = table.markdown(found, rows)
    assert rows[0].final["modes-2500"].values == {2: 8.0}
    assert "modes-2500 of vanilla on ring, seed 1: it is inf" in text
    assert "CUDA error second" in text
    table.write(folder, found, rows)
    page.write(folder, found, rows)
    assert json.loads((folder / "table.json").read_text())["rows"][0]["seeds"] == [1, 2]
    assert "&lt;b&gt;" in (folder / "index.html").read_text(encoding="utf-8")
    for line in (folder / "table.tex").read_text(encoding="utf-8").splitlines():
        assert line.startswith(("\\", "trained", "vanilla")), "nothing of a reason stands on its own line"


def test_a_run_that_took_no_time_has_no_rate(tmp_path: Path) -> None:
    found = suite(tmp_path, seeds=1)
    finished(tmp_path / "out", "vanilla-ring-s0", [1.0])
    (tmp_path / "out" / "runs" / "vanilla-ring-s0" / "scalars.jsonl").write_text("")
    assert "vanilla" in table.markdown(found, table.collect(tmp_path / "out", found))


def test_quality_per_minute_stands_beside_what_others_reach(tmp_path: Path, ganzoo_cli: Cli) -> None:
    (tmp_path / "race.toml").write_text(
        """
about = "a race"
seeds = [0, 1]
datasets = ["ring"]
metrics = ["modes-2500"]
[budget]
images = 32_000
[settings]
width = 8
batch_size = 40
clock = "processor"  # other programs must not move the marks
metric_minutes = "0.005,0.01,100"
[[entries]]
variant = "vanilla"
[[published]]
label = "their script"
dataset = "ring"
metric = "modes-2500"
value = 5
minutes = 0.01
source = "its samples, measured by ganzoo"
""",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    done = ganzoo_cli("bench", str(tmp_path / "race.toml"), "--out", str(out))
    assert done.returncode == 0, done.stderr
    table = (out / "table.md").read_text(encoding="utf-8")
    assert table in done.stdout
    _, race = table.split("## modes-2500")
    lines = [line for line in race.splitlines() if line.startswith("|")]
    assert lines[0] == "| trained | 0.005 min | 0.01 min | 100 min |"
    ours, theirs = lines[2:]
    assert ours.startswith("| vanilla | ")
    assert ours.endswith(" | – |"), "no training was as long"
    assert theirs == "| their script [1] | – | 5 | – |"
    (recorded,) = json.loads((out / "table.json").read_text(encoding="utf-8"))["minutes"]
    assert recorded["rows"][1]["minutes"] == {"0.01": {"0": 5}}
    assert set(recorded["rows"][0]["minutes"]) <= {"0.005", "0.01"}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "Quality per minute" in page
    assert "their script [1]" in page


def test_an_arrow_belongs_to_the_metric_and_not_to_what_stands_beside_it() -> None:
    assert table.title("modes-stacked-mnist-26k") == "modes-stacked-mnist-26k ↑"
    assert table.title("modes-stacked-mnist-26k KL") == "modes-stacked-mnist-26k KL", "less is better there"
    assert table.title("l1-pairs@b2a") == "l1-pairs@b2a ↓"
    assert table.title("l1-pairs@b2a input") == "l1-pairs@b2a input", "the input's own distance is no result"
