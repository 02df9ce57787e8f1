"""Commands are run in this process, where torch is imported already: a subprocess for each would take minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import ganzoo
from ganzoo.cli import main


@dataclass
class Done:
    code: int
    out: str
    err: str


Invoke = Callable[..., Done]


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Invoke:
    """``invoke("list", "--json")`` is ``ganzoo list --json``; ``code`` is the exit code that must come."""

    def call(*words: object, code: int = 0) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        done = Done(int(ended.value.code or 0), said.out, said.err)
        assert done.code == code, f"exit code {done.code}\n{done.out}\n{done.err}"
        assert "Traceback" not in done.err
        return done

    return call


def tiny_run(out: Path, variant: str, dataset: str, lr: float = 2e-4) -> Path:
    return ganzoo.train(variant, dataset, out=out, steps=2, batch_size=4, width=4, lr=lr, device="cpu").path


@pytest.fixture(scope="module")
def labelled_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With steps so large that samples of neighbouring latents differ in what a picture can show."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "labelled", "cgan", "glyphs", lr=0.02)


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("runs") / "plain", "dcgan", "glyphs")


@pytest.fixture(scope="module")
def points_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("runs") / "points", "vanilla", "ring")
