"""pix2pix and cyclegan beside the authors' code (junyanz/pytorch-CycleGAN-and-pix2pix): speed and quality.

    python benchmarks/translators.py speed --code FOLDER [--pairs 5] [--which pix2pix,cyclegan]
    python benchmarks/translators.py quality --code FOLDER [--seeds 0,1,2] [--epochs 5]

FOLDER is a check-out of that repository; its ``train.py`` and ``test.py`` are run unmodified. It needs ``dominate``.
Both codes have the same data, networks, batches, losses, optimizers, jitter and mirroring; DIFFERS says what remains.

`speed` runs one after the other, in processes of one thread, and records the ratio of each pair. Times are process
times, loading included (their loader without workers, so that its time counts). `quality` trains both for as many
steps with each seed and measures the same test pairs with ganzoo's metrics.
"""

import argparse
import json
import os
import random
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from records import write

DIFFERS = (
    "ganzoo makes the generated images once an iteration, as the authors' code does; in cyclegan with the identity's in"
    " one pass, and D sees real and generated images in one pass",
    "G's step computes no gradients of D's weights",
    "convolutions have their channels last in memory, and Adam is fused",
    "images are decoded once; the authors' code opens, resizes and converts each in every epoch, bicubically, ganzoo"
    " enlarges the decoded ones bilinearly",
    "the first and the innermost convolution of the U-Net have a bias",
    "D's loss is not halved, which does not change Adam's steps",
    "the learning rate falls every step, not every epoch",
    "cyclegan updates D before G; the authors' code G before D",
)
OUT = Path("benchmarks/results/translation")
WARM = 5
PRECISIONS = ("fp32", "bf16")
"""The authors' code computes in fp32; ganzoo's bf16 is a setting of its own, whose quality is measured as well."""
METRICS = ("l1-pairs", "psnr-pairs", "ssim-pairs", "sharpness-translated")


def work(name: str) -> dict[str, Any]:
    """What is compared: ganzoo's data and settings, and the same in words of the authors' options."""
    if name == "pix2pix":
        return {
            "dataset": "openmoji", "side": 128,
            "settings": {
                "batch_size": 1, "width": 64, "norm": "batch", "statistics": "running", "noise": False, "lr": 2e-4,
                "patch": 70,
                "ema_halflife": 0,
            },
            "options": (
                "--model pix2pix --netG unet_128 --batch_size 1 --no_dropout --input_nc 1"
                " --dataset_mode aligned --load_size 143 --crop_size 128"
            ),
        }  # fmt: skip
    return {
        "dataset": "earth", "side": 64,
        "settings": {
            "batch_size": 1, "width": 32, "blocks": 6, "patch": 70, "enlarge": "transposed", "ema_halflife": 0,
        },
        "options": (
            "--model cycle_gan --netG resnet_6blocks --ngf 32 --ndf 32 --batch_size 1"
            " --dataset_mode unaligned --load_size 71 --crop_size 64"
        ),
    }  # fmt: skip


def prepared(name: str, out: Path, **more: Any) -> Any:
    """ganzoo's training of that work, not begun."""
    import ganzoo

    kind = work(name)
    settings = {**kind["settings"], "resolution": kind["side"], "device": "cpu", **more}
    return ganzoo.prepare(name, kind["dataset"], out=out, settings=settings)


def own(name: str, steps: int, precision: str) -> dict[str, float]:
    """Images per second of ganzoo's training loop."""
    import torch
    from throughput import timed

    from ganzoo.training.session import setting

    with tempfile.TemporaryDirectory() as folder:
        job = prepared(name, Path(folder) / "run", steps=1_000, precision=precision)
        with setting(job.config, torch.device("cpu")):
            found = timed(job.variant, job.dataset, steps, torch.device("cpu"))
    return {key: found[key] for key in ("images_per_second", "step_ms")}


class Enough(BaseException):
    """The script has done its steps."""


