"""Categorical GAN, arXiv:1511.06390: D is sure of real images, spreads them over all classes, and is unsure of
generated ones; there is no class "generated"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganzoo.plugin import Batch, Classifier, ConfigError, Dataset, Load, Losses, State, option, reject_unused
from ganzoo_zoo.sgan.few_labels import OWN_LOSS, FewLabels, FewLabelsOptions, entropies


@dataclass(frozen=True, kw_only=True)
class CatGANOptions(FewLabelsOptions):
    """Settings of the categorical GAN."""

    labels: int = option(
        100, "labelled images, as many of each class as possible; 0: none, D finds categories by itself", at_least=0
    )
    categories: int | None = option(
        None, "categories that D finds where labels = 0; none: as many as the data has classes", at_least=2,
        at_most=10_000,
    )  # fmt: skip
    lr: float = option(1e-3, "Adam's step size", above=0)
    eps: float = option(
        1e-8, "Adam's epsilon: G's gradients are small where D is sure, and a large one stops G", above=0
    )
    supervised_weight: float = option(1.0, "lambda, the weight of the cross-entropy on labelled images", above=0)
    noise: float = option(
        1.0, "noise before the layers of D's fully connected network, as a multiple of sgan's", at_least=0, at_most=10
    )
    marginal_weight: float = option(
        1.0, "weight of the entropy of all classes together, for D and for G; the paper has 1", above=0
    )


class CatGAN(FewLabels):
    """Entropies of D's classes are the whole game. With labels a cross-entropy says which class is which."""

    Options = CatGANOptions
    defaults = {
        "batch_size": 100, "steps": 40_000, "lr_schedule": "linear", "lr_decay_start": 0.5, "ema_halflife": 300_000,
        "g_steps": 2, "metrics": "test-accuracy, cluster-error",
    }  # fmt: skip
    unsupported: ClassVar = {**FewLabels.unsupported, "feature_matching": OWN_LOSS}

    @property
    def classes(self) -> int:
        return self.options.categories or super().classes

    @property
    def noise(self) -> float:
        return float(self.options.noise)

    def prepare(self, dataset: Dataset, load: Load) -> None:
        o = self.options
        if not self.is_mlp:
            reject_unused(o, ("noise",), "the convolutional network has dropout instead")
        if o.labels:
            reject_unused(o, ("categories",), "with labels, D's classes are those of the data; add labels=0")
            if dataset.labels is None:
                raise ConfigError(f"labels = {o.labels}: {self.data.name!r} has none; labels=0 learns without.")
        else:
            reject_unused(o, ("label_seed", "supervised_weight"), "labels = 0 has neither")
            if self.classes < 2:
                raise ConfigError(f"labels = 0: {self.data.name!r} has no classes; say how many with categories=N.")
        super().prepare(dataset, load)

    def networks(self) -> dict[str, nn.Module]:
        found = super().networks()
        judge = found["discriminator"]
        assert isinstance(judge, Classifier), "made() makes one"
        judge.named = bool(self.options.labels)
        return found

    def discriminator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """What D maximises (section 3), negative, and lambda times the cross-entropy of labelled images."""
        o = self.options
        real, fake, *rest = self.judged(state, batch)
        found = {
            "marginal entropy": marginal(real), "entropy of real": entropies(real).mean(),
            "entropy of generated": entropies(fake).mean(),
        }  # fmt: skip
        total = found["entropy of real"] - o.marginal_weight * found["marginal entropy"] - found["entropy of generated"]
        if rest:
            found["supervised"] = cross_entropy(rest[0], batch["labels"])
            total = total + o.supervised_weight * found["supervised"]
        return {**found, "total": total}

    def generator_loss(self, state: State, batch: Batch, generated: Mapping[str, Tensor] | None = None) -> Losses:
        """What G minimises (section 3): each of its images belongs to one class, all together to every class."""
        classifier = self.network(state, "discriminator", Classifier)
        logits = classifier(self.augment(state, self.generated(state, batch))).float()
        return {"total": entropies(logits).mean() - self.options.marginal_weight * marginal(logits)}


def marginal(logits: Tensor) -> Tensor:
    """The entropy of the mean over samples of the probabilities of classes, from logits [N, K]."""
    shares = logits.softmax(1).mean(0)
    return -(shares * shares.clamp_min(1e-12).log()).sum()
