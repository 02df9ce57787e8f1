"""The pictures of a training over time: the same latents at every step."""

from pathlib import Path

from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo.report.pictures import drawn, origin_of, save_picture


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
