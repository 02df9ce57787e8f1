"""The gallery's server: what it answers, what it refuses, and how fast it is."""

import asyncio
import io
import json
import os
import socket
import time
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.cli import main
from ganzoo.config.fields import Options, option
from ganzoo.data.base import to_uint8
from ganzoo.errors import DataError
from ganzoo.gallery.networks import Networks
from ganzoo.gallery.pictures import knobs, refuse_large
from ganzoo.gallery.requests import MOST_JSON, MOST_UPLOAD
from ganzoo.gallery.server import create_app
from ganzoo.models.interfaces import Translator
from ganzoo.models.latents import truncated
from ganzoo.report.pictures import grid, to_image

from .conftest import RUNS, toys

HERE = "http://localhost:8642"


class Client:
    """Asks the application without a network."""

    def __init__(self, root: Path) -> None:
        self.networks = Networks()
        self.app = create_app(root, self.networks)

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def answer() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HERE) as client:
                return await client.request(method, path, **given)

        return asyncio.run(answer())

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.ask("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.ask("POST", path, **given)


@pytest.fixture(scope="module")
def client(runs: Path) -> Iterator[Client]:
    with toys():
        yield Client(runs)


def sample(client: Client, code: int = 200, **asked: Any) -> Any:
    found = client.post("/api/sample", json={"run": "labelled", "file": "generator.safetensors", **asked})
    assert found.status_code == code, found.text
    return Image.open(io.BytesIO(found.content)) if code == 200 else found.json()["error"]


def translate(client: Client, body: bytes, code: int = 200, **asked: Any) -> Any:
    where = {"run": "enlarger", "file": "generator.safetensors", **asked}
    found = client.post("/api/translate", params=where, content=body)
    assert found.status_code == code, found.text
    return Image.open(io.BytesIO(found.content)) if code == 200 else found.json()["error"]


def test_samples_are_those_of_the_same_seed_everywhere(client, runs):
    expected = to_image(grid(to_uint8(ganzoo.load(runs / "labelled").sample(64, None, 3)), 8))
    assert sample(client, seed=3).tobytes() == expected.tobytes()
    one = ganzoo.load(runs / "labelled").sample(9, torch.full((9,), 4), 3)
    assert sample(client, seed=3, n=9, wanted=4).tobytes() == to_image(grid(to_uint8(one), 3)).tobytes()


def test_truncation_is_that_of_the_command(client, runs):
    plain, typical = (sample(client, seed=3, truncation=value).tobytes() for value in (None, 0.5))
    generator = ganzoo.load(runs / "labelled")
    with truncated(generator, 0.5):
        expected = generator.sample(64, seed=3)
    assert typical == to_image(grid(to_uint8(expected), 8)).tobytes()
    assert plain != typical


def test_an_interpolation_begins_and_ends_at_its_seeds(client):
    begin, end = (sample(client, seed=seed, n=4).tobytes() for seed in (1, 2))
    assert sample(client, seed=1, other=2, t=0, n=4).tobytes() == begin
    assert begin != sample(client, seed=1, other=2, t=0.5, n=4).tobytes() != end
    for path in ("spherical", "linear"):
        last = sample(client, seed=1, other=2, t=1, path=path, n=4).tobytes()
        assert max(abs(a - b) for a, b in zip(last, end, strict=True)) <= 1


def test_checkpoints_differ_and_all_classes_are_rows(client):
    first, second = (sample(client, file=f"checkpoints/step-0000000{step}.safetensors") for step in (1, 3))
    assert first.tobytes() != second.tobytes()
    assert sample(client, wanted="all", n=40).size == (4 * 30 + 2, 10 * 30 + 2)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"wanted": 10}, "class 10 is out of range: valid classes are 0 to 9."),
        ({"wanted": -1}, "class -1 is out of range"),
        ({"wanted": "cat"}, "class 'cat' is out of range"),
        ({"wanted": True}, "class True is out of range"),
        ({"n": 0}, "n = 0 is out of range: it must be a whole number, 1 to 256."),
        ({"n": 257}, "n = 257"),
        ({"n": 2.5}, "n = 2.5"),
        ({"seed": 2**63}, "seed = 9223372036854775808"),
        ({"other": "x"}, "other = 'x'"),
        ({"t": 1.5}, "t = 1.5"),
        ({"truncation": -0.1}, "truncation = -0.1"),
        ({"path": "zigzag"}, "path = 'zigzag' is not one of spherical, linear."),
        ({"settings": {"psi": 1}}, "psi"),
        ({"settings": 3}, "settings = 3"),
        ({"color": "red"}, "unknown key 'color': known are run, file, n,"),
        ({"run": "nowhere"}, "there is no run 'nowhere' here."),
        ({"run": "../runs/labelled"}, "there is no run"),
        ({"run": 3}, "run = 3 is not a name."),
        ({"file": "../labelled/generator.safetensors"}, "has no weights"),
        ({"run": "damaged"}, "has no weights"),
        ({"run": "enlarger"}, "it draws no samples"),
        ({"side": 1}, "side = 1: these samples have sides 0 to 0."),
        ({"run": "voxels", "side": 99}, "side = 99"),
    ],
)
def test_a_bad_request_gets_one_clear_line(client, asked, said):
    found = sample(client, 400, **asked)
    assert said in found
    assert "\n" not in found


