"""The relativistic pairing loss (RpGAN): arXiv:1807.00734, section 4.1, with f(t) = log(1 + exp(-t)).

R3GAN (arXiv:2501.05441, equation 1) trains with it too, together with penalties on the discriminator's gradient.
"""

from torch import Tensor
from torch.nn.functional import softplus

from ganzoo.plugin import Loss


class Relativistic(Loss):
    """Judges each real sample against one fake sample: only the difference of their logits counts."""

    needs_real = True  # ask ganzoo for the real logits in the generator's loss, too

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        assert real is not None, "ganzoo passes the real logits to a loss with needs_real"
        return softplus(real - fake).mean()

    def score(self, logits: Tensor) -> Tensor:
        """The mean logit. Its sigmoid is not a probability: a constant added to all logits changes no loss."""
        return logits.mean()
