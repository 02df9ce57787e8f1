"""Data that is drawn on the spot, from a seed: no file, no download."""