def test_sounds_are_heard_one_after_another(client, runs):
    asked = {"run": "waves", "file": "generator.safetensors", "n": 3, "seed": 5}
    found = client.post("/api/sound", json=asked)
    assert found.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(found.content)) as file:
        assert (file.getframerate(), file.getnframes()) == (8_000, 3 * (64 + 1_600))
        frames = torch.frombuffer(bytearray(file.readframes(64)), dtype=torch.int16)
    first = ganzoo.load(runs / "waves").sample(3, seed=5)[0, 0]
    torch.testing.assert_close(frames / 32_767, first, atol=1e-4, rtol=0)
    refused = client.post("/api/sound", json={**asked, "run": "labelled"})
    assert (refused.status_code, refused.json()["error"]) == (400, "images make no sound.")
    cards = [client.get("/api/weights", params={**asked, "run": run}).json() for run in ("waves", "labelled")]
    assert [card["sounds"] for card in cards] == [True, False]


def test_solids_are_seen_from_every_side(client):
    sides = client.get("/api/weights", params={"run": "voxels", "file": "generator.safetensors"}).json()["sides"]
    assert sides > 1
    seen = {sample(client, run="voxels", n=4, side=side).tobytes() for side in range(sides)}
    assert len(seen) == sides


def test_what_is_not_a_request_is_refused(client):
    bodies = {
        b"{": "is not JSON", b"[" * 9999: "is not JSON", b"\xff": "is not JSON", b"[1]": "not an object",
        b"{}": "lacks 'run'", b"x" * (MOST_JSON + 1): "too much",
    }  # fmt: skip
    for body, said in bodies.items():
        found = client.post("/api/sample", content=body)
        assert found.status_code == 400
        assert said in found.json()["error"]
    assert "too much" in client.post("/api/translate", content=in_parts()).json()["error"]


