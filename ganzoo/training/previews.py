"""The pictures of a training over time: the same latents at every step."""

import warnings
from pathlib import Path

from ganzoo.errors import describe
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.report.films import save_timelapse
from ganzoo.report.pictures import drawn, origin_of, save_picture
from ganzoo.runs.run import Run
from ganzoo.training.diagnostics import TrainingWarning

TIMELAPSE = "timelapse.gif"
"""The film of a training in its run directory."""


def save_preview(variant: Variant, state: State, path: Path) -> None:
    """Draw the network of the first role, by its average where there is one.

    Raises:
        RunError: the file cannot be written.
        PluginError: samples of a kind that no one can draw.
    """
    network = variant.trained(state, variant.main_role)
    training = network.training
    network.eval()  # without an average it is the one that is trained: its running statistics must not move
    try:
        samples, columns = variant.preview(network)
    finally:
        network.train(training)
    run = path.absolute().parent.parent.name
    said = origin_of(variant, run, state.step, seed=variant.config.seed, weights=weights_of(variant, state))
    save_picture(path, drawn(variant, samples), columns, said)


def weights_of(variant: Variant, state: State) -> str:
    """Whose samples a preview shows: those of the averaged weights, or of the trained ones."""
    return "EMA" if variant.exports()[variant.main_role] in state.ema else "raw"


def leave_timelapse(run: Run, step: int) -> None:
    """Write the film of a training up to ``step``, from its pictures: those before a resume are in it.

    A failure is a warning, and noted in the details of the run.
    """
    try:
        save_timelapse(run.path / TIMELAPSE, run.path, until=step)
    except Exception as error:  # a picture that someone has replaced, a full disk: the run is whole without the film
        message = describe(error)
        run.details.setdefault("warnings", []).append({"step": step, "name": "timelapse-failed", "message": message})
        warnings.warn(f"timelapse-failed at step {step:,}: {message}", TrainingWarning, stacklevel=2)
