"""The settings of a run: fields, values, files."""
