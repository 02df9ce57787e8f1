"""A new plugin, written as a small distribution of its own."""
