"""Semi-supervised GAN, arXiv:1606.03498: a classifier of K classes is the discriminator too, its sum of exponentials
standing against an implicit class "generated" with logit 0; the generator matches its features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus
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
    Losses,
    RunConfig,
    Sampler,
    Stage,
    State,
    Update,
    derived_seed,
    fused,
    option,
    to_unit,
)
from ganzoo_zoo.sgan.layers import calibrating
from ganzoo_zoo.sgan.networks import ConvClassifier, ConvGenerator, MLPClassifier, MLPGenerator

CALIBRATION = 500
"""Images that set the first scales of the classifiers' layers, as in the authors' code."""
OWN_LOSS = "its discriminator is a classifier with its own loss"
OWN_NETWORK = "its discriminator gives a logit for each class, and has weight normalisation and noise of its own"
MATCHES = "its generator matches features already"


@dataclass(frozen=True, kw_only=True)
class SGANOptions(AdamOptions):
    """Settings of the semi-supervised GAN. Defaults: the authors' code for MNIST."""

    labels: int = option(100, "labelled images, as many of each class as possible; the rest is unlabelled", at_least=1)
    label_seed: int | None = option(None, "seed that picks the labelled images; none: the run's seed", at_least=0)
    unlabelled_weight: float = option(1.0, "weight of the loss on real and generated images without labels", above=0)
    entropy: float = option(
        0.0, "weight of D's entropy on unlabelled images (not in the paper): arXiv:1705.09783, section 4", at_least=0
    )
    entropy_after: int = option(0, "images seen before the entropy counts: labels must have spread first", at_least=0)
    baseline_steps: int = option(
        2_000, "first iterations in which a supervised classifier learns from the same labels alone", at_least=0
    )
    network: Literal["auto", "mlp", "conv"] = option(
        "auto", "the paper's network for MNIST (mlp) or CIFAR-10 (conv); auto: mlp for grey images"
    )
    lr: float = option(3e-3, "Adam's step size (the paper's conv network has 0.0003)", above=0)
    eps: float = option(1e-4, "Adam's epsilon; the authors' code adds its square under the root", above=0)
    latent_dim: int = option(100, "length of a latent vector", at_least=1, at_most=65_536)
    width: int | None = option(
        None, "units of G's hidden layers (mlp, the paper has 500), an eighth of G's most maps (conv, 64); none: those",
        at_least=4, at_most=8_192,
    )  # fmt: skip


