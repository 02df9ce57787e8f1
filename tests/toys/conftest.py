"""The plugin of the toys, installed as pip would leave it: a folder on the path with its ``.dist-info``."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo.registry.registry import registry

from ..commands.conftest import invoke  # noqa: F401  # the command line in this process

SITE = Path(__file__).parent / "site"


@pytest.fixture(scope="module", autouse=True)
def toys() -> Iterator[None]:
    """Only while the tests of this folder run: others know nothing of the toys."""
    sys.path.insert(0, str(SITE))
    registry.cache_clear()
    yield
    sys.path.remove(str(SITE))
    registry.cache_clear()
