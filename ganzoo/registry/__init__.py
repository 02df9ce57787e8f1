"""Finds plugins and what they offer; imports no torch."""
