"""Runs a page of the documentation from its first block to its last, as a reader would who follows it."""

import contextlib
import importlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
import traceback
import warnings
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import ganzoo
from ganzoo.cli import main
from ganzoo.registry.registry import registry

from .exceptions import FAILS, NEEDS, NOT_COMPARED, NOT_EXECUTED, NOT_RUN
from .pages import ROOT, Block

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
PLACEHOLDERS = {
    "folder:PATH": "folder:photos", "pairs:PATH": "pairs:pairs", "unpaired:PATH": "unpaired:unpaired",
    "texts=FILE": "texts=texts.txt",
}  # fmt: skip
"""Words of synopses, and what a reader might put in their place."""
USUAL_RUN = re.compile(r"runs/(?P<variant>[\w-]+?)-(?P<data>[\w-]+)-s0(?=/|$)")
FILE = re.compile(r"^ *([\w-]+\.(?:png|gif|npz|npy|html))")
"""In a comment behind a command: what it writes where no option says so."""
WRITES = ("--output", "--out", "--maps", "--neighbours", "--panel")
"""Options that name what a command writes."""


class DocumentationError(AssertionError):
    """A block does not do what its page says."""


@dataclass
class Page:
    """A reader in an empty folder with files of their own.

    Attributes:
        folder: where they work.
        last: run directory of the last training, which RUN stands for; None where it needs what is not installed.
        names: what Python blocks have defined.
    """

    folder: Path
    last: str | None = ""
    names: dict[str, Any] = field(default_factory=dict)

    def run(self, block: Block) -> str:
        """Do what a block says; "" or why it was not done.

        Raises:
            DocumentationError: it does not work, or writes or says something else.
        """
        try:
            if block.kind == "command":
                return self.command(block)
            for (page, begins), why in NOT_EXECUTED.items():
                if page == block.page and block.text.startswith(begins):
                    return why
            if block.file:
                self.write(block)
            if block.kind == "python":
                self.python(block)
            elif block.kind == "toml":
                tomllib.loads(block.text)
            elif block.kind == "bash":
                self.script(block)
            elif block.kind == "text":
                self.tree(block)
            elif block.kind == "math":
                return "a formula: tests/pages builds the site, which refuses what it cannot read"
            elif block.kind == "output":
                raise DocumentationError("output without the command that prints it")
            else:
                raise DocumentationError(f"a block of {block.kind!r}: nobody runs it")
        except DocumentationError as error:
            raise DocumentationError(f"{block}\n{error}") from None
        except Exception as error:
            raise DocumentationError(f"{block}\n{traceback.format_exc()}") from error
        return ""

    def command(self, block: Block) -> str:
        """A line with a prompt."""
        line = block.text.partition(" #")[0].strip()
        if why := NOT_RUN.get(line):
            return why
        if (package := NEEDS.get(line)) and find_spec(package) is None:
            self.last = None if " train " in line else self.last
            return f"{package} is not installed"
        if "RUN" in line.split() and self.last is None:
            return "its training was not run"
        if block.page.endswith("card.md"):  # the commands of a card are examples, each for itself
            for usual in ("samples.png", "reconstructions.png"):
                Path(usual).unlink(missing_ok=True)
        words = [self.filled(word) for word in shlex.split(line)]
        before = dict(os.environ)
        while "=" in words[0]:
            key, _, value = words.pop(0).partition("=")
            os.environ[key] = value
        try:
            if words[:2] == ["ganzoo", "gallery"]:
                code, out, err = self.served(words)
            elif words[0] == "ganzoo":
                code, out, err = self.ganzoo(words[1:])
            elif words[:2] == ["pip", "install"]:
                code, out, err = self.pip(words[2:])
            elif words[0] in ("torchrun", "python"):
                code, out, err = self.process(words)
            else:
                raise DocumentationError("nobody runs such a command")
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.compare(block, line, code, out, err)
        named = [value for option, value in pairwise(words) if option in WRITES and not code]
        for name in [*named, *FILE.findall(block.text.partition(" #")[2])]:
            numbered = Path(name).with_name(f"{Path(name).stem}-0000{Path(name).suffix}")  # one of several
            if not Path(name).exists() and not numbered.exists():
                raise DocumentationError(f"{name} was not written")
        return ""

    def filled(self, word: str) -> str:
        """A word with a value in the place of a placeholder; runs of other pages are trained."""
        if word == "RUN":
            if not self.last:
                raise DocumentationError("RUN stands for the last training of the page, and there is none")
            return self.last
        if word in PLACEHOLDERS:
            return PLACEHOLDERS[word]
        return word

    def provide(self, words: list[str]) -> None:
        """Train the runs that a command reads and that another page has trained."""
        for word in words:
            found = USUAL_RUN.match(word)
            if found and not Path(found[0]).exists():
                variant, data = split_name(found[0])
                self.ganzoo(["train", variant, "--dataset", data])

    def ganzoo(self, words: list[str]) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command, in this process."""
        if words[0] not in ("train", "bench") or "--init-from" in words or "--resume" in words or "--config" in words:
            self.provide(words)
        code, out, err = spoken(words)
        if words[0] == "train" and code == 0 and "--dry-run" not in words:
            self.last = out.strip().splitlines()[-1]
        return code, out, err

    def pip(self, words: list[str]) -> tuple[int, str, str]:
        """An extra must be one of ganzoo's; a distribution is installed into a folder of its own."""
        if words[0] == "-e" or words == ["."]:
            source, site = str(Path(words[-1]).resolve()), self.folder / "site"
            done = subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                 "--target", str(site), source],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            sys.path.insert(0, str(site))
            importlib.invalidate_caches()
            registry.cache_clear()
            return done.returncode, done.stdout, done.stderr
        found = re.fullmatch(r"ganzoo\[([\w,]+)\]", words[0])
        if not found or not set(found[1].split(",")) <= set(EXTRAS):
            raise DocumentationError(f"{words[0]} is no extra of ganzoo")
        return 0, "", ""

    def process(self, words: list[str]) -> tuple[int, str, str]:
        """A command that starts processes; its ``ganzoo`` makes trainings short, too."""
        if words[0] == "torchrun":
            words = [sys.executable, "-m", "torch.distributed.run", *words[1:]]
            at = words.index("--no-python")
            words[at : at + 2] = [str(Path(__file__).with_name("short.py"))]
        else:
            words = [sys.executable, str(ROOT / words[1]), *words[2:]]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        return done.returncode, done.stdout, done.stderr

    def served(self, words: list[str]) -> tuple[int, str, str]:
        """A server is started, and stopped as a user stops it when it has said where it is."""
        Path("runs").mkdir(exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", *words, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline() + process.stderr.readline()  # the address, and that it is open
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        code = 0 if process.returncode == 130 else process.returncode  # 128 + SIGINT
        return code, re.sub(r":\d+/", ":8642/", first + out), err

    def compare(self, block: Block, line: str, code: int, out: str, err: str) -> None:
        """The exit code, and what the page shows as printed."""
        said = f"exit code {code}\n{out}\n{err}"
        if line in FAILS:
            if not code or FAILS[line] not in err:
                raise DocumentationError(f"expected to fail with {FAILS[line]!r}\n{said}")
            return
        fails = any(each.startswith("error:") for each in block.shown)
        if bool(code) != fails:
            raise DocumentationError(said)
        if "Traceback" in err:
            raise DocumentationError(said)
        if line in NOT_COMPARED:
            return
        printed = plain(out + "\n" + err)
        for part in block.shown:
            if part.strip() not in ("", "...") and plain(part) not in printed:
                raise DocumentationError(f"it does not print:\n{part}\n{said}")

    def python(self, block: Block) -> None:
        """A block of Python, in one namespace with those before it; a file of a plugin is imported by what needs it."""
        code = compile(block.text, f"{block.page}:{block.line}", "exec")
        if block.file:
            return
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("default")
            for name in re.findall(r'"(runs/[^"]+)"', block.text):
                self.provide([name])
            exec(code, self.names)

    def write(self, block: Block) -> None:
        """A file that a block says it is. A distribution is found as if it were installed, a module is imported."""
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))
        if path.name == "pyproject.toml":
            project = tomllib.loads(block.text)["project"]
            info = self.folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(
                f"Name: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
            )
            points = "".join(f"{key} = {value}\n" for key, value in project["entry-points"]["ganzoo"].items())
            (info / "entry_points.txt").write_text(f"[ganzoo]\n{points}", encoding="utf-8")
        importlib.invalidate_caches()
        if path.suffix == ".py":
            importlib.import_module(block.file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        registry.cache_clear()

    def script(self, block: Block) -> None:
        """The commands of a script, with the variables that a scheduler would set."""
        for line in block.text.splitlines():
            if line.startswith("ganzoo "):
                line = line.replace("$SLURM_ARRAY_TASK_ID", "1").replace("/scratch/", f"{self.folder}/scratch/")
                self.command(Block(block.page, block.line, "command", line))

    def tree(self, block: Block) -> None:
        """A listing of a run directory: what it names is there."""
        first, *rest = block.text.splitlines()
        if not first.endswith("/"):
            return
        for line in rest:
            name, _, about = line.strip().partition(" ")
            if "with `" not in about and not (Path(self.filled("RUN")) / name).exists():
                raise DocumentationError(f"{self.last} has no {name}")


def spoken(words: list[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``ganzoo WORDS``, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("default")
        try:
            main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, out.getvalue(), err.getvalue()


def split_name(path: str) -> tuple[str, str]:
    """Variant and data set of ``runs/VARIANT-DATA-s0``."""
    rest = path.removeprefix("runs/").removesuffix("-s0")
    variant = max((name for name in ganzoo.list_variants() if rest.startswith(f"{name}-")), key=len)
    data = rest.removeprefix(f"{variant}-")
    return variant, data if data in registry().datasets else f"folder:{data}"


def plain(text: str) -> str:
    """Text without the widths of its columns and the ends of its lines."""
    return " ".join(text.split())
