"""Loggers that tell other programs of a training: classes of lifecycle hooks, named by the setting ``loggers``."""
