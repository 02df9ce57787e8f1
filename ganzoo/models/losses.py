"""Adversarial losses on logits, registered by name. D(x) = sigmoid(logit) unless a loss says otherwise.

Each is written with softplus or relu on logits, which stay finite where log(sigmoid) overflows:
-log D(x) = softplus(-logit) and -log(1 - D(x)) = softplus(logit).
"""

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganzoo.models.interfaces import Loss


class NonSaturating(Loss):
    """Generator maximises log D(G(z)): arXiv:1406.2661, section 3, last paragraph."""

    targets = True

    def per_sample(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy to the target: -t log D(x) - (1 - t) log(1 - D(x))."""
        return targets * softplus(-logits) + (1 - targets) * softplus(logits)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return softplus(-fake).mean()


class Minimax(NonSaturating):
    """Generator minimises log(1 - D(G(z))): arXiv:1406.2661, equation 1. Saturates when D wins early."""

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -softplus(fake).mean()


class LeastSquares(Loss):
    """Targets 1 for real, 0 for fake, 1 for the generator: arXiv:1611.04076, equation 9, with its factor 1/2."""

    targets = True

    def per_sample(self, logits: Tensor, targets: Tensor) -> Tensor:
        return 0.5 * (logits - targets).square()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * ((real - 1).square().mean() + fake.square().mean())

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return 0.5 * (fake - 1).square().mean()

    def score(self, logits: Tensor) -> Tensor:
        return logits.mean()


class Hinge(Loss):
    """Hinge at +1 and -1 for D, the raw score for G: arXiv:1705.02894, and arXiv:1802.05957, equations 16 and 17."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()

    def score(self, logits: Tensor) -> Tensor:
        return logits.mean()


class Wasserstein(Loss):
    """Difference of mean scores: arXiv:1701.07875, equation 2. Only sound for a critic of bounded slope."""

    lipschitz = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()

    def score(self, logits: Tensor) -> Tensor:
        return logits.mean()

    def log_values(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """With the estimate of the distance, which is the paper's learning curve (figure 3)."""
        return {**super().log_values(real, fake), "wasserstein": real.mean() - fake.mean()}
