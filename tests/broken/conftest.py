"""The plugin of broken variants, installed as pip would leave it: a folder on the path with its ``.dist-info``."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo.registry.registry import registry

SITE = Path(__file__).parent / "site"


@pytest.fixture(scope="module", autouse=True)
def broken() -> Iterator[None]:
    """Only while the tests of this folder run: others know nothing of them."""
    sys.path.insert(0, str(SITE))
    registry.cache_clear()
    yield
    sys.path.remove(str(SITE))
    registry.cache_clear()
