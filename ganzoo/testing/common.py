"""What all checks share: how a broken contract is told, and the little training that is done over and over."""

import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import GanzooError, PluginError, describe
from ganzoo.models.state import Stage
from ganzoo.runs.trained import TrainedRun
from ganzoo.runtime.tensor_files import read_tensors
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import prepare
from ganzoo.training.stages import stages_of

STEPS = 10
"""Iterations of each little training, unless the variant's ``tiny`` says another number: what a variant does in every
eighth of them is seen too."""

CORE, TORCH = Path(__file__).parents[1], Path(torch.__file__).parent
STANDARD = Path(sysconfig.get_path("stdlib"))

Say = Callable[[str], None]


def require(met: bool, what: str) -> None:
    """Raise PluginError unless this part of the contract is met."""
    if not met:
        raise PluginError(f"contract not met: {what}.")


@contextmanager
def own_errors(where: str) -> Iterator[None]:
    """Within it, what a plugin raises is told as its own, with its place.

    An error of ganzoo stays what it is: a ConfigError of settings that do not fit, for example. So does one that no
    code of the plugin took part in.

    Raises:
        PluginError: the plugin raised something.
    """
    try:
        yield
    except GanzooError:
        raise
    except Exception as error:
        place = place_of(error)
        if not place:
            raise
        raise PluginError(f"contract not met: {where} raised {describe(error)} {place}.") from error


def place_of(error: BaseException) -> str:
    """Where a plugin's code raised, or what it called; empty for an error of the core alone."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if is_plugins(Path(frame.filename)):
            return f"at {Path(frame.filename).name}:{frame.lineno}, in {frame.name}"
    of_torch = bool(frames) and Path(frames[-1].filename).is_relative_to(TORCH)
    return "inside torch" if of_torch else ""


def line_of_plugin() -> str:
    """The place in the plugin's code that is being run."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if is_plugins(path):
            return f"{path.name}:{frame.f_lineno}"
        frame = frame.f_back
    return "an unknown place"


def is_plugins(path: Path) -> bool:
    """Whether a file of code is neither ours, nor torch's, nor Python's."""
    if path.is_relative_to(CORE) or path.is_relative_to(TORCH) or str(path).startswith("<"):
        return False
    return not path.is_relative_to(STANDARD) or bool({"site-packages", "dist-packages"} & set(path.parts))


@dataclass(frozen=True)
class Tiny:
    """A training of few steps, over and over.

    Attributes:
        settings, texts: as :func:`ganzoo.testing.check_variant` takes them.
        own_steps: the caller asks for this number of steps, which stays as it is.
    """

    name: str
    dataset: str
    settings: Mapping[str, Any]
    texts: Mapping[str, str]
    own_steps: bool = False

    @property
    def steps(self) -> int:
        """Iterations of all stages."""
        return int(self.texts.get("steps", self.settings["steps"]))

    def session(self, out: Path, resume: bool = False, every_step: bool = False) -> TrainingSession:
        """A training in ``out``; ``every_step`` keeps a checkpoint of every iteration."""
        every = {
            "checkpoint_every": 1 if every_step else self.steps,
            "keep": self.steps + 1,
            "sample_every": self.steps,
        }
        settings = {**self.settings, **every}
        dataset = None if resume else self.dataset
        with own_errors("setting it up"):
            return prepare(self.name, dataset, out=out, resume=resume, settings=settings, texts=self.texts)

    def lengthened(self, out: Path) -> "Tiny":
        """The same with steps enough for every stage: each of its updates is taken twice, and once more after that."""
        tiny, before = self, sys.maxsize
        while not self.own_steps:
            variant = tiny.session(out).variant
            with own_errors("its stages()"):
                stages = stages_of(variant)
            missing = sum(max(0, steps_needed(stage) - stage.steps) for stage in stages)
            if not missing or missing >= before:  # a stage of fixed length stays as short as it is
                break
            tiny, before = replace(tiny, settings={**tiny.settings, "steps": tiny.steps + missing}), missing
        return tiny


def steps_needed(stage: Stage) -> int:
    """Iterations in which all updates of a stage can be seen."""
    return 2 * max((update.every for update in stage.updates), default=1) + 2


def weights(run: TrainedRun) -> dict[str, Tensor]:
    """All tensors of the newest checkpoint."""
    return read_tensors(run.latest())[0]
