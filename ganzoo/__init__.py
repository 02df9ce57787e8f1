"""ganzoo: a plugin-based zoo of generative adversarial networks.

>>> import ganzoo
>>> ganzoo.list_variants("*gan")
>>> run = ganzoo.train(ganzoo.list_variants()[0], seed=0)
>>> images = run.sample(64)

Importing this package imports no torch; the functions below do when they are called.
"""

from typing import TYPE_CHECKING, Any

from ganzoo.registry.hookspecs import hookimpl

__version__ = "0.2.0"

if TYPE_CHECKING:
    from ganzoo.api import export_network, list_variants, load, picture, train
    from ganzoo.metrics.evaluate import evaluate
    from ganzoo.runs.trained import open_run
    from ganzoo.training.session import TrainingSession
    from ganzoo.training.setup import prepare

_API = ("TrainingSession", "export_network", "list_variants", "load", "open_run", "picture", "prepare", "train")
_LAZY = (*_API, "evaluate")
__all__ = [
    "TrainingSession",
    "__version__",
    "evaluate",
    "export_network",
    "hookimpl",
    "list_variants",
    "load",
    "open_run",
    "picture",
    "prepare",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _API:
        from ganzoo import api

        return getattr(api, name)
    if name == "evaluate":
        from ganzoo.metrics.evaluate import evaluate

        return evaluate
    raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
