"""A run's settings: frozen dataclasses <-> TOML and ``-o key=value``. Plain values only; unknown keys raise.

Settings come in layers, later ones win: the defaults below, the variant's own defaults, a TOML file, the command line.
"""

import math
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from ganzoo.config.fields import TABLES, Options, check, colour_of, option, parse
from ganzoo.errors import ConfigError, PluginError, UnknownNameError

T = TypeVar("T")

MOST_MINUTES = 1_000_000
"""Of training, that can be asked for: two years."""


@dataclass(frozen=True, kw_only=True)
class AdamOptions(Options):
    """Settings of variants whose players are trained by Adam. Defaults: arXiv:1511.06434, section 4."""

    lr: float = option(2e-4, "Adam's step size", above=0)
    beta1: float = option(0.5, "Adam's decay of the mean of gradients", at_least=0, below=1)
    beta2: float = option(0.999, "Adam's decay of the mean of squared gradients", at_least=0, below=1)


@dataclass(frozen=True, kw_only=True)
class Tricks:
    """The tricks of training: each works with every variant it makes sense for and is refused where it does not.

    :mod:`ganzoo.tricks` holds what they do. D is the discriminator (or critic), G the generator.
    """

    label_smoothing: float = option(
        0.0, "D's target for real samples is 1 minus this: arXiv:1606.03498, sec. 3.4", at_least=0, below=0.5
    )
    label_flipping: float = option(
        0.0, "probability that a sample is shown to D with the other's target", at_least=0, below=0.5
    )
    instance_noise: float = option(
        0.0, "standard deviation of Gaussian noise on D's input, annealed to zero: arXiv:1610.04490", at_least=0
    )
    instance_noise_images: int = option(
        0, "images seen, from where D begins, until the instance noise is gone; 0: at the end of training", at_least=0
    )
    diffaugment: str = option(
        "", "augmentations of all that D sees, some of color,translation,cutout: arXiv:2006.10738"
    )
    ada: float = option(
        0.0, "augment with a probability that holds the mean sign of D's logits of real samples here, 0.6 for example; "
        "0: always augment: arXiv:2006.06676", at_least=0, below=1,
    )  # fmt: skip
    ada_images: int = option(500_000, "images in which that probability can go from 0 to 1", at_least=1)
    one_stage: bool = option(
        False, "train G by the pass of D that trains D, which saves a pass of both: arXiv:2103.00430"
    )
    d_steps: int = option(1, "steps of D for one of G, each on its own batch", at_least=1, at_most=10_000)
    g_steps: int = option(1, "steps of G in an iteration", at_least=1, at_most=1_000)
    train_d_above: float | None = option(None, "D is trained only while its loss is above this; none: always")
    train_g_above: float | None = option(None, "G is trained only while its loss is above this; none: always")
    feature_matching: Literal["none", "instead", "beside"] = option(
        "none", "G matches mean features of D, instead of its loss or beside it: arXiv:1606.03498, sec. 3.1"
    )
    minibatch_kernels: int = option(
        0,
        "kernels of minibatch discrimination before D's last layer; 0: none: arXiv:1606.03498, sec. 3.2",
        at_least=0,
        at_most=4_096,
    )
    minibatch_dim: int = option(5, "length of each kernel's row of minibatch discrimination", at_least=1, at_most=4_096)
    minibatch_std: bool = option(False, "mean standard deviation over the batch, shown to D: arXiv:1710.10196, sec. 3")
    spectral_norm: bool = option(False, "spectral normalisation of D's layers: arXiv:1802.05957")
    freeze_d: int = option(
        0, "D's first layers that stay as init_from brings them: arXiv:2002.10964", at_least=0, at_most=1_000
    )
    r1: float = option(0.0, "gamma of the R1 penalty on real samples: arXiv:1801.04406, eq. 9", at_least=0)
    r2: float = option(0.0, "gamma of the R2 penalty, R1's on generated samples: arXiv:1801.04406, eq. 10", at_least=0)
    gradient_penalty: float = option(
        0.0, "lambda of the gradient penalty between real and generated: arXiv:1704.00028, eq. 3", at_least=0
    )
    dragan: float = option(
        0.0, "lambda of the gradient penalty around real samples: arXiv:1705.07215, section 2.3", at_least=0
    )
    drift: float = option(
        0.0, "weight of the mean square of D's logits of real samples, which keeps a critic near zero: "
        "arXiv:1710.10196, appendix A.1", at_least=0,
    )  # fmt: skip
    diffusion: float = option(
        0.0, "show D diffused samples, up to a time that holds the mean sign of its logits of real samples here, 0.6 "
        "for example; 0: as they are: arXiv:2206.02262", at_least=0, below=1,
    )  # fmt: skip
    diffusion_images: int = option(100_000, "images in which that time can go from its least to its most", at_least=1)
    penalty_every: int = option(
        1, "penalties are computed in one of so many iterations, as many times as large: arXiv:1912.04958, appendix B",
        at_least=1, at_most=1_000,
    )  # fmt: skip
    penalty_slope: Literal["exact", "difference"] = option(
        "exact", "slopes of r1 and r2: differentiated, or from a small random step, which costs a pass of D and no "
        "second derivative (arXiv:2501.08316, eq. 7)"
    )  # fmt: skip
    path_length: float = option(
        0.0, "weight of path length regularisation: G's slope along its latent is held near its mean: "
        "arXiv:1912.04958, eq. 4", at_least=0,
    )  # fmt: skip
    path_every: int = option(
        4, "iterations of G of which one has it, as many times as large: arXiv:1912.04958, appendix B", at_least=1,
        at_most=1_000,
    )  # fmt: skip
    clip_grad_norm: float | None = option(
        None, "largest norm of the gradient of a player's step; longer ones are scaled down; none: any", above=0
    )
    lr_schedule: Literal["constant", "linear", "cosine", "step"] = option(
        "constant", "course of the learning rate over a stage: linear to 0, half a cosine to 0, or a step to a tenth"
    )
    lr_decay_start: float = option(
        0.5, "share of a stage after which a linear or step schedule leaves the full learning rate", at_least=0, below=1
    )
    anneal: str = option(
        "", "settings that go to another value over the training, by half a cosine, as in lr=5e-5,r1=0.1: of lr, "
        "beta2, r1, r2, gradient_penalty, dragan, ema_halflife, and diffaugment, a probability: arXiv:2501.05441"
    )  # fmt: skip
    anneal_images: int = option(
        0, "images in which they do, after which they stay; 0: those of the training", at_least=0
    )
    lr_warmup: int = option(0, "steps over which the learning rate rises from 0 at the start of a stage", at_least=0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides what a run computes, and how often it looks at itself."""

    variant: str
    dataset: str
    second: str = option("", "a second, unpaired data set, for variants that turn one set into another")
    options: Options = field(default_factory=Options)
    tricks: Tricks = field(default_factory=Tricks)
    steps: int = option(20_000, "iterations of training; each draws one batch of real samples", at_least=1)
    batch_size: int = option(64, "real samples in a step, of all processes together", at_least=1, at_most=1_000_000)
    loss: str = option("", "adversarial loss by name (ganzoo list losses)")
    init_from: str = option("", "begin with the networks of this run or weights file: fine-tuning")
    accumulate: int = option(
        1,
        "parts that each batch is divided into; their gradients add up to one step, which takes less memory",
        at_least=1,
    )
    seed: int = option(0, "seed of weights, order of samples, and latents", at_least=0, at_most=2**63 - 1)
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", "where to train")
    precision: Literal["auto", "fp32", "tf32", "bf16"] = option(
        "fp32",
        "arithmetic; bf16 is autocast, with TF32 for what stays fp32 on a GPU; tf32 is for GPUs; auto measures "
        "fp32 and bf16 when a run begins, on a CPU, and the run keeps the faster",
    )
    deterministic: bool = option(
        False, "only kernels that give the same bits every time: exact resume on a GPU; others raise an error"
    )
    cuda_graphs: bool = option(True, "on a GPU, capture iterations and repeat them; false takes every step by itself")
    compile: bool = option(False, "torch.compile for the networks: pays on long trainings of convolutions")
    threads: int = option(
        0, "threads of the processor; 0: OMP_NUM_THREADS, else one a core, eight at most", at_least=0, at_most=1_024
    )
    sync_batch_norm: bool = option(
        False, "batch normalisation over the batches of all GPUs together, not over each one's own"
    )
    ema_halflife: int = option(
        20_000, "half-life, in images seen, of the moving averages of exported networks; 0: none", at_least=0
    )
    ema_ramp: float = option(
        0.05,
        "the average's half-life is at most this share of the images seen so far; 0: no limit",
        at_least=0,
        at_most=1,
    )
    resolution: int | None = option(
        None, "side, in pixels, that images are scaled and cropped to", at_least=4, at_most=1024
    )
    channels: Literal[1, 3, 4] | None = option(
        None, "1 makes images grey, 3 RGB, 4 keeps the transparency of your own; none: as published"
    )
    background: str = option(
        "white", "what transparent pixels of your own images become: white, black or #rrggbb; not with channels=4"
    )
    levels: float | None = option(
        None, "value that is white in your own images of more than 8 bits; none: 65535, and floats are refused", above=0
    )
    length: int | None = option(
        None, "samples of a wave; longer sounds of your own are cut or sliced, shorter ones are followed by silence; "
        "none: as the data set has them", at_least=16, at_most=2**20,
    )  # fmt: skip
    sample_rate: int | None = option(
        None, "samples a second, in Hz, that your own sounds are brought to; none: 16000", at_least=1_000,
        at_most=192_000,
    )  # fmt: skip
    labels_from: str = option(
        "", "CSV file with the class or the attributes of each image of folder:PATH; see docs/data.md"
    )
    classes: Literal["given", "colours"] = option(
        "given", "classes of the samples: those of the data set, or the dominant colours of its images, in twelve words"
    )
    only: str = option(
        "", "classes of the data set that are kept, by name, comma separated; the others are left out of every split"
    )
    without: str = option("", "classes of the data set that are left out of every split, by name, comma separated")
    limit: int | None = option(
        None, "samples of the training set that are kept, equally many of each class; metrics compare with all of "
        "them; none: all", at_least=1,
    )  # fmt: skip
    limit_seed: int = option(0, "picks the samples that limit keeps", at_least=0, at_most=2**63 - 1)
    degrade: Literal["none", "grey", "edges", "blur", "mask", "negative"] = option(
        "none", "makes pairs of the data set: what is left of each image, and the image; for variants that translate"
    )
    log_every: int = option(100, "steps between two lines of the history", at_least=1)
    sample_every: int = option(1_000, "steps between two sample grids", at_least=1)
    timelapse: bool = option(
        False, "at the end leave timelapse.gif, a film of the sample grids: the same latents over time"
    )
    metrics: str = option("", "metrics to take while training and at its end, comma separated (ganzoo list metrics)")
    metric_every: int = option(500_000, "images seen between two takings of the metrics", at_least=1)
    metric_minutes: str = option(
        "", "minutes of training, looks not counted, after which the metrics are taken too, comma separated: 1,3,10"
    )
    clock: Literal["wall", "processor"] = option(
        "wall", "what minutes and images/s are counted by: wall-clock time, or the time of the processors, which other "
        "programs do not lengthen; on a GPU always wall-clock time"
    )  # fmt: skip
    loggers: str = option("", "loggers to tell, comma separated: tensorboard, wandb (ganzoo list loggers)")
    checkpoint_every: int = option(1_000, "steps between two checkpoints", at_least=1)
    diagnostics: bool = option(
        True, "warn when D has won, losses stand still or samples lose diversity; changes nothing that is computed"
    )
    on_nonfinite: Literal["stop", "rollback"] = option(
        "stop",
        "what a loss, gradient or weight that is not finite does: end the run, or go back to the last checkpoint and "
        "on with other samples, three times at most",
    )
    report: bool = option(True, "write report.html, a page to look at, when the training ends")
    keep: int = option(2, "newest checkpoints that are kept", at_least=1)

    def __post_init__(self) -> None:
        check(self)
        colour_of(self.background)
        minutes_in(self.metric_minutes)
        if self.only and self.without:
            raise ConfigError(f"only = {self.only!r} and without = {self.without!r}: give one of them.")
        if self.limit_seed and self.limit is None:
            raise ConfigError(f"limit_seed = {self.limit_seed} without limit does nothing.")
        if self.channels == 4 and self.background != "white":
            raise ConfigError(
                f"background = {self.background!r} does nothing with channels = 4, which keeps transparency."
            )


def minutes_in(text: str) -> list[float]:
    """The numbers of ``metric_minutes``, the smallest first.

    Raises:
        ConfigError: one is not a number above 0.
    """
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            number = float(part)
        except ValueError:
            number = math.nan
        if not 0 < number <= MOST_MINUTES:
            raise ConfigError(
                f"metric_minutes = {text!r}: {part!r} must be a number above 0 and at most {MOST_MINUTES:,}."
            )
        found.append(number)
    return sorted(set(found))


FREE_KEYS = tuple(f.name for f in fields(RunConfig) if f.name not in ("variant", "dataset", *TABLES))
TRICK_KEYS = tuple(f.name for f in fields(Tricks))


SYNONYMS = {
    "learning_rate": "lr", "leraning_rate": "lr", "rate": "lr", "d_lr": "lr", "g_lr": "lr", "lr_g": "lr", "lr_d": "lr",
    "epochs": "steps", "n_epochs": "steps", "num_epochs": "steps", "iterations": "steps", "iters": "steps",
    "niter": "steps", "max_steps": "steps", "num_steps": "steps", "kimg": "steps",
    "batch": "batch_size", "bs": "batch_size", "batchsize": "batch_size",
    "ndf": "width", "ngf": "width", "nf": "width", "hidden": "width", "channels_base": "width", "dim": "width",
    "nz": "latent_dim", "z_dim": "latent_dim", "zdim": "latent_dim", "noise_dim": "latent_dim", "latent": "latent_dim",
    "image_size": "resolution", "img_size": "resolution", "imagesize": "resolution", "size": "resolution",
    "nc": "channels", "img_channels": "channels", "b1": "beta1", "b2": "beta2", "betas": "beta1",
    "gpu": "device", "cuda": "device", "workers": "threads", "num_workers": "threads", "random_seed": "seed",
    "manual_seed": "seed", "ema": "ema_halflife", "ema_decay": "ema_halflife", "clip_value": "clip",
    "n_dis": "n_critic", "d_iters": "d_steps", "gp": "gradient_penalty", "gp_weight": "gradient_penalty",
    "lambda_gp": "gradient_penalty", "r1_gamma": "r1", "gamma": "r1", "sn": "spectral_norm", "aug": "diffaugment",
    "pl_weight": "path_length", "path_regularize": "path_length", "path_length_every": "path_every",
    "g_reg_every": "path_every", "d_reg_every": "penalty_every",
    "fp16": "precision", "amp": "precision", "save_interval": "checkpoint_every", "sample_interval": "sample_every",
    "subset": "limit", "max_images": "limit", "n_images": "limit", "num_images": "limit", "max_size": "limit",
    "logger": "loggers", "log_to": "loggers", "tensorboard": "loggers", "wandb": "loggers", "report_to": "loggers",
    "sr": "sample_rate", "samplerate": "sample_rate", "slice_len": "length", "data_slice_len": "length",
    "print_every": "log_every", "log_interval": "log_every",
}  # fmt: skip
"""What other programs call our settings."""


def unknown_setting(variant: str, key: str, known: Collection[str]) -> UnknownNameError:
    """The error for a key that is not a setting: one line, with the setting that is probably meant."""
    return UnknownNameError("setting", key, known, f"'ganzoo info {variant} --all' lists all.", SYNONYMS)


def resolve(
    variant: str,
    options_type: type[Options],
    *layers: Mapping[str, Any],
    texts: Mapping[str, str] | None = None,
) -> RunConfig:
    """The settings of a run from layers of plain values; later layers win.

    Args:
        variant: name of the variant.
        options_type: the variant's own settings.
        layers: flat mappings of keys to values; nested tables ``"options"`` and ``"tricks"`` are allowed (a config
            file has both).
        texts: the last layer, values still as typed (``-o key=value``).

    Raises:
        UnknownNameError: a key that is neither a run's nor the variant's.
        ConfigError: a value of the wrong type or out of range.
        PluginError: an option of the variant is called like a setting of every run.
    """
    own = {f.name for f in fields(options_type)}
    shared = {*FREE_KEYS, *TRICK_KEYS}
    if repeated := sorted(own & shared):
        raise PluginError(
            f"{options_type.__name__} of variant {variant!r} has an option {repeated[0]!r}, which is a setting of "
            "every run: a plugin's own options need other names."
        )
    hints = typing.get_type_hints(RunConfig) | typing.get_type_hints(Tricks) | typing.get_type_hints(options_type)
    known = [*FREE_KEYS, *TRICK_KEYS, *own]
    run: dict[str, Any] = {}
    options: dict[str, Any] = {}
    tricks: dict[str, Any] = {}

    def put(key: str, value: Any) -> None:
        if key in own:
            options[key] = value
        elif key in TRICK_KEYS:
            tricks[key] = value
        elif key in (*FREE_KEYS, "dataset"):
            run[key] = value
        else:
            raise unknown_setting(variant, key, known)

    for layer in layers:
        for table in TABLES:
            if not isinstance(layer.get(table, {}), Mapping):
                raise ConfigError(f"{table} = {layer[table]!r} is not a table.")
        plain = {key: value for key, value in layer.items() if key not in (*TABLES, "variant")}
        for values in (plain, layer.get("tricks", {}), layer.get("options", {})):
            for key, value in values.items():
                put(key, value)
    for key, text in (texts or {}).items():
        if key not in known:
            raise unknown_setting(variant, key, known)
        put(key, parse(key, text, hints[key]))
    if "dataset" not in run:
        raise ConfigError("dataset: none is named.")
    return RunConfig(variant=variant, options=options_type(**options), tricks=Tricks(**tricks), **run)
