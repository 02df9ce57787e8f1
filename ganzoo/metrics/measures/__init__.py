"""What is measured, a measure a file; :mod:`ganzoo.metrics.specs` lists them by name."""
