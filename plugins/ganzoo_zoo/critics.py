"""What variants with a critic share: it steps several times for one step of the generator."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from ganzoo.plugin import Losses, State, Update

N_CRITIC = "n_critic says how often the critic steps"
"""Why such a variant refuses ``d_steps``."""


def with_critic(
    updates: Iterable[Update], n_critic: int, after: Callable[[State, Losses], None] | None = None
) -> tuple[Update, ...]:
    """Updates in which the generator steps in every ``n_critic``-th iteration, so that an iteration is one step of the
    critic and images are counted as they are seen.

    Args:
        after: called after every step of the critic.
    """
    found = []
    for update in updates:
        if update.name == "discriminator" and after is not None:
            update = replace(update, after=after)
        found.append(replace(update, every=n_critic * update.every) if update.player == "generator" else update)
    return tuple(found)
