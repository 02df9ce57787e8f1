"""Data sets that are read from installed Python packages: no download, and nothing of them is copied."""
