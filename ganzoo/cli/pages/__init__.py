"""Commands that show what runs have become: as a page, as tables in the terminal."""
