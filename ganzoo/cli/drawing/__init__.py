"""What the commands that draw share, and those that a folder of their own keeps together. Imports nothing heavy."""