def theirs(code: Path, script: str, words: list[str], seed: int, steps: int) -> dict[str, float]:
    """The authors' script, unmodified; with ``steps``, stopped after so many batches and timed."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # their code draws from it
    torch.manual_seed(seed)
    marks: list[float] = []
    plain = torch.utils.data.DataLoader.__iter__

    def counted(self: Any) -> Any:
        for batch in plain(self):
            marks.append(time.process_time())
            if steps and len(marks) > WARM + steps:
                raise Enough
            yield batch

    torch.utils.data.DataLoader.__iter__ = counted  # type: ignore[method-assign]  # that is how it is counted
    os.chdir(code)
    sys.path.insert(0, str(code))
    said, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115  # open until the process ends
    sys.argv = [script, *words]
    try:
        runpy.run_path(str(code / script), run_name="__main__")
    except Enough:
        pass
    finally:
        sys.stdout = said
    if not steps:
        return {"batches": float(len(marks))}
    return {"step_ms": 1e3 * (marks[WARM + steps] - marks[WARM]) / steps}


SMALL = {"width": 16, "batch_size": 4}
SMALL_OPTIONS = "--ngf 16 --ndf 16 --batch_size 4"
"""What `quality` trains: narrower, with larger batches, so that several seeds take minutes."""


def in_process(words: list[str]) -> dict[str, Any]:
    """One measurement in a process of its own, with one thread."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), *words], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def lay_out(name: str, folder: Path) -> None:
    """The data of that work as PNG files, as the authors' loaders want them."""
    import torch
    from PIL import Image

    from ganzoo.data.load import load_dataset
    from ganzoo.data.resize import convert_channels
    from ganzoo.metrics.context import as_uint8

    job = prepared(name, folder / "unused")
    for split in ("train", "test"):
        found = load_dataset(job.config.dataset, job.config, split)
        places = torch.arange(len(found.source))
        sides = [convert_channels(as_uint8(found.fetch(field, places)), 3) for field in ("images", "target")]
        for i, (a, b) in enumerate(zip(*sides, strict=True)):
            pictures = [Image.fromarray(side.permute(1, 2, 0).numpy()) for side in (a, b)]
            if name == "pix2pix":
                both = Image.new("RGB", (2 * pictures[0].width, pictures[0].height))
                for k, picture in enumerate(pictures):
                    both.paste(picture, (k * picture.width, 0))
                save(both, folder / split / f"{i:05}.png")
            else:
                for letter, picture in zip("AB", pictures, strict=True):
                    save(picture, folder / f"{split}{letter}" / f"{i:05}.png")


