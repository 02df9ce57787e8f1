"""The browser of the gallery's tests, for files: pages that may load nothing, at a width and in a theme."""

from pathlib import Path
from typing import Any

import pytest

from ..gallery.browser import Browser, chromium

KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Escape": 27}


class Chromium(Browser):
    """Skips the test where there is no Chromium. ``errors`` holds requests to anywhere as well."""

    def __init__(self, folder: Path) -> None:
        if chromium() is None:
            pytest.skip("no Chromium or Chrome is installed here")
        super().__init__(folder)
        self.call("Network.enable")

    def _look(self, event: dict[str, Any]) -> None:
        super()._look(event)
        if event.get("method") == "Network.requestWillBeSent":
            address = event["params"]["request"]["url"]
            if not address.startswith(("file:", "data:", "about:")):
                self.errors.append(f"the page asks for {address}")

    def show(self, path: Path, width: int = 1200, dark: bool = False) -> None:
        """Open a file, and wait until it is there with all its pictures."""
        self.resize(width, 900, dark)
        self.open(path.absolute().as_uri())

    def press(self, key: str) -> None:
        """Press and release a key, wherever the focus is."""
        self.key(key, KEYS[key])

    def point(self, x: float, y: float) -> None:
        """Move the mouse to a place of the viewport."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def overflow(self) -> int:
        """Pixels by which the page is wider than what is seen of it."""
        return int(self.run("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
