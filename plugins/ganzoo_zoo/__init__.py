"""The variants that come with ganzoo: a folder each, found like anybody's plugin."""
