"""Encoders that learn after the game, to invert a generator that stands still: f-AnoGAN and IcGAN."""

from collections.abc import Callable

from ganzoo.plugin import Batch, Losses, Stage, State, Update


def game_then_encoder(
    steps: int,
    share: float,
    game: tuple[Update, ...],
    loss: Callable[[State, Batch], Losses],
    frozen: str,
) -> list[Stage]:
    """The stages: the last ``share`` of all ``steps`` trains the player ``encoder``, one step at least.

    Args:
        frozen: name of the network that stands still from then on. It becomes its average, which is what is saved: an
            encoder of the weights of the last step would serve another generator.
    """

    def freeze(state: State) -> None:
        if frozen in state.ema:
            state.networks[frozen].load_state_dict(state.ema[frozen].state_dict())

    last = min(max(1, round(steps * share)), steps)
    encoding = Stage("encoder", last, (Update("encoder", "encoder", loss),), begin=freeze)
    return [stage for stage in (Stage("adversarial", steps - last, game), encoding) if stage.steps]
