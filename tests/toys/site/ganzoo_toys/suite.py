"""The suite of the toys: a row each."""

from pathlib import Path

PATH = Path(__file__).with_name("kinds.toml")
