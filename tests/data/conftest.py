"""A file server on the loopback address whose manners a test can choose."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ganzoo.registry.specs import DataFile, DatasetSpec


@dataclass
class Server:
    """What is served and how; ``ranges`` records the Range header of each request."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    etag: str = '"one"'
    obeys_range: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes sent before the connection ends, one for each request
    errors: list[int] = field(default_factory=list)  # HTTP status of the next answers
    ranges: list[str | None] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Keep the output of tests clean."""

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.ranges.append(asked)
            if server.errors:
                self.send_error(server.errors.pop(0))
                return
            content = server.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            start, changed = 0, self.headers.get("If-Range", server.etag) != server.etag
            if asked and server.obeys_range and not changed:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            if server.etag:
                self.send_header("ETag", server.etag)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = start + server.cuts.pop(0) if server.cuts else len(content)
            self.wfile.write(content[start:end])
            self.close_connection = True

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler(state))
    state.port = httpd.server_address[1]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield state
    httpd.shutdown()
    httpd.server_close()


def md5(content: bytes) -> str:
    return "md5:" + hashlib.md5(content, usedforsecurity=False).hexdigest()


def set_of(*files: DataFile) -> DatasetSpec:
    """A data set of these files, as a plugin would declare it."""
    return DatasetSpec(name="tiny", load="nowhere:load", summary="for tests", files=files, download="files")
