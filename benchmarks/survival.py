"""What becomes of trainings that are killed, and of files, images and options that are damaged or hostile.

    python benchmarks/survival.py --out benchmarks/results/survival.json [--kills 210] [--files 400] [--options 3000]

Every command runs in a process of its own, forked from one that has imported torch, so that a start costs little.

kills      each variant is trained and killed (SIGKILL) again and again: at random moments, and while a file is written.
           After every kill it is resumed. At the end it must equal a run that was never killed, to the last bit:
           weights, optimizers, averages, generators, history. Nothing may be left beside its files.
files      run directories and suites of which one file has random bytes changed, cut off or put in its place
options    random values for every setting of every variant
images     files that are not what they are called, bombs, pipes and cut images, in folders to train on and as input

How each command ended: "done"; "told" (one clear line, exit code 1 or 2); everything else is a fault and is listed.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # a forked process must not wait for threads that were not forked with it

import numpy as np
import torch
from PIL import Image
from records import short, write

from ganzoo.cli import main as ganzoo
from ganzoo.config.settings import FREE_KEYS, TRICK_KEYS
from ganzoo.data.needs import embedded_set
from ganzoo.models.load import load_variant
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import SECOND
from ganzoo.runs.history import history
from ganzoo.runs.run import checkpoints
from ganzoo.runtime.environment import environment, now
from ganzoo.runtime.tensor_files import read_tensors

PATIENCE = 60.0
"""Seconds after which a command counts as one that hangs."""
SMALL = {"batch_size": 4, "log_every": 5, "checkpoint_every": 5, "sample_every": 50, "metrics": ""}
"""Settings of all trainings here, unless the variant's ``tiny`` says another."""


class Command:
    """One call of the command line, in a forked process, with all that it says in a file."""

    def __init__(self, words: Sequence[object], said: Path) -> None:
        self.words, self.said = [str(word) for word in words], said
        sys.stdout.flush()
        self.process = os.fork()
        if self.process == 0:
            self._run()

    def _run(self) -> None:
        file = os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        code = 70
        try:
            ganzoo(self.words)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]  # there is an exception
        sys.stderr.flush()
        os._exit(code)

    def kill(self) -> bool:
        """Kill it; False when it had ended before."""
        found, _ = os.waitpid(self.process, os.WNOHANG)
        if found:
            return False
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        return True

    def end(self) -> str:
        """How it ended."""
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            found, status = os.waitpid(self.process, os.WNOHANG)
            if found:
                return self._told(status)
            time.sleep(0.002)
        self.kill()
        return "hangs"

    def _told(self, status: int) -> str:
        text = self.said.read_text(encoding="utf-8", errors="replace")
        if "Traceback" in text:
            return "traceback"
        if os.WIFSIGNALED(status):
            return f"signal {os.WTERMSIG(status)}"
        code = os.WEXITSTATUS(status)
        if code == 0:
            return "done"
        return "told" if code in (1, 2) and "rror" in text else f"exit code {code} without a word"


