"""Commands that give images to trained networks: ``classify``, ``encode``, ``edit``, ``score``."""
