"""A folder of runs of every state, and the gallery that shows it."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import ganzoo
from ganzoo.registry.registry import registry

NAME = "<img src=x onerror=alert(1)>"
"""A run with HTML in its name."""
RUNS = ["broken", "coded", "damaged", f"deep/{NAME}", "enlarger", "labelled", "started", "voxels", "waves"]
SITE = Path(__file__).parent.parent / "toys" / "site"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of 28-pixel digits: one with classes and three checkpoints, one without, a translator, and damaged ones."""
    root = tmp_path_factory.mktemp("gallery") / "runs"
    few = {"batch_size": 4, "width": 4, "lr": 2e-4, "device": "cpu"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short trainings are told what they lack
        # Steps so large that its samples differ in what a picture can show.
        large = {**few, "lr": 0.02}
        ganzoo.train("cgan", "glyphs", out=root / "labelled", steps=3, checkpoint_every=1, keep=3, **large)
        ganzoo.train("dcgan", "glyphs", out=root / "deep" / NAME, steps=1, **few)
        ganzoo.train("srgan", "glyphs", out=root / "enlarger", steps=1, metrics="", blocks=1, **few)
        with toys():
            ganzoo.train(
                "toy-infogan", "toy-pairs", out=root / "coded", steps=1, batch_size=4, device="cpu", metrics=""
            )
            for kind in ("waves", "voxels"):
                ganzoo.train(f"toy-{kind}", f"toy-{kind}", out=root / kind, steps=1, batch_size=4, device="cpu")
    shutil.copytree(root / "labelled", root / "damaged")
    (root / "damaged" / "generator.safetensors").write_bytes(b"no tensors")
    started = root / "started"
    started.mkdir()
    details = json.loads((root / "labelled" / "run.json").read_text()) | {"status": "interrupted", "step": 0}
    (started / "run.json").write_text(json.dumps(details | {"reason": "stopped by SIGINT"}))
    broken = root / "broken"
    broken.mkdir()
    (broken / "run.json").write_text('{"step": NaN}')
    (root / "notes").mkdir()
    (root / "notes" / "holiday.txt").write_text("no run")
    return root


@contextlib.contextmanager
def toys() -> Iterator[None]:
    """The plugin of the tests' toys is installed: one of its networks declares sampling settings."""
    sys.path.insert(0, str(SITE))
    registry.cache_clear()
    try:
        yield
    finally:
        sys.path.remove(str(SITE))
        registry.cache_clear()


@pytest.fixture(scope="session")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images to drop in: a good one, a text with an image's name, and one of 100 megapixels."""
    folder = tmp_path_factory.mktemp("uploads")
    Image.linear_gradient("L").resize((20, 12)).save(folder / "good.png")
    (folder / "text.png").write_text("this is no image")
    Image.new("1", (10_000, 10_000)).save(folder / "large.png")
    return folder


@contextlib.contextmanager
def opened(root: Path) -> Iterator[str]:
    """The address of a gallery in its own process, as a user starts it."""
    words = [sys.executable, "-m", "ganzoo", "gallery", str(root), "--port", "0", "--no-browser"]
    path = os.pathsep.join(filter(None, (str(SITE), os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address), process.communicate()
            yield address
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=60)[1]
            assert process.returncode == 128 + signal.SIGTERM, said
            assert "the gallery is closed" in said
            assert "Traceback" not in said
        finally:
            if process.poll() is None:
                process.kill()