class Tally:
    """How commands ended, and which of them are faults."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.faults: list[dict[str, Any]] = []

    def add(self, command: Command, what: object) -> None:
        ended = command.end()
        self.ended[ended] += 1
        if ended not in ("done", "told"):
            last = command.said.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            self.faults.append({"ended": ended, "what": str(what)[:300], "said": " ".join(last)[:300]})

    def as_json(self) -> dict[str, Any]:
        return {"tried": self.ended.total(), "ended": dict(self.ended), "faults": self.faults}


# Kills


def train_words(name: str, out: Path, steps: int) -> list[object]:
    """The command that trains a variant small."""
    spec, variant = registry().variants.spec(name), load_variant(name)
    dataset = embedded_set(spec)
    second = ["--second", dataset] if any(need.startswith(SECOND) for need in spec.needs) else []
    width = {"width": 4} if "width" in {f.name for f in fields(variant.Options)} else {}
    settings = {**SMALL, **width, **variant.tiny, "steps": steps}
    chosen = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    return ["train", name, "--dataset", dataset, *second, *chosen, "--quiet", "--out", out]


def survive(name: str, kills: int, steps: int, folder: Path, chance: random.Random) -> dict[str, Any]:
    """Kill a training so often, resume it, and compare it with one that was left alone."""
    whole, out, said = folder / "whole", folder / "killed", folder / "said"
    start = train_words(name, whole, steps)
    began = time.monotonic()
    if (ended := Command(start, said).end()) != "done":
        return {"variant": name, "fault": f"{ended}: {said.read_text()[-300:]}"}
    alone = time.monotonic() - began
    done = writing = lost = 0
    while done < kills:
        resume = bool(out.exists())
        words = ["train", name, "--out", out, "--resume", "--quiet"] if resume else train_words(name, out, steps)
        command = Command(words, said)
        while_writing = chance.random() < 0.5
        moment = time.monotonic() + chance.uniform(0, alone * 0.7)
        while time.monotonic() < moment:
            if while_writing and out.exists() and any(True for _ in temporaries(folder)):
                break
            time.sleep(0.0002)
        caught = any(True for _ in temporaries(folder))
        if not command.kill():
            text = said.read_text(encoding="utf-8", errors="replace")
            if "Traceback" in text or (resume and "error" in text and "no checkpoint" not in text):
                lost += 1
            if out.exists() and not checkpoints(out):
                shutil.rmtree(out)  # killed before its first checkpoint: there is nothing to resume
            elif "finished" in (out / "run.json").read_text():
                shutil.rmtree(out)  # it came to its end before the kill: the next one begins anew
            continue
        done, writing = done + 1, writing + caught
    if not (out.exists() and checkpoints(out)):
        shutil.rmtree(out, ignore_errors=True)
        last = Command(train_words(name, out, steps), said).end()
    else:
        last = Command(["train", name, "--out", out, "--resume", "--quiet"], said).end()
    exact = last == "done" and same(whole, out)
    left = [path.name for path in temporaries(folder)]
    return {
        "variant": name,
        "kills": done,
        "while a file was written": writing,
        "lost": lost,
        "exact": exact,
        "left": left,
    }


def temporaries(folder: Path) -> Iterator[Path]:
    """What is half written."""
    for pattern in (".*.tmp", ".tmp*"):
        yield from folder.rglob(pattern)


def same(a: Path, b: Path) -> bool:
    """Whether two runs hold the same state and history."""
    one, two = (read_tensors(checkpoints(run)[-1])[0] for run in (a, b))
    equal = one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
    times = ("seconds",)
    lines = [[{k: v for k, v in line.items() if k not in times} for line in history(run)] for run in (a, b)]
    return equal and lines[0] == lines[1]


# Damaged files


def spoilt(content: bytes, chance: random.Random) -> bytes:
    """Random damage: flipped bits, a cut, random bytes, or something put in between."""
    kind, place = chance.randrange(5), chance.randrange(max(1, len(content)))
    if kind == 0:
        changed = bytearray(content or b"x")
        changed[place % len(changed)] ^= 1 << chance.randrange(8)
        return bytes(changed)
    if kind == 1:
        return content[:place]
    if kind == 2:
        return chance.randbytes(chance.randrange(100))
    if kind == 3:
        return content[:place] + chance.choice([b"[" * 5000, b"\xff\xfe", b"9" * 5000, b'"', b"null"]) + content[place:]
    start = chance.randrange(max(1, len(content)))
    return content[:place] + content[start : start + 50] + content[place:]


def damaged_files(count: int, folder: Path, chance: random.Random, tally: Tally) -> None:
    """Runs and suites of which one file is not what was written."""
    sound, said = folder / "sound", folder / "said"
    (folder / "suite.toml").write_text(
        'seeds = [0, 1]\ndatasets = ["ring"]\nmetrics = ["modes-2500"]\n[budget]\nimages = 64\n[settings]\n'
        'batch_size = 4\n[[entries]]\nvariant = "vanilla"\nsettings = { width = 8 }\n', encoding="utf-8",
    )  # fmt: skip
    assert Command([*train_words("vanilla", sound, 20)], said).end() == "done", said.read_text()
    bench = folder / "bench"
    assert Command(["bench", folder / "suite.toml", "--out", bench, "--quiet"], said).end() == "done", said.read_text()
    for _ in range(count):
        if chance.random() < 0.7:
            place = folder / "copy"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(sound, place)
            file = chance.choice(sorted(path for path in place.rglob("*") if path.is_file() and path.suffix != ".png"))
            file.write_bytes(spoilt(file.read_bytes(), chance))
            commands: list[list[object]] = [
                ["train", "--out", place, "--resume", "--quiet", "--steps", 25],
                ["sample", place, "--output", folder / "s.png", "--overwrite", "-n", 4],
                ["evaluate", place, "--metric", "modes-2500"],
            ]
        else:
            place = folder / "bench-copy"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(bench, place)
            suite = folder / "spoilt.toml"
            suite.write_bytes((folder / "suite.toml").read_bytes())
            files = [*(path for path in place.rglob("*.json*")), suite, suite, suite]
            file = chance.choice(sorted(files))
            file.write_bytes(spoilt(file.read_bytes(), chance))
            name = suite if file == suite else folder / "suite.toml"
            commands = [["bench", name, "--dry-run"], ["bench", name, "--out", place, "--table", "--quiet"]]
        for words in commands:
            tally.add(Command(words, said), f"{file.relative_to(folder)}: {short(words)}")


# Options


def odd_value(chance: random.Random) -> str:
    """Something that might stand behind ``-o KEY=``."""
    return chance.choice(
        [
            lambda: str(chance.randrange(-10, 100)),
            lambda: str(chance.randrange(-(10**12), 10**20)),
            lambda: "9" * chance.choice([10, 20, 400, 5000]),
            lambda: repr(chance.uniform(-2, 2)),
            lambda: f"{chance.choice(['', '-'])}1e{chance.randrange(-400, 400)}",
            lambda: chance.choice(
                ["nan", "inf", "-inf", "none", "true", "", " ", "💥", "\x1b[2J", "a=b", "../../x", "0x1"]
            ),
            lambda: "".join(chance.choice("abc,:/.-_0 ") for _ in range(chance.randrange(12))),
        ]
    )()


def odd_options(count: int, folder: Path, chance: random.Random, tally: Tally) -> None:
    """Settings of every variant, checked by ``--dry-run``, on points or on a few images: loading takes no time."""
    names, pictures = registry().variants.names(), folder / "pictures"
    for label in ("a", "b"):
        (pictures / label).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (16, 16), (i * 60, 0, 0)).save(pictures / label / f"{i}.png")
    for _ in range(count):
        name = chance.choice(names)
        keys = sorted({*FREE_KEYS, *TRICK_KEYS, *(f.name for f in fields(load_variant(name).Options))} - {"device"})
        pairs = {key: odd_value(chance) for key in chance.sample(keys, chance.choice([1, 1, 2]))}
        words = train_words(name, folder / "never", 2)[:-2]
        if words[3] != "ring":
            words[3] = f"folder:{pictures}"
        words += [word for key, value in pairs.items() for word in ("-o", f"{key}={value}")]
        tally.add(Command([*words, "--out", folder / "never", "--dry-run"], folder / "said"), pairs)


# Images


def hostile_images(folder: Path) -> dict[str, Callable[[Path], object]]:
    """Files to be called 1.png, by what they are."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8))

    def saved(kind: str, **options: Any) -> bytes:
        path = folder / f"made.{kind}"
        picture.save(path, format=kind, **options)
        return path.read_bytes()

    png, jpeg = saved("PNG"), saved("JPEG")
    bomb = png[:16] + (2**31 - 1).to_bytes(4, "big") * 2 + png[24:]
    return {
        "PostScript": lambda p: p.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\n"),
        "empty": lambda p: p.write_bytes(b""),
        "text": lambda p: p.write_bytes(b"hello"),
        "a cut PNG": lambda p: p.write_bytes(png[: len(png) // 2]),
        "a cut JPEG": lambda p: p.write_bytes(jpeg[: len(jpeg) // 2]),
        "a PNG of 2^31 pixels a side": lambda p: p.write_bytes(bomb),
        "zeros": lambda p: p.write_bytes(bytes(1000)),
        "a pipe": lambda p: os.mkfifo(p),
        "a folder": lambda p: p.mkdir(),
        "a link to itself": lambda p: p.symlink_to(p),
        "a link to nothing": lambda p: p.symlink_to("nothing"),
        "a link to a device": lambda p: p.symlink_to("/dev/zero"),
        "SVG": lambda p: p.write_bytes(b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        "HTML": lambda p: p.write_bytes(b"<html></html>"),
        "a PDF": lambda p: p.write_bytes(b"%PDF-1.4\n"),
        "flipped bits in a PNG": lambda p: p.write_bytes(spoilt(png, random.Random(1))),
        "a WebP": lambda p: p.write_bytes(saved("WEBP")),
        "a TIFF": lambda p: p.write_bytes(saved("TIFF")),
        "a GIF": lambda p: p.write_bytes(saved("GIF")),
    }


def images(folder: Path, tally: Tally) -> None:
    """Hostile files in a folder to train on, and as input of a translator."""
    said, run = folder / "said", folder / "srgan"
    assert Command(train_words("srgan", run, 2), said).end() == "done", said.read_text()
    for what, make in hostile_images(folder).items():
        place = folder / "pictures"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for i in range(2, 6):
            Image.new("RGB", (20, 20), (i * 40, 0, 0)).save(place / f"{i}.png")
        make(place / "1.png")
        words = ["train", "dcgan", "--dataset", f"folder:{place}", "-o", "resolution=16", "-o", "width=4", "--steps", 1]
        shutil.rmtree(folder / "run", ignore_errors=True)
        tally.add(
            Command([*words, "-o", "batch_size=2", "--quiet", "--out", folder / "run"], said), f"{what}, trained on"
        )
        given = ["sample", run, "--input", place / "1.png", "--output", folder / "large.png", "--overwrite"]
        tally.add(Command(given, said), f"{what}, as input")
        tally.add(Command(["data", "verify", f"folder:{place}"], said), f"{what}, looked at")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=210, help="over all variants")
    parser.add_argument("--steps", type=int, default=400, help="of each training that is killed")
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--options", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--variants", default="", help="of the kills, comma separated; default: all")
    parser.add_argument("--parts", default="kills,files,options,images", help="comma separated")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    names = [n for n in given.variants.split(",") if n] or registry().variants.names()
    chance, began = random.Random(given.seed), now()
    record: dict[str, Any] = {}
    parts = given.parts.split(",")
    with tempfile.TemporaryDirectory() as text:
        each, kills = -(-given.kills // len(names)), []
        for name in names if "kills" in parts else []:
            place = Path(text) / "kills"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            kills.append(survive(name, each, given.steps, place, chance))
            print(kills[-1], flush=True)
        for what, part in (
            ("files", lambda place, tally: damaged_files(given.files, place, chance, tally)),
            ("options", lambda place, tally: odd_options(given.options, place, chance, tally)),
            ("images", images),
        ):
            if what not in parts:
                continue
            tally, place = Tally(), Path(text) / what
            place.mkdir()
            part(place, tally)
            record[what] = tally.as_json()
            print(what, record[what], flush=True)
    record["kills"] = kills
    record["summary"] = {
        "kills": sum(found.get("kills", 0) for found in kills),
        "while a file was written": sum(found.get("while a file was written", 0) for found in kills),
        "runs lost": sum(found.get("lost", 1) for found in kills),
        "variants resumed exactly": f"{sum(found.get('exact', False) for found in kills)} of {len(kills)}",
        "faults": sum(len(record[what]["faults"]) for what in ("files", "options", "images") if what in record),
    }
    about = {
        key: value
        for key, value in environment(torch.device("cpu"), "unknown").items()
        if key in ("versions", "hardware")
    }
    numbers = " ".join(f"--{key} {getattr(given, key)}" for key in ("kills", "steps", "files", "options"))
    command = f"python benchmarks/survival.py {numbers}"
    write(given.out, {**record, **about, "seed": given.seed, "date": began, "command": command})


if __name__ == "__main__":
    main()
