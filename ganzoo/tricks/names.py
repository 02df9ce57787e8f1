"""Which settings are tricks of what: a variant declares with these names which of them its losses apply."""

NETWORK_TRICKS = ("spectral_norm", "minibatch_kernels", "minibatch_std", "freeze_d")
"""Tricks that change a discriminator's layers."""
INPUT_TRICKS = ("diffaugment", "ada", "ada_images", "diffusion", "diffusion_images", "instance_noise")
"""Tricks that change what a discriminator sees."""
PENALTIES = ("r1", "r2", "gradient_penalty", "dragan")
"""Penalties on slopes of D."""
DISCRIMINATOR_TRICKS = ("label_smoothing", "label_flipping", *PENALTIES, "penalty_every", "penalty_slope", "drift")
"""Tricks of the discriminator's loss."""
GENERATOR_TRICKS = ("feature_matching",)
"""Tricks of the generator's loss."""
LOSS_TRICKS = (*NETWORK_TRICKS, *INPUT_TRICKS, *DISCRIMINATOR_TRICKS, *GENERATOR_TRICKS)
"""What a variant with losses of its own can declare; the other tricks are the trainer's."""
