"""Measures of samples and of trained networks, one file each."""
