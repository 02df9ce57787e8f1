"""A real browser: headless Chromium, spoken to over the DevTools protocol."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 60


def chromium() -> str | None:
    """The path of a Chromium or Chrome; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


needs_chromium = pytest.mark.skipif(chromium() is None, reason="no Chromium or Chrome is installed here")


class Browser:
    """One page of a headless browser.

    Attributes:
        errors: what the console or the network complained of.
    """

    def __init__(self, folder: Path, width: int = 1280, height: int = 900) -> None:
        websocket = pytest.importorskip("websocket", reason="websocket-client is not installed")
        words = [
            str(chromium()), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-extensions", "--disable-background-networking", "--remote-debugging-port=0",
            "--force-color-profile=srgb", f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.errors: list[str] = []
        self._last = 0
        self._loads = 0
        try:
            port = wait(lambda: (folder / "DevToolsActivePort").exists() and self._port(folder), "the browser to start")
            listed = wait(lambda: self._pages(port), "a page of the browser")
            self.socket = websocket.create_connection(listed, timeout=SECONDS, suppress_origin=True)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    @staticmethod
    def _port(folder: Path) -> int:
        text = (folder / "DevToolsActivePort").read_text().split("\n")[0]
        return int(text) if text else 0

    @staticmethod
    def _pages(port: int) -> str:
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=SECONDS) as answer:
            pages = [each for each in json.load(answer) if each["type"] == "page"]
        return str(pages[0]["webSocketDebuggerUrl"]) if pages else ""

    def close(self) -> None:
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a method of the protocol; events that come in between are looked at."""
        self._last += 1
        self.socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            found = json.loads(self.socket.recv())
            if found.get("id") == self._last:
                assert "error" not in found, f"{method}: {found['error']}"
                return dict(found["result"])
            self._look(found)

    def _load(self, method: str, **parameters: Any) -> None:
        """Call a method that loads a page, and wait for the page.

        Scripts that are run before it is there would be answered by the old page, or be lost with it.
        """
        before = self._loads
        self.call(method, **parameters)
        while self._loads == before:
            self._look(json.loads(self.socket.recv()))

    def _look(self, event: dict[str, Any]) -> None:
        said = event.get("params", {})
        if event.get("method") == "Page.loadEventFired":
            self._loads += 1
        if event.get("method") == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description") or details["text"]))
        elif event.get("method") == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.errors.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")
        elif event.get("method") == "Runtime.consoleAPICalled" and said["type"] in ("error", "assert"):
            self.errors.append(str([argument.get("value") for argument in said["args"]]))

    def run(self, script: str) -> Any:
        """The value of an expression; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, script: str, seconds: float = SECONDS) -> Any:
        """Wait until an expression is true, and return its value."""
        return wait(lambda: self.run(script), script, seconds)

    def open(self, address: str) -> None:
        self._load("Page.navigate", url=address)

    def reload(self) -> None:
        self._load("Page.reload")

    def resize(self, width: int, height: int, dark: bool | None = None) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        if dark is not None:
            scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
            self.call("Emulation.setEmulatedMedia", features=scheme)

    def set(self, selector: str, value: object) -> None:
        """Put a value into a field, as typing or moving a slider does."""
        text, where = json.dumps(str(value)), json.dumps(selector)
        self.run(
            f"(() => {{ const field = document.querySelector({where}); field.value = {text};"
            "field.dispatchEvent(new Event('input', {bubbles: true}));"
            "field.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def key(self, name: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    def choose_file(self, selector: str, path: Path) -> None:
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def picture(self, path: Path, full: bool = False) -> None:
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        path.write_bytes(base64.b64decode(found["data"]))


def wait(look: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """What ``look`` gives once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")
