"""What the machine gives: device, processes, random state, files and locks."""