def save(picture: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def words_of(name: str, data: Path, runs: Path, *more: str) -> list[str]:
    """Options of the authors' train.py and test.py."""
    fixed = f"--dataroot {data} --checkpoints_dir {runs} --name run --gpu_ids -1 --num_threads 0"
    return [*fixed.split(), *work(name)["options"].split(), *more]


def speed(code: Path, names: list[str], pairs: int, steps: int) -> None:
    record: dict[str, Any] = {"what": "process time of a training step, one thread, ganzoo and the authors' code"}
    for name in names:
        rows = []
        with tempfile.TemporaryDirectory() as folder:
            lay_out(name, Path(folder) / "data")
            shown = ["--display_id", "-1", "--no_html"]
            words = words_of(name, Path(folder) / "data", Path(folder) / "runs", *shown)
            for _ in range(pairs):
                peer = in_process(["theirs", str(code), "train.py", "0", str(steps), *words])["step_ms"]
                row = {"authors_ms": peer}
                for precision in PRECISIONS:
                    row[precision] = in_process(["own", name, str(steps), precision])["step_ms"]
                rows.append({**row, **{f"ratio_{p}": peer / row[p] for p in PRECISIONS}})
                print(f"{name}: {rows[-1]}", file=sys.stderr, flush=True)
        kind = work(name)
        record[name] = {
            "median_ratio": {p: statistics.median(row[f"ratio_{p}"] for row in rows) for p in PRECISIONS},
            "pairs": rows,
            "authors_options": kind["options"], "ganzoo_settings": kind["settings"],
        }  # fmt: skip
        record.update(about(code))
        write(OUT / "authors-speed.json", record)


def quality(code: Path, seeds: list[int], epochs: int) -> None:
    import ganzoo

    name, rows = "pix2pix", []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lay_out(name, folder / "data")
        count = len(list((folder / "data" / "train").iterdir()))
        steps = epochs * -(-count // SMALL["batch_size"])
        for seed in seeds:
            runs = folder / f"runs-{seed}"
            constant = str(epochs // 2)
            train = ["--display_id", "-1", "--no_html", "--n_epochs", constant, "--n_epochs_decay"]
            train += [str(epochs - epochs // 2), "--save_epoch_freq", "1000"]
            words = words_of(name, folder / "data", runs, *SMALL_OPTIONS.split(), *train)
            begin = time.perf_counter()
            in_process(["theirs", str(code), "train.py", str(seed), "0", *words])
            minutes = {"authors": (time.perf_counter() - begin) / 60}
            # Their test.py takes one image at a time; with --eval it uses the statistics of the training.
            shown = ["--eval", "--results_dir", str(runs / "results"), "--num_test", "100000"]
            shown += ["--load_size", str(work(name)["side"]), *SMALL_OPTIONS.split()]
            in_process(["theirs", str(code), "test.py", str(seed), "0", *words_of(name, folder / "data", runs, *shown)])
            job = prepared(name, folder / "unused")
            results = runs / "results" / "run" / "test_latest" / "images"
            row: dict[str, Any] = {"seed": seed, "authors": measured(pictures_of(results), job)}
            for precision in PRECISIONS:
                out = folder / f"{precision}-{seed}"
                begin = time.perf_counter()
                in_process(["train", str(out), str(steps), str(seed), precision])
                minutes[precision] = (time.perf_counter() - begin) / 60
                row[precision] = measured(ganzoo.open_run(out).translator(None), job)
            rows.append({**row, "minutes": minutes})
            print(rows[-1], file=sys.stderr, flush=True)
            write(OUT / "authors-quality.json", {
                "what": "pix2pix of the authors' code, and of ganzoo in two precisions, as many steps, same test pairs",
                "steps": steps, "rows": rows, "authors_options": f"{work(name)['options']} {SMALL_OPTIONS}",
                "ganzoo_settings": {**work(name)["settings"], **SMALL}, **about(code),
            })  # fmt: skip


def pictures_of(results: Path) -> Any:
    """The results of the authors' test.py in the place of a network: they come in the order of the inputs."""
    import numpy as np
    import torch
    from PIL import Image

    from ganzoo.models.interfaces import Translator

    files = sorted(results.glob("*_fake_B.png"))

    class Pictures(Translator):
        position = 0

        def forward(self, images: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
            chosen = files[self.position : self.position + len(images)]
            self.position = (self.position + len(images)) % len(files)
            arrays = [torch.from_numpy(np.array(Image.open(file).convert("RGB"))) for file in chosen]
            return torch.stack(arrays).permute(0, 3, 1, 2).float() / 127.5 - 1

    return Pictures()


def measured(network: Any, job: Any) -> dict[str, float]:
    """Headlines of METRICS on the test pairs."""
    import torch

    from ganzoo.data.load import load_dataset
    from ganzoo.metrics.base import take
    from ganzoo.metrics.context import EvaluationContext
    from ganzoo.metrics.measure import load_metrics
    from ganzoo.metrics.targets import NetworkTarget

    def load(split: str) -> Any:
        return load_dataset(job.config.dataset, job.config, split or "train")

    target = NetworkTarget("x", {}, tuple(job.dataset.info.shape), roles={"generator": network}, translator=network)
    context = EvaluationContext(target, job.config.dataset, load, torch.device("cpu"))
    found = {}
    for metric in load_metrics(list(METRICS)):
        values = take(metric, context).values
        found[metric.spec.name] = next(iter(values.values()))
    return found


def train(out: Path, steps: int, seed: int, precision: str) -> dict[str, float]:
    """ganzoo's training for `quality`."""
    more = {**SMALL, "precision": precision, "lr_schedule": "linear", "metrics": ""}
    prepared("pix2pix", out, steps=steps, seed=seed, **more).train()
    return {"steps": float(steps)}


def about(code: Path) -> dict[str, Any]:
    import platform

    import torch

    import ganzoo

    commit = subprocess.run(["git", "-C", str(code), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "authors_code": "junyanz/pytorch-CycleGAN-and-pix2pix", "commit": commit.stdout.strip(),
        "command": "python " + " ".join(["benchmarks/translators.py", *sys.argv[1:2], "--code FOLDER", *sys.argv[4:]]),
        "differs": DIFFERS, "date": date.today().isoformat(), "hardware": "AMD EPYC, two cores, one thread each run",
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "ganzoo": ganzoo.__version__},
    }  # fmt: skip


def main() -> None:
    if sys.argv[1:2] == ["theirs"]:
        code, script, seed, steps = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
        print(json.dumps(theirs(code, script, sys.argv[6:], seed, steps)))
        return
    if sys.argv[1:2] == ["own"]:
        print(json.dumps(own(sys.argv[2], int(sys.argv[3]), sys.argv[4])))
        return
    if sys.argv[1:2] == ["train"]:
        print(json.dumps(train(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "quality"])
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--which", default="pix2pix,cyclegan")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=int, default=5)
    asked = parser.parse_args()
    code = asked.code.resolve()
    if asked.what == "speed":
        speed(code, asked.which.split(","), asked.pairs, asked.steps)
    else:
        quality(code, [int(seed) for seed in asked.seeds.split(",")], asked.epochs)


if __name__ == "__main__":
    main()
