"""Run directories: one class writes them, another reads them."""
