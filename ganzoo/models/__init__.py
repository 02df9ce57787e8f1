"""What a GAN is made of: networks, losses, and the contract of a variant."""
