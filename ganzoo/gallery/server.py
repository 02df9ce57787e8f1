"""The server of the gallery: Starlette and uvicorn, for this machine alone.

It listens on the loopback address. A request must name this machine as its host, so that no other page can reach it
through a name of its own (DNS rebinding), and a POST must come from the gallery's own page.
"""

import json
import re
import signal
import socket
import webbrowser
from collections.abc import Awaitable, Callable
from functools import wraps
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ganzoo.errors import GanzooError, Interrupted, UsageError, describe, printable
from ganzoo.gallery.folder import find_run, find_weights, list_runs
from ganzoo.gallery.networks import Networks, Opened
from ganzoo.gallery.pictures import card, sample_picture, sample_sound, translated_picture
from ganzoo.gallery.requests import MOST_JSON, MOST_PIXELS, MOST_UPLOAD, SampleRequest, read_sample_request

LOOPBACK = "127.0.0.1"
HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
MOST_PICTURE = 50 * 1000 * 1000
"""Bytes of a picture of samples that is shown."""
PAGE = Path(__file__).with_name("page")
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {path.name: path for path in sorted(PAGE.iterdir()) if path.suffix in KINDS}
"""What the page loads beside itself: nothing else is served from the disk by its name."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; "
    "media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may load and run for the page: files of ours, and pictures that it was sent."""

Handler = Callable[[Request], Awaitable[Response]]


class Guard:
    """Refuses requests from pages of other machines, and tells browsers to load nothing from outside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not HOST.fullmatch(host):
            await refused("this gallery answers to localhost alone.", 403)(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD") and origin is not None and origin.lower() != f"http://{host.lower()}":
            await refused("this request comes from another page.", 403)(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                found["X-Content-Type-Options"] = "nosniff"
                found["Cross-Origin-Resource-Policy"] = "same-origin"
                found["Referrer-Policy"] = "no-referrer"
                found["Cache-Control"] = "no-store"
                found.setdefault("Content-Security-Policy", "default-src 'none'")
            await send(message)

        await self.app(scope, receive, send_guarded)


class Json(JSONResponse):
    """JSON in ASCII: names that are not UTF-8 must not end a request."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def refused(message: str, status: int = 400) -> Json:
    """An error, in one line."""
    return Json({"error": " ".join(message.split())}, status)


