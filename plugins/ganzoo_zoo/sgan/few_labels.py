"""What the variants of this folder share: a few labelled images beside many without labels, and a classifier that is
the discriminator."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ganzoo.plugin import (
    GAN,
    AdamOptions,
    Batch,
    BatchLoader,
    Classifier,
    ConfigError,
    DataError,
    DataInfo,
    Dataset,
    Load,
    Loss,
    RunConfig,
    Sampler,
    State,
    derived_seed,
    fused,
    option,
    to_unit,
)
from ganzoo_zoo.sgan.layers import calibrating
from ganzoo_zoo.sgan.networks import ConvClassifier, ConvGenerator, MLPClassifier, MLPGenerator

CALIBRATION = 500
"""Images that set the first scales of the classifiers' layers, as in the authors' code of arXiv:1606.03498."""
OWN_LOSS = "its discriminator is a classifier with its own loss"
OWN_NETWORK = "its discriminator gives a logit for each class, and has weight normalisation and noise of its own"


@dataclass(frozen=True, kw_only=True)
class FewLabelsOptions(AdamOptions):
    """Settings of both variants. Defaults: the authors' code of arXiv:1606.03498 for MNIST."""

    labels: int = option(100, "labelled images, as many of each class as possible; the rest is unlabelled", at_least=1)
    label_seed: int | None = option(None, "seed that picks the labelled images; none: the run's seed", at_least=0)
    network: Literal["auto", "mlp", "conv"] = option(
        "auto", "the networks of arXiv:1606.03498 for MNIST (mlp) or CIFAR-10 (conv); auto: mlp for grey images"
    )
    lr: float = option(3e-3, "Adam's step size (the paper's conv network has 0.0003)", above=0)
    eps: float = option(1e-4, "Adam's epsilon; the authors' code adds its square under the root", above=0)
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int | None = option(
        None, "units of G's hidden layers (mlp, the paper has 500), an eighth of G's most maps (conv, 64); none: those",
        at_least=4, at_most=8_192,
    )  # fmt: skip


class FewLabels(GAN):
    """Data and networks; a subclass gives the losses."""

    Options = FewLabelsOptions
    tiny: ClassVar = {"width": 8, "labels": 10}
    supports: ClassVar = ("diffaugment",)
    unsupported: ClassVar = {
        "label_smoothing": OWN_LOSS, "label_flipping": OWN_LOSS, "r1": OWN_LOSS, "r2": OWN_LOSS, "dragan": OWN_LOSS,
        "gradient_penalty": OWN_LOSS,
        "spectral_norm": OWN_NETWORK, "minibatch_kernels": OWN_NETWORK, "minibatch_std": OWN_NETWORK,
        "instance_noise": OWN_NETWORK,
    }  # fmt: skip

    def __init__(self, config: RunConfig, data: DataInfo, loss: Loss | None) -> None:
        super().__init__(config, data, loss)
        self.subset = torch.empty(0, dtype=torch.int64)
        self._first_images: Tensor | None = None

    # Data

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if self.options.labels:
            assert dataset.labels is not None, "data.needs refuses unlabelled data"
            seed = self.config.seed if self.options.label_seed is None else self.options.label_seed
            self.subset = balanced(dataset.labels.cpu(), len(self.data.classes), self.options.labels, seed)
            self._sampler = Sampler(len(self.subset), derived_seed("labelled", self.config.seed))
        # At random: a folder is sorted by class.
        rng = torch.Generator().manual_seed(derived_seed("calibration", self.config.seed))
        first = torch.randperm(len(dataset.source), generator=rng)[:CALIBRATION]
        self._first_images = to_unit(dataset.source.fetch(first).cpu())

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """As many of each: ``"images"`` without labels, and ``"labelled_images"`` with ``"labels"`` where there are
        some."""
        found = {"images": loader.draw(start, n)["images"]}
        if len(self.subset):
            labelled = loader.pick(self.subset[self._sampler.indices(start, n)])
            found |= {"labelled_images": labelled["images"], "labels": labelled["labels"]}
        return found

    # Networks

    @property
    def classes(self) -> int:
        """How many logits the classifier gives."""
        return len(self.data.classes)

    @property
    def noise(self) -> float:
        """Of the fully connected classifier, as a multiple of its paper's."""
        return 1.0

    @property
    def is_mlp(self) -> bool:
        """Whether its networks are the fully connected ones."""
        return self.options.network == "mlp" or (self.options.network == "auto" and self.data.shape[0] == 1)

    def made(self, *names: str) -> dict[str, nn.Module]:
        """A generator, and a classifier by each of these names, its scales set by the first images."""
        o, shape = self.options, self.data.shape
        generator: nn.Module
        classifiers: list[nn.Module]
        if self.is_mlp:
            width = o.width or 500
            generator = MLPGenerator(o.latent_dim, width, shape)
            classifiers = [MLPClassifier(shape, self.classes, width, self.noise) for _ in names]
        else:
            width = o.width or 64
            generator = ConvGenerator(o.latent_dim, width, shape)
            classifiers = [ConvClassifier(shape, self.classes, width) for _ in names]
        if self._first_images is not None:
            for classifier in classifiers:
                with calibrating(classifier):
                    classifier(self._first_images)
        return {"generator": generator, **dict(zip(names, classifiers, strict=True))}

    def networks(self) -> dict[str, nn.Module]:
        return self.made("discriminator")

    def exports(self) -> dict[str, str]:
        return {"generator": "generator", "classifier": "discriminator"}

    def judged(self, state: State, batch: Batch) -> tuple[Tensor, ...]:
        """Logits float32 [N, K] of real images, of generated ones, and of the labelled ones where there are some."""
        classifier = self.network(state, "discriminator", Classifier)
        with torch.no_grad():
            fake = self.generated(state, batch)
        parts = [self.augment(state, batch["images"]), self.augment(state, fake)]
        if "labels" in batch:
            parts.append(batch["labelled_images"])
        # The noise of a sample does not depend on its neighbours, so one pass serves all.
        return classifier(torch.cat(parts)).float().split([len(part) for part in parts])

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        o = self.options
        return Adam(parameters, lr=o.lr, betas=(o.beta1, o.beta2), eps=o.eps, fused=fused(parameters))


def entropies(logits: Tensor) -> Tensor:
    """The entropy [N] of the classes of each sample, from logits [N, K]."""
    return (-logits.softmax(1) * logits.log_softmax(1)).sum(1)


def balanced(labels: Tensor, classes: int, wanted: int, seed: int) -> Tensor:
    """Indices of ``wanted`` samples, equally many of each class; what is left over goes to classes at random.

    Raises:
        ConfigError: fewer labels than classes, or more than the set has.
        DataError: a class that has too few samples.
    """
    if wanted < classes:
        raise ConfigError(f"labels = {wanted}: there are {classes} classes, and each needs one at least.")
    if wanted > len(labels):
        raise ConfigError(f"labels = {wanted:,}: the data set has {len(labels):,} labelled images.")
    rng = torch.Generator().manual_seed(derived_seed("labels", seed))
    extra = set(torch.randperm(classes, generator=rng)[: wanted % classes].tolist())
    chosen = []
    for k in range(classes):
        own, n = (labels == k).nonzero().flatten(), wanted // classes + (k in extra)
        if len(own) < n:
            raise DataError(f"labels = {wanted:,} takes {n:,} of class {k}, which has {len(own):,} images.")
        chosen.append(own[torch.randperm(len(own), generator=rng)[:n]])
    return torch.cat(chosen)
