"""What a variant is made of: the layers of its networks, and what goes into which of them in a training."""
