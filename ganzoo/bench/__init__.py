"""``ganzoo bench``: suites of trainings, a runner that survives anything, and the table."""
