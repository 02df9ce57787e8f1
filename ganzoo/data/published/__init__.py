"""Published data sets, read from their official files."""
