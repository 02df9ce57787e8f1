"""Adversarial losses on logits, registered by name. D(x) = sigmoid(logit) unless a loss says otherwise.

Each is written with softplus or relu on logits, which stay finite where log(sigmoid) overflows:
-log D(x) = softplus(-logit) and -log(1 - D(x)) = softplus(logit).
"""

from math import log

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganzoo.models.interfaces import Loss


class NonSaturating(Loss):
    """Generator maximises log D(G(z)): arXiv:1406.2661, section 3, last paragraph."""

    targets = True
    one_stage = True

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
    one_stage = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()

    def score(self, logits: Tensor) -> Tensor:
        return logits.mean()

    def log_values(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """With the estimate of the distance, which is the paper's learning curve (figure 3)."""
        return {**super().log_values(real, fake), "wasserstein": real.mean() - fake.mean()}


class Relativistic(Loss):
    """Each real sample is paired with a generated one, and D says which is which: arXiv:1807.00734, equations 6 and 7,
    the loss of R3GAN (arXiv:2501.05441, section 2.2). Only differences of logits count."""

    needs_real = True
    one_stage = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        assert real is not None, "needs_real"
        return softplus(real - fake).mean()


class BoundarySeeking(NonSaturating):
    """Generator seeks samples that D cannot tell: arXiv:1702.08431, section 3, the form for continuous data,
    (log D - log(1 - D))^2 / 2, which is half the square of the logit."""

    seeks_doubt = True

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return 0.5 * fake.square().mean()


class Softmax(Loss):
    """One softmax over the batch: D puts all probability on the real samples, G spreads it evenly over all of them:
    arXiv:1704.06191, equations 6 and 8; the logit is the negative energy."""

    needs_real, seeks_doubt = True, True
    one_stage = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return torch.logsumexp(both(real, fake), 0) - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        assert real is not None, "needs_real"
        return torch.logsumexp(both(real, fake), 0) - 0.5 * (real.mean() + fake.mean())

    def score(self, logits: Tensor) -> Tensor:
        return logits.mean()


def both(real: Tensor, fake: Tensor) -> Tensor:
    """All logits in a row."""
    return torch.cat([real.flatten(), fake.flatten()])


FAR = 10.0


def exp(logits: Tensor) -> Tensor:
    """The exponential function, which goes on as a straight line from ``FAR`` on: divergences with it overflow."""
    beyond = relu(logits - FAR)  # its slope at FAR itself is 0, that of a clamp would be 0 or twice as large
    return (logits - beyond).exp() * (1 + beyond)


class FGAN(Loss):
    """A divergence, by its variational bound: arXiv:1606.00709, equation 4. D maximises E T(x) - E f*(T(G(z))) with
    T = activation(logit); G maximises E T(G(z)), as in section 3.2 and the paper's experiments."""

    one_stage = True

    def activation(self, logits: Tensor) -> Tensor:
        """g_f of table 6: logits to where the conjugate is defined."""
        raise NotImplementedError

    def conjugate(self, logits: Tensor) -> Tensor:
        """f*(g_f(logit)), from table 6."""
        raise NotImplementedError

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.conjugate(fake).mean() - self.activation(real).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -self.activation(fake).mean()

    def score(self, logits: Tensor) -> Tensor:
        return logits.mean()

    def log_values(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """With the bound, which estimates the divergence from below."""
        return {**super().log_values(real, fake), "divergence": -self.discriminator(real, fake)}


class KL(FGAN):
    """Kullback-Leibler: g(v) = v, f*(t) = exp(t - 1)."""

    def activation(self, logits: Tensor) -> Tensor:
        return logits

    def conjugate(self, logits: Tensor) -> Tensor:
        return exp(logits - 1)


class ReverseKL(FGAN):
    """Reverse Kullback-Leibler: g(v) = -exp(-v), f*(t) = -1 - log(-t)."""

    def activation(self, logits: Tensor) -> Tensor:
        return -exp(-logits)

    def conjugate(self, logits: Tensor) -> Tensor:
        return logits - 1


class Pearson(FGAN):
    """Pearson chi squared: g(v) = v, f*(t) = t^2 / 4 + t."""

    one_stage = False  # its slope is 0 at the logit -2

    def activation(self, logits: Tensor) -> Tensor:
        return logits

    def conjugate(self, logits: Tensor) -> Tensor:
        return 0.25 * logits.square() + logits


class SquaredHellinger(FGAN):
    """Squared Hellinger: g(v) = 1 - exp(-v), f*(t) = t / (1 - t)."""

    def activation(self, logits: Tensor) -> Tensor:
        return 1 - exp(-logits)

    def conjugate(self, logits: Tensor) -> Tensor:
        return exp(logits) - 1


class JensenShannon(FGAN):
    """Jensen-Shannon: g(v) = log 2 - log(1 + exp(-v)), f*(t) = -log(2 - exp t)."""

    def activation(self, logits: Tensor) -> Tensor:
        return log(2) - softplus(-logits)

    def conjugate(self, logits: Tensor) -> Tensor:
        return softplus(logits) - log(2)