async def in_parts() -> AsyncIterator[bytes]:
    """A body that is too long and does not say so before."""
    for _ in range(MOST_UPLOAD // 10**6 + 1):
        yield b"x" * 10**6


def test_images_are_translated_and_others_refused(client, uploads):
    good = (uploads / "good.png").read_bytes()
    assert translate(client, good).size == (80, 48)
    assert "not an image in one of the formats" in translate(client, (uploads / "text.png").read_bytes(), 400)
    assert "10000 x 10000 pixels" in translate(client, (uploads / "large.png").read_bytes(), 400)
    assert "cannot be read" in translate(client, good[:-30], 400)
    assert "cannot be read" in translate(client, b"", 400)
    assert "takes no class" in translate(client, good, 400, **{"class": "3"})
    assert "is not a number" in translate(client, good, 400, **{"class": "3; rm"})
    assert "it translates no images" in translate(client, good, 400, run="labelled")
    wide = io.BytesIO()
    Image.new("1", (3000, 2000)).save(wide, "PNG")  # few enough to be read, too many once it is enlarged
    assert "4 times as large it would be too large" in translate(client, wide.getvalue(), 400)


def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    Image.new("1", (2000, 1500)).save(tmp_path / "image.png")
    refuse_large(tmp_path / "image.png", Translator())
    Image.new("1", (5000, 4000)).save(tmp_path / "large.png")
    with pytest.raises(DataError, match="5000 x 4000 pixels: at most 16,000,000 are taken"):
        refuse_large(tmp_path / "large.png", Translator())


def test_only_this_machine_and_its_own_page_are_answered(client):
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8642", "192.168.1.2:8642", ""):
        assert client.get("/api/runs", headers={"Host": host}).status_code == 403
    for host in ("127.0.0.1:8642", "LOCALHOST:1", "[::1]:8642"):
        assert client.get("/api/runs", headers={"Host": host}).status_code == 200
    for origin in ("http://evil.example", "null", "https://localhost:8642", "http://localhost:9999"):
        assert client.post("/api/sample", content=b"{}", headers={"Origin": origin}).status_code == 403
    assert client.post("/api/sample", content=b"{}", headers={"Origin": HERE}).status_code == 400


def test_the_page_loads_nothing_from_elsewhere(client):
    found = client.get("/")
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert "unsafe" not in found.headers["content-security-policy"]
    assert found.headers["x-content-type-options"] == "nosniff"
    for name, kind in (("gallery.js", "text/javascript"), ("gallery.css", "text/css"), ("icon.svg", "image/svg+xml")):
        file = client.get(f"/page/{name}")
        assert file.status_code == 200
        assert file.headers["content-type"].startswith(kind)
        assert "http:" not in file.text.replace("http://www.w3.org/2000/svg", "")
        assert "https:" not in file.text
    for name in ("page.html", "..%2fserver.py", "../server.py", "nothing.js"):
        assert client.get(f"/page/{name}").status_code == 404


def test_runs_are_told_as_they_are(client):
    found = {run["name"]: run for run in client.get("/api/runs").json()["runs"]}
    assert sorted(found) == RUNS
    assert found["labelled"]["weights"] == ["generator.safetensors"] + [
        f"checkpoints/step-0000000{step}.safetensors" for step in (3, 2, 1)
    ]
    assert found["started"]["weights"] == found["broken"]["weights"] == []
    assert client.get("/api/picture", params={"run": "labelled"}).headers["content-type"] == "image/png"
    assert client.get("/api/picture", params={"run": "started"}).status_code == 400


def test_names_that_are_not_utf8_hide_no_run(tmp_path, runs):
    strange = tmp_path / os.fsdecode(b"r\xffn")
    strange.mkdir()
    (strange / "run.json").write_text('{"status": "\\ud800", "updated": "\\udcff"}')
    (tmp_path / "link").symlink_to(runs / "labelled")  # a link may lead out of the folder
    listed = Client(tmp_path).get("/api/runs").json()["runs"]
    assert [run["name"] for run in listed] == ["r\\xffn"]


def test_the_card_of_a_network_tells_its_classes_and_kind(client):
    found = client.get("/api/weights", params={"run": "labelled", "file": "generator.safetensors"}).json()
    assert found["kind"] == "generator"
    assert found["classes"] == [str(k) for k in range(10)]
    assert (
        client.get("/api/weights", params={"run": "enlarger", "file": "generator.safetensors"}).json()["scale"] == "4"
    )


@dataclass(frozen=True, kw_only=True)
class Declared(Options):
    psi: float = option(1.0, "pulls styles to their mean", at_least=0, at_most=1)
    layers: int | None = option(None, "layers that are pulled; none: all", above=0)
    noise: Literal["same", "fresh"] = option("same", "noise of the layers")
    smooth: bool = option(False, "averages neighbours")
    words: str = option("", "a caption")


def test_an_error_names_no_path_of_the_machine(client, runs):
    path = runs / "labelled" / "checkpoints" / "step-00000002.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    try:
        said = sample(client, 400, file="checkpoints/step-00000002.safetensors")
    finally:
        path.write_bytes(whole)
    assert said.startswith("labelled/checkpoints/step-00000002.safetensors ")


def test_every_declared_setting_becomes_a_knob():
    found = {knob.pop("name"): knob for knob in knobs(Declared)}
    assert [knob["kind"] for knob in found.values()] == ["float", "int", "choice", "bool", "text"]
    assert (found["psi"]["at_least"], found["psi"]["at_most"], found["psi"]["default"]) == (0, 1, 1.0)
    assert found["layers"]["optional"]
    assert found["noise"]["choices"] == ["same", "fresh"]
    json.dumps(found)


def test_a_few_networks_are_kept_and_changed_files_are_read_again(runs, tmp_path):
    kept = Networks(most=2)
    files = [runs / "labelled" / "checkpoints" / f"step-0000000{step}.safetensors" for step in (1, 2, 3)]
    first = kept.open(files[0])
    assert kept.open(files[0]) is first
    for file in files[1:]:
        kept.open(file)
    assert len(kept) == 2
    assert kept.open(files[0]) is not first


def test_what_is_being_computed_ends_with_the_gallery(runs):
    client = Client(runs)
    sample(client)
    client.networks.stop()
    assert sample(client, 400) == "the gallery is closed."


def test_64_images_take_less_than_a_second(client):
    sample(client, n=64)
    taken = []
    for seed in range(3):  # the machine may be busy with other tests
        begin = time.perf_counter()
        sample(client, n=64, seed=seed)
        taken.append(time.perf_counter() - begin)
    assert min(taken) < 1


@pytest.mark.parametrize(
    ("words", "said"),
    [(["nowhere"], "no such folder"), (["."], "pip install 'ganzoo[gallery]'"), ([".", "--port", "70000"], "70000")],
)
def test_the_command_refuses_in_one_line(words, said, capsys, monkeypatch):
    if "pip" in said:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        main(["gallery", "--no-browser", *words])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in error
    assert "Traceback" not in error


def test_a_port_that_is_taken_is_said(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["gallery", str(tmp_path), "--no-browser", "--port", str(port)])
    assert ended.value.code == 2
    assert f"port {port}: Address already in use" in capsys.readouterr().err
