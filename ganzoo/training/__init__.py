"""A training from its settings to its last checkpoint."""
