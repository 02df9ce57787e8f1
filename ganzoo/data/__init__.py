"""Data sets: where their files come from, how they are read, and in which order training sees them.

Importing this package imports neither torch nor NumPy, because listing data sets needs neither.
"""
