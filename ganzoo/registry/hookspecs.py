"""Every point at which a plugin can join in; there are no others.

A plugin is a module named by an entry point in the group ``ganzoo``. It implements any of these hooks with the
``ganzoo.hookimpl`` marker. The first eight return light specs (:mod:`ganzoo.registry.specs`), so a plugin's module
should import no torch at its top; what is heavy is named by a spec's ``load`` and imported when it is requested.
The ``run`` that lifecycle hooks receive is a :class:`ganzoo.runs.run.Run`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from ganzoo.registry.specs import (
    DatasetSpec,
    ExtractorSpec,
    LoggerSpec,
    LossSpec,
    MetricSpec,
    SuiteSpec,
    VariantSpec,
    WeightsSpec,
)

if TYPE_CHECKING:
    import click

    from ganzoo.runs.run import Run

GROUP = "ganzoo"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def ganzoo_variants() -> Iterable[VariantSpec]:  # type: ignore[empty-body]  # a hookspec has no body
    """Kinds of GAN."""


@hookspec
def ganzoo_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]  # a hookspec has no body
    """Sources of samples."""


@hookspec
def ganzoo_losses() -> Iterable[LossSpec]:  # type: ignore[empty-body]  # a hookspec has no body
    """Adversarial losses, for ``--loss``."""


@hookspec
def ganzoo_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]  # a hookspec has no body
    """Measures of samples or of trained networks."""


@hookspec
def ganzoo_extractors() -> Iterable[ExtractorSpec]:  # type: ignore[empty-body]  # a hookspec has no body
    """Feature extractors, for metrics that compare features."""


@hookspec
def ganzoo_loggers() -> Iterable[LoggerSpec]:  # type: ignore[empty-body]  # a hookspec has no body
    """Loggers, for the setting ``loggers``."""


@hookspec
def ganzoo_suites() -> Iterable[SuiteSpec]:  # type: ignore[empty-body]  # a hookspec has no body
    """Benchmark suites, for ``ganzoo bench``."""


@hookspec
def ganzoo_weights() -> Iterable[WeightsSpec]:  # type: ignore[empty-body]  # a hookspec has no body
    """Trained networks, for ``zoo:NAME``."""


@hookspec
def ganzoo_run_started(run: "Run") -> None:
    """The run directory exists and the first step comes next; a resumed run has ``run.step > 0``."""


@hookspec
def ganzoo_step_logged(run: "Run", record: Mapping[str, Any]) -> None:
    """One line of the history: ``step``, ``images``, ``stage`` and the mean of each logged value since the last."""


@hookspec
def ganzoo_checkpoint_saved(run: "Run", path: Path) -> None:
    """A checkpoint is complete on disk."""


@hookspec
def ganzoo_samples_saved(run: "Run", path: Path) -> None:
    """A grid of samples is complete on disk."""


@hookspec
def ganzoo_run_finished(run: "Run", status: str) -> None:
    """The run ended: ``status`` is ``finished``, ``interrupted`` or ``failed`` (``run.reason`` says why)."""


@hookspec
def ganzoo_commands(cli: "click.Group") -> None:
    """Add commands to the command line with ``cli.add_command``; called once, when the command line starts."""
