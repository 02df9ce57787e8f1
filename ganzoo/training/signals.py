"""Signals that end a training: after the current step, with a checkpoint."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ganzoo.runtime.signals import ending
from ganzoo.training.loop import TrainingLoop

REPEATED = 2.0
"""Seconds within which a second signal is taken for the first one."""


@contextmanager
def graceful_stop(loop: TrainingLoop) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the training after the current step, with a checkpoint; a second one at once.

    One that follows within two seconds is the same one: a batch system signals every process of a job, and a runner
    passes on what its children have received already.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    first = 0.0

    def handle(number: int, _: Any) -> None:
        nonlocal first
        if not loop.stopping:
            first = time.monotonic()
            loop.stop(signal.Signals(number).name)
        elif time.monotonic() - first > REPEATED:
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, handle) for number in ending()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
