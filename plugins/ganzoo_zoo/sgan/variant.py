"""Semi-supervised GAN, arXiv:1606.03498: a classifier of K classes is the discriminator too, its sum of exponentials
standing against an implicit class "generated" with logit 0; the generator matches its features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from ganzoo.plugin import (
    Batch,
    BatchLoader,
    Classifier,
    ConfigError,
    Dataset,
    Load,
    Losses,
    Sampler,
    Stage,
    State,
    Update,
    derived_seed,
    option,
)
from ganzoo_zoo.sgan.few_labels import FewLabels, FewLabelsOptions, entropies

MATCHES = "its generator matches features already"


@dataclass(frozen=True, kw_only=True)
class SGANOptions(FewLabelsOptions):
    """Settings of the semi-supervised GAN. Defaults: the authors' code for MNIST."""

    unlabelled_weight: float = option(1.0, "weight of the loss on real and generated images without labels", above=0)
    entropy: float = option(
        0.0, "weight of D's entropy on unlabelled images (not in the paper): arXiv:1705.09783, section 4", at_least=0
    )
    entropy_after: int = option(0, "images seen before the entropy counts: labels must have spread first", at_least=0)
    baseline_steps: int = option(
        2_000, "first iterations in which a supervised classifier learns from the same labels alone", at_least=0
    )


class SGAN(FewLabels):
    """Labelled, unlabelled and generated images; ``steps`` counts all iterations, the baseline's among them."""

    Options = SGANOptions
    defaults = {
        "batch_size": 100, "steps": 40_000, "lr_schedule": "linear", "lr_decay_start": 0.5, "ema_halflife": 300_000,
        "metrics": "test-accuracy, test-accuracy@baseline",
    }  # fmt: skip
    tiny: ClassVar = {**FewLabels.tiny, "baseline_steps": 4}
    unsupported: ClassVar = {**FewLabels.unsupported, "feature_matching": MATCHES}

    def prepare(self, dataset: Dataset, load: Load) -> None:
        if self.options.entropy_after and not self.options.entropy:
            raise ConfigError(f"entropy_after = {self.options.entropy_after} without entropy does nothing.")
        super().prepare(dataset, load)
        self._matched = Sampler(len(dataset.source), derived_seed("matched", self.config.seed))

    def batch(self, loader: BatchLoader, start: int, n: int) -> Batch:
        """With as many ``"matched_images"`` for the generator, also without labels."""
        matched = loader.pick(self._matched.indices(start, n))["images"]
        return {**super().batch(loader, start, n), "matched_images": matched}

    def networks(self) -> dict[str, nn.Module]:
        return self.made("discriminator", "baseline")

    def exports(self) -> dict[str, str]:
        roles = super().exports()
        return {**roles, "baseline": "baseline"} if self.options.baseline_steps else roles

    def players(self) -> dict[str, tuple[str, ...]]:
        return {**super().players(), "baseline": ("baseline",)}

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
        real, fake, *rest = self.judged(state, batch)
        losses = unsupervised(real, fake)
        if not rest:
            return losses
        supervised = cross_entropy(rest[0], batch["labels"])
        total = supervised + self.options.unlabelled_weight * losses["total"]
        found = {**losses, "supervised": supervised, "unsupervised": losses["total"]}
        if self.options.entropy and state.images >= self.options.entropy_after:
            found["entropy"] = entropies(real).mean()
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