def answering(root: Path) -> Callable[[Handler], Handler]:
    """A decorator of handlers: what goes wrong becomes one line of JSON, with paths from ``root`` on."""

    def answered(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except HTTPException:
                raise
            except GanzooError as error:
                return refused(str(error).replace(f"{root}/", ""))
            except Exception as error:  # a fault of ours; the page says so, and the other runs can still be looked at
                return refused(f"the gallery failed: {describe(error)}", 500)

        return guarded

    return answered


async def body_of(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        UsageError: longer than ``most`` bytes; the rest is not read.
    """
    size = request.headers.get("content-length", "0")
    too_long = f"more than {most:,} bytes were sent: that is too much."
    if not size.isdecimal() or int(size) > most:
        raise UsageError(too_long)
    parts, total = [], 0
    async for part in request.stream():
        parts.append(part)
        total += len(part)
        if total > most:
            raise UsageError(too_long)
    return b"".join(parts)


def create_app(root: Path, networks: Networks) -> Starlette:
    """The gallery of a folder of runs, as an ASGI application that keeps its networks in ``networks``."""
    root = root.resolve()
    answered = answering(root)
    templates = Environment(loader=PackageLoader("ganzoo.gallery", "page"), autoescape=True, undefined=StrictUndefined)

    @answered
    async def page(request: Request) -> Response:
        text = templates.get_template("page.html").render(
            folder=printable(root.name),
            version=metadata.version("ganzoo"),
            megabytes=MOST_UPLOAD // 10**6,
            megapixels=MOST_PIXELS // 10**6,
        )
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    @answered
    async def file(request: Request) -> Response:
        found = FILES.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return Response(found.read_bytes(), media_type=KINDS[found.suffix])

    @answered
    async def runs(request: Request) -> Response:
        found = await run_in_threadpool(list_runs, root)
        return Json({"folder": printable(root.name), "runs": [run.plain() for run in found]})

    @answered
    async def picture(request: Request) -> Response:
        def read() -> bytes:
            found = find_run(root, request.query_params.get("run")).picture
            if found is None or found.stat().st_size > MOST_PICTURE:
                raise UsageError("this run has no picture of samples.")
            return found.read_bytes()

        return Response(await run_in_threadpool(read), media_type="image/png")

    @answered
    async def weights(request: Request) -> Response:
        def look() -> dict[str, Any]:
            asked = request.query_params
            return card(networks.open(find_weights(root, asked.get("run"), asked.get("file"))))

        return Json(await run_in_threadpool(look))

    async def sampled(request: Request, make: Callable[[Opened, SampleRequest], bytes]) -> bytes:
        asked = read_sample_request(await body_of(request, MOST_JSON))

        def draw() -> bytes:
            path = find_weights(root, asked.run, asked.file)
            with networks.busy:
                return make(networks.open(path), asked)

        return await run_in_threadpool(draw)

    @answered
    async def sample(request: Request) -> Response:
        return Response(await sampled(request, sample_picture), media_type="image/png")

    @answered
    async def sound(request: Request) -> Response:
        return Response(await sampled(request, sample_sound), media_type="audio/wav")

    @answered
    async def translate(request: Request) -> Response:
        asked = request.query_params
        text = asked.get("class", "")
        if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise UsageError(f"class {text[:100]!r} is not a number.")
        upload = await body_of(request, MOST_UPLOAD)

        def turn() -> bytes:
            path = find_weights(root, asked.get("run"), asked.get("file"))
            with networks.busy:
                return translated_picture(networks.open(path), upload, int(text) if text else None)

        return Response(await run_in_threadpool(turn), media_type="image/png")

    async def missing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return refused(f"{error.detail}: {request.url.path[:100]}", error.status_code)

    routes = [
        Route("/", page),
        Route("/page/{name}", file),
        Route("/api/runs", runs),
        Route("/api/picture", picture),
        Route("/api/weights", weights),
        Route("/api/sample", sample, methods=["POST"]),
        Route("/api/sound", sound, methods=["POST"]),
        Route("/api/translate", translate, methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard)], exception_handlers={HTTPException: missing})


def bind(port: int) -> socket.socket:
    """A socket on the loopback address; port 0 takes any free one.

    Raises:
        UsageError: the port is taken, or may not be used.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
        found.listen()
    except OSError as error:
        found.close()
        raise UsageError(
            f"port {port}: {error.strerror or error}. Choose another --port; 0 takes a free one."
        ) from error
    return found


class Server(uvicorn.Server):
    """A server that remembers which signal ended it, and then calls ``stop``."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self.stop, self.ended_by = stop, ""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.ended_by = signal.Signals(sig).name
        self.stop()
        super().handle_exit(sig, frame)


def serve(root: Path, port: int, browser: bool, said: Callable[[str], None]) -> None:
    """Show a folder of runs until a signal ends it.

    Args:
        said: called with the address once the server listens.

    Raises:
        UsageError: the folder or the port cannot be used.
        Interrupted: a signal came; that is how a gallery ends.
    """
    list_runs(root)
    sock = bind(port)
    address = f"http://{LOOPBACK}:{sock.getsockname()[1]}/"
    networks = Networks()
    config = uvicorn.Config(
        create_app(root, networks),
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=10,
    )
    server = Server(config, networks.stop)
    try:
        said(address)
        if browser:
            webbrowser.open(address)
        server.run(sockets=[sock])
    except KeyboardInterrupt:
        raise Interrupted("the gallery is closed.", server.ended_by or "SIGINT") from None
    finally:
        sock.close()


__all__ = ["bind", "create_app", "serve"]
