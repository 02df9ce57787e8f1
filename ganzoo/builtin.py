"""What the core itself brings, through the same door as every plugin: losses, data sets, metrics, the history."""

from collections.abc import Iterable

from ganzoo.data.specs import DATASETS
from ganzoo.metrics.specs import EXTRACTORS, METRICS
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.specs import DatasetSpec, ExtractorSpec, LoggerSpec, LossSpec, MetricSpec
from ganzoo.runs.history import ganzoo_run_started, ganzoo_step_logged

LOSSES = (
    LossSpec(
        name="minimax",
        load="ganzoo.models.losses:Minimax",
        summary="the original game; its generator saturates when D wins early",
        paper="arXiv:1406.2661, eq. 1",
    ),
    LossSpec(
        name="non-saturating",
        load="ganzoo.models.losses:NonSaturating",
        summary="the generator maximises log D(G(z))",
        paper="arXiv:1406.2661, sec. 3",
    ),
    LossSpec(
        name="least-squares",
        load="ganzoo.models.losses:LeastSquares",
        summary="squared distance to targets 0 and 1 (LSGAN)",
        paper="arXiv:1611.04076, eq. 9",
    ),
    LossSpec(
        name="hinge",
        load="ganzoo.models.losses:Hinge",
        summary="hinge at +1 and -1 for D, the raw score for G",
        paper="arXiv:1705.02894",
    ),
    LossSpec(
        name="wasserstein",
        load="ganzoo.models.losses:Wasserstein",
        summary="difference of mean scores; needs a critic of bounded slope",
        paper="arXiv:1701.07875, eq. 2",
    ),
)

LOGGERS = (
    LoggerSpec(
        name="tensorboard",
        load="ganzoo.loggers.tensorboard:TensorBoardLogger",
        summary="event files in the run directory, for TensorBoard",
        modules=("tensorboard",),
        install="ganzoo[tensorboard]",
    ),
    LoggerSpec(
        name="wandb",
        load="ganzoo.loggers.wandb:WandbLogger",
        summary="a run at Weights & Biases, which needs an account",
        modules=("wandb",),
        install="ganzoo[wandb]",
    ),
)


@hookimpl
def ganzoo_losses() -> Iterable[LossSpec]:
    return LOSSES


@hookimpl
def ganzoo_datasets() -> Iterable[DatasetSpec]:
    return DATASETS


@hookimpl
def ganzoo_extractors() -> Iterable[ExtractorSpec]:
    return EXTRACTORS


@hookimpl
def ganzoo_loggers() -> Iterable[LoggerSpec]:
    return LOGGERS


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return METRICS


__all__ = [
    "ganzoo_datasets",
    "ganzoo_extractors",
    "ganzoo_loggers",
    "ganzoo_losses",
    "ganzoo_metrics",
    "ganzoo_run_started",
    "ganzoo_step_logged",
]
