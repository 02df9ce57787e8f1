"""Data sets made from others: some of their samples, their colours as classes, degraded images as pairs."""
