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
    LossSpec(
        name="relativistic-pairing",
        load="ganzoo.models.losses:Relativistic",
        summary="D tells the real sample of a pair (RpGAN); R3GAN's, with r1 and r2",
        paper="arXiv:1807.00734, eq. 6",
    ),
    LossSpec(
        name="boundary-seeking",
        load="ganzoo.models.losses:BoundarySeeking",
        summary="the generator seeks samples that D cannot tell",
        paper="arXiv:1702.08431",
    ),
    LossSpec(
        name="softmax",
        load="ganzoo.models.losses:Softmax",
        summary="one softmax over the real and generated samples of a batch",
        paper="arXiv:1704.06191, eq. 6",
    ),
    *(
        LossSpec(
            name=f"f-{name}",
            load=f"ganzoo.models.losses:{kind}",
            summary=f"a bound of the {words} divergence (f-GAN)",
            paper="arXiv:1606.00709, table 6",
        )
        for name, kind, words in (
            ("kl", "KL", "Kullback-Leibler"),
            ("reverse-kl", "ReverseKL", "reverse Kullback-Leibler"),
            ("pearson", "Pearson", "Pearson chi squared"),
            ("squared-hellinger", "SquaredHellinger", "squared Hellinger"),
            ("jensen-shannon", "JensenShannon", "Jensen-Shannon"),
        )
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
