"""Trained networks in the forms that other programs open, and the way back: ``ganzoo export`` and ``ganzoo.load``."""
