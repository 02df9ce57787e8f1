"""Whatever stands in a file, a name or an option: a result, or one clear message. Never a traceback.

Each test takes something sound, changes it at random, and uses it as a user would. The examples are the same in every
run of the tests; ``benchmarks/survival.py`` tries many more.
"""

import copy
import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ganzoo
from ganzoo.bench import suite
from ganzoo.config.files import read_toml
from ganzoo.config.settings import FREE_KEYS, TRICK_KEYS
from ganzoo.errors import GanzooError
from ganzoo.models.load import load_variant
from ganzoo.runs.history import history
from ganzoo.runs.run import read_run_details
from ganzoo.runtime.tensor_files import read_tensors, write_tensors

REPEATABLE = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip

WORDS = st.one_of(
    st.integers().map(str),
    st.integers(min_value=-(10**400), max_value=10**400).map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", " ", "none", "true", "False", "1e400", "-0", "nan", "inf", "0x10", "1_000", "💥", "\x00", "../x"]
    ),
    st.text(max_size=12),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def outcome(use: Callable[[], object]) -> str:
    """What became of it: done, or what was said; everything else is an error of ganzoo's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            use()
        except GanzooError as error:
            return str(error) or "nothing was said"
    return "done"


@st.composite
def changes(draw: st.DrawFn) -> Callable[[Any], Any]:
    """A change of one place in nested tables and lists: another value, or none at all."""
    depth, value, remove = draw(st.integers(1, 4)), draw(VALUES), draw(st.booleans())
    picks = draw(st.lists(st.integers(0, 10**6), min_size=depth, max_size=depth))

    def change(document: Any) -> Any:
        changed = copy.deepcopy(document)
        place = changed
        for i, pick in enumerate(picks):
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                return changed
            key = keys[pick % len(keys)]
            if i == len(picks) - 1 or not isinstance(place[key], dict | list) or not place[key]:
                if remove:
                    del place[key]
                else:
                    place[key] = value
                return changed
            place = place[key]
        return changed

    return change


@cache
def keys_of(variant: str) -> list[str]:
    return sorted({*FREE_KEYS, *TRICK_KEYS, *(f.name for f in fields(load_variant(variant).Options))})


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A little run, finished."""
    out = tmp_path_factory.mktemp("sound") / "run"
    small = {"width": 8, "batch_size": 4, "log_every": 2, "checkpoint_every": 4}
    ganzoo.train("vanilla", "ring", out=out, steps=8, **small)
    return out


def renewed(sound: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    place = tmp_path / "run"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(sound, place)
    return place


def use_run(place: Path) -> None:
    """Go on with a run, and read it."""
    ganzoo.train(out=place, resume=True, steps=9)
    ganzoo.open_run(place).sample(2)
    history(place)


@REPEATABLE
@given(data=st.data())
@pytest.mark.parametrize("variant", ["vanilla", "dcgan"])
def test_settings(data: st.DataObject, variant: str, tmp_path: Path) -> None:
    chosen = data.draw(st.dictionaries(st.sampled_from(keys_of(variant)), WORDS, max_size=3))
    outcome(lambda: ganzoo.prepare(variant, "ring", out=tmp_path / "run", texts=chosen))


@REPEATABLE
@given(change=changes())
def test_files_of_settings(change: Callable[[Any], Any], sound: Path, tmp_path: Path) -> None:
    found = change(read_toml(sound / "config.toml"))
    path = tmp_path / "config.toml"
    try:
        path.write_text(tomli_w.dumps(found), encoding="utf-8")
    except (TypeError, ValueError):
        return  # TOML has no word for it
    outcome(lambda: ganzoo.prepare(config=path, out=tmp_path / "run"))


@REPEATABLE
@given(content=st.binary(max_size=40))
@pytest.mark.parametrize("name", ["config.toml", "run.json", "scalars.jsonl"])
def test_bytes_instead_of_a_file(content: bytes, name: str, sound: Path, tmp_path: Path) -> None:
    place = renewed(sound, tmp_path)
    (place / name).write_bytes(content)
    outcome(lambda: use_run(place))


@REPEATABLE
@given(change=changes())
def test_what_a_run_says_of_itself(change: Callable[[Any], Any], sound: Path, tmp_path: Path) -> None:
    place = renewed(sound, tmp_path)
    (place / "run.json").write_text(json.dumps(change(read_run_details(place))), encoding="utf-8")
    outcome(lambda: use_run(place))


@REPEATABLE
@given(change=changes())
def test_histories(change: Callable[[Any], Any], sound: Path, tmp_path: Path) -> None:
    place = renewed(sound, tmp_path)
    text = "".join(f"{json.dumps(line)}\n" for line in change(history(place)))
    (place / "scalars.jsonl").write_text(text, encoding="utf-8")
    outcome(lambda: use_run(place))


@REPEATABLE
@given(change=changes())
@pytest.mark.parametrize("name", ["checkpoints/step-00000008.safetensors", "generator.safetensors"])
def test_headers_with_a_right_hash(change: Callable[[Any], Any], name: str, sound: Path, tmp_path: Path) -> None:
    place = renewed(sound, tmp_path)
    tensors, header = read_tensors(place / name)
    write_tensors(place / name, tensors, change(header))
    if name.startswith("checkpoints"):
        outcome(lambda: use_run(place))
    else:
        outcome(lambda: ganzoo.load(place / name).sample(2))  # type: ignore[union-attr]  # a generator, if anything
        outcome(lambda: ganzoo.open_run(place).sample(2))


@REPEATABLE
@given(place=st.integers(0, 10**6), bits=st.integers(1, 255))
def test_flipped_bits_are_told(place: int, bits: int, sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    content = bytearray((sound / "generator.safetensors").read_bytes())
    content[place % len(content)] ^= bits
    path.write_bytes(bytes(content))
    assert outcome(lambda: ganzoo.load(path)) != "done"


SUITE: dict[str, Any] = {
    "about": "x", "seeds": [0, 1], "datasets": ["ring"], "metrics": ["modes-2500"], "budget": {"images": 8},
    "settings": {"batch_size": 4}, "entries": [{"variant": "vanilla", "label": "a", "settings": {"width": 8}}],
    "published": [{"label": "a", "dataset": "ring", "metric": "modes-2500", "value": 8.0, "source": "s"}],
}  # fmt: skip


@REPEATABLE
@given(first=changes(), second=changes())
def test_suites(first: Callable[[Any], Any], second: Callable[[Any], Any], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    try:
        path.write_text(tomli_w.dumps(second(first(SUITE))), encoding="utf-8")
    except (TypeError, ValueError):
        return
    outcome(lambda: suite.read(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=" + "[" * 5000, "nested too deeply"),
        (".".join(["a"] * 20_000) + "=1", "a key of more than 32 parts"),
        ("seeds = [" + "9" * 5000 + "]", "not valid TOML"),
        ('seeds = [true]\ndatasets = ["ring"]', "name at least one, each a whole number"),
        (
            'seeds = [0]\ndatasets = ["ring"]\n[budget]\nimages = 0.3\n[[entries]]\nvariant = "vanilla"',
            "a whole number",
        ),
        (tomli_w.dumps({**SUITE, "published": [{**SUITE["published"][0], "value": float("nan")}]}), "is not a number"),
    ],
)
def test_suites_that_were_tried(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    assert said in outcome(lambda: suite.read(path))


def test_many_seeds_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps({**SUITE, "seeds": list(range(20_000))}), encoding="utf-8")
    assert len(suite.read(path).jobs) == 20_000