class SGAN(GAN):
    """Labelled, unlabelled and generated images; ``steps`` counts all iterations, the baseline's among them."""

    Options = SGANOptions
    defaults = {
        "batch_size": 100, "steps": 40_000, "lr_schedule": "linear", "lr_decay_start": 0.5, "ema_halflife": 300_000,
        "metrics": "test-accuracy, test-accuracy@baseline",
    }  # fmt: skip
    tiny: ClassVar = {"width": 8, "labels": 10, "baseline_steps": 4}
    supports: ClassVar = ("diffaugment",)
    unsupported: ClassVar = {
        "label_smoothing": OWN_LOSS, "label_flipping": OWN_LOSS, "r1": OWN_LOSS, "r2": OWN_LOSS, "dragan": OWN_LOSS,
        "gradient_penalty": OWN_LOSS,
        "spectral_norm": OWN_NETWORK, "minibatch_kernels": OWN_NETWORK, "minibatch_std": OWN_NETWORK,
        "feature_matching": MATCHES, "instance_noise": OWN_NETWORK,
    }  # fmt: skip

    def __init__(self, config: RunConfig, data: DataInfo, loss: Loss | None) -> None:
        super().__init__(config, data, loss)
        self.subset = torch.empty(0, dtype=torch.int64)
        self._first_images: Tensor | None = None

    # Data

    def prepare(self, dataset: Dataset, load: Load) -> None:
        assert dataset.labels is not None, "data.needs refuses unlabelled data"
        if self.options.entropy_after and not self.options.entropy:
            raise ConfigError(f"entropy_after = {self.options.entropy_after} without entropy does nothing.")
        seed = self.config.seed if self.options.label_seed is None else self.options.label_seed
        self.subset = balanced(dataset.labels.cpu(), len(self.data.classes), self.options.labels, seed)
        self._sampler = Sampler(len(self.subset), derived_seed("labelled", self.config.seed))
        self._matched = Sampler(len(dataset.source), derived_seed("matched", self.config.seed))
        # At random: a folder is sorted by class.
        rng = torch.Generator().manual_seed(derived_seed("calibration", self.config.seed))
        first = torch.randperm(len(dataset.source), generator=rng)[:CALIBRATION]
        self._first_images = to_unit(dataset.source.fetch(first).cpu())

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """As many of each: ``"images"`` without labels, ``"matched_images"`` for the generator, also without, and
        ``"labelled_images"`` with ``"labels"``."""
        labelled = loader.pick(self.subset[self._sampler.indices(start, n)])
        return {
            "images": loader.draw(start, n)["images"],
            "matched_images": loader.pick(self._matched.indices(start, n))["images"],
            "labelled_images": labelled["images"],
            "labels": labelled["labels"],
        }

    # Networks and stages

    def networks(self) -> dict[str, nn.Module]:
        o, shape, classes = self.options, self.data.shape, len(self.data.classes)
        generator: nn.Module
        classifiers: list[nn.Module]
        if self.is_mlp:
            width = o.width or 500
            generator = MLPGenerator(o.latent_dim, width, shape)
            classifiers = [MLPClassifier(shape, classes, width) for _ in range(2)]
        else:
            width = o.width or 64
            generator = ConvGenerator(o.latent_dim, width, shape)
            classifiers = [ConvClassifier(shape, classes, width) for _ in range(2)]
        if self._first_images is not None:
            for classifier in classifiers:
                with calibrating(classifier):
                    classifier(self._first_images)
        return {"generator": generator, "discriminator": classifiers[0], "baseline": classifiers[1]}

    @property
    def is_mlp(self) -> bool:
        """Whether its networks are the paper's fully connected ones for MNIST."""
        return self.options.network == "mlp" or (self.options.network == "auto" and self.data.shape[0] == 1)

    def exports(self) -> dict[str, str]:
        roles = {"generator": "generator", "classifier": "discriminator"}
        return {**roles, "baseline": "baseline"} if self.options.baseline_steps else roles

    def players(self) -> dict[str, tuple[str, ...]]:
        return {**super().players(), "baseline": ("baseline",)}

    def optimizer(self, player: str, parameters: list[nn.Parameter]) -> Optimizer:
        o = self.options
        return Adam(parameters, lr=o.lr, betas=(o.beta1, o.beta2), eps=o.eps, fused=fused(parameters))

    def stages(self) -> list[Stage]:
        first = min(self.options.baseline_steps, self.config.steps)
        game = self.updates()
        stages = [
            Stage("with-baseline", first, (*game, Update("baseline", "baseline", self.baseline_loss))),
            Stage("game", self.config.steps - first, game),
        ]
        return [stage for stage in stages if stage.steps]

    # Losses

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Supervised plus unsupervised loss (section 5); a batch without labels leaves the unsupervised one."""
        classifier = self.network(state, "discriminator", Classifier)
        with torch.no_grad():
            fake = self.generated(state, batch)
        parts = [self.augment(state, batch["images"]), self.augment(state, fake)]
        if "labels" in batch:
            parts.append(batch["labelled_images"])
        # The noise of a sample does not depend on its neighbours, so one pass serves all.
        logits = classifier(torch.cat(parts)).float()
        real, fake_logits, *rest = logits.split([len(part) for part in parts])
        losses = unsupervised(real, fake_logits)
        if not rest:
            return losses
        supervised = cross_entropy(rest[0], batch["labels"])
        total = supervised + self.options.unlabelled_weight * losses["total"]
        found = {**losses, "supervised": supervised, "unsupervised": losses["total"]}
        if self.options.entropy and state.images >= self.options.entropy_after:
            found["entropy"] = (-real.softmax(1) * real.log_softmax(1)).sum(1).mean()
            total = total + self.options.entropy * found["entropy"]
        return {**found, "total": total}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """Feature matching (section 3.1), as a mean over features; absolute for conv, as in the authors' code."""
        classifier = self.network(state, "discriminator", Classifier)
        fake, real = self.generated(state, batch), batch["matched_images"]
        with torch.no_grad():
            wanted = classifier.features(self.augment(state, real)).float().mean(0)
        found = classifier.features(self.augment(state, fake)).float().mean(0)
        difference = wanted - found
        return {"total": (difference.square() if self.is_mlp else difference.abs()).mean()}

    def baseline_loss(self, state: State, batch: Batch) -> Losses:
        """What the same network makes of the labelled images alone."""
        classifier = self.network(state, "baseline", Classifier)
        return {"total": cross_entropy(classifier(batch["labelled_images"]).float(), batch["labels"])}


def unsupervised(real: Tensor, fake: Tensor) -> Losses:
    """Half the cross-entropies of D(x) = Z / (Z + 1), Z the sum of exp of the logits [N, K]: section 5.

    log D(x) = log Z - softplus(log Z) and log(1 - D(x)) = -softplus(log Z).
    """
    z_real, z_fake = real.logsumexp(1), fake.logsumexp(1)
    return {
        "total": 0.5 * (softplus(z_real) - z_real).mean() + 0.5 * softplus(z_fake).mean(),
        "D(x)": torch.sigmoid(z_real.detach()).mean(),
        "D(G(z))": torch.sigmoid(z_fake.detach()).mean(),
    }


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
