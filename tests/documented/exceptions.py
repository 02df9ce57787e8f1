"""What of the documentation is not run here, or not compared, and why. A test counts it, and fails for what is stale."""

SETS_UP = "sets up a machine: CI runs it as a job of its own"
DOWNLOADS = "downloads from the internet"
SERVER = "a program of others that runs until it is stopped"
GPUS = "needs several machines, or GPUs"
HOURS = "a measurement of minutes to hours, whose record is in the repository"

NOT_RUN: dict[str, str] = {
    "make demo": SETS_UP,
    "make test": SETS_UP,
    "pip install .": SETS_UP,
    "ganzoo data fetch mnist": DOWNLOADS,
    "ganzoo data verify mnist": "the small MNIST here has other checksums than the published one",
    "tensorboard --logdir runs": SERVER,
    "wandb login": DOWNLOADS,
    "ganzoo train cgan --dataset mnist --logger wandb": DOWNLOADS,
}
"""Command, without its comment -> why it is not run."""

NOT_EXECUTED: dict[tuple[str, str], str] = {}
"""Page and first line of a block of code that is no command -> why it is not executed."""

NOT_COMPARED: dict[str, str] = {}
"""Command whose output the page shows -> why another one comes here."""
