"""Settings: layers, types, ranges, TOML and back."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from ganzoo.config.fields import Options, option, reject_unused, with_full_paths
from ganzoo.config.files import read_toml, to_plain, to_toml
from ganzoo.config.settings import RunConfig, resolve
from ganzoo.errors import ConfigError, PluginError, UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Sample(Options):
    lr: float = option(1e-3, "step size", above=0)
    shape: Literal["round", "square"] = option("round", "form")
    fast: bool = option(False, "no waiting")
    size: int | None = option(None, "size", at_least=1)


def made(*layers: dict[str, Any], **texts: str) -> RunConfig:
    return resolve("some", Sample, {"dataset": "toy"}, *layers, texts=texts)


def test_later_layers_win() -> None:
    config = made({"steps": 5, "lr": 0.1}, {"steps": 6}, steps="7")
    assert config.steps == 7
    assert config.options == Sample(lr=0.1)


def test_texts_become_values_of_the_fields_type() -> None:
    config = made(lr="5e-4", shape="square", fast="true", size="12", steps="20_000", resolution="none")
    assert config.options == Sample(lr=5e-4, shape="square", fast=True, size=12)
    assert config.steps == 20_000
    assert config.resolution is None


@pytest.mark.parametrize(
    ("key", "text", "part"),
    [
        ("steps", "0", "at least 1"),
        ("steps", "-5", "at least 1"),
        ("steps", "nan", "not a whole number"),
        ("steps", "1.5", "not a whole number"),
        ("steps", "many", "not a whole number"),
        ("batch_size", "0", "at least 1"),
        ("lr", "nan", "not a finite number"),
        ("lr", "inf", "not a finite number"),
        ("lr", "0", "above 0"),
        ("lr", "-1", "above 0"),
        ("shape", "oval", "one of round, square"),
        ("fast", "perhaps", "true or false"),
        ("size", "0", "at least 1"),
        ("seed", "-1", "at least 0"),
        ("device", "tpu", "one of auto, cpu, cuda, mps"),
        ("precision", "fp8", "one of auto, fp32, tf32, bf16"),
        ("channels", "2", "one of 1, 3, 4 or none"),
        ("resolution", "3", "at least 4"),
        ("ema_halflife", "-1", "at least 0"),
    ],
)
def test_bad_values_are_refused_with_the_value_and_the_valid_ones(key: str, text: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**{key: text})
    assert text in str(caught.value)
    assert part in str(caught.value)
    assert key in str(caught.value)


@pytest.mark.parametrize("value", ["3", True, 2.5, None])
def test_a_toml_value_of_the_wrong_type_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="steps"):
        made({"steps": value})


def test_an_unknown_key_suggests_the_nearest() -> None:
    for layer, texts in (({"batchsize": 4}, {}), ({"options": {"batchsize": 4}}, {}), ({}, {"batchsize": "4"})):
        with pytest.raises(UnknownNameError, match="'batch_size'"):
            made(layer, **texts)


def test_options_that_are_no_table_are_refused() -> None:
    with pytest.raises(ConfigError, match="not a table"):
        made({"options": 3})


def test_toml_and_back_is_the_same_config(tmp_path: Path) -> None:
    config = made(lr="5e-4", shape="square", steps="77", resolution="32", channels="3", size="4")
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config))
    assert resolve("some", Sample, read_toml(path)) == config
    assert tomllib.loads(path.read_text()) == to_plain(config)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("steps = = 3")
    with pytest.raises(ConfigError, match=r"broken\.toml is not valid TOML"):
        read_toml(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_toml(tmp_path / "nowhere.toml")


def test_options_that_are_declared_paths_are_kept_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Places(Options):
        file: str = option("", "one path, which may hold a comma", path="one")
        folders: str = option("", "paths", path="many")
        word: str = option("", "no path")

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    here = Path.cwd()
    given = Places(file="a,b.pth", folders="~/x, y/z,,/w", word="~/x")
    full = Places(file=f"{here}/a,b.pth", folders=f"{tmp_path}/home/x,{here}/y/z,/w", word="~/x")
    assert with_full_paths(given) == full
    assert with_full_paths(full) == full
    assert with_full_paths(Places()) == Places()
    with pytest.raises(ConfigError, match=r"'~no-such-user/x': no home directory.*in full"):
        with_full_paths(Places(folders="a, ~no-such-user/x"))


def test_a_setting_that_does_nothing_is_refused_unless_it_is_as_by_default() -> None:
    reject_unused(Sample(fast=True), ("lr", "size", "no such"), "not asked")
    with pytest.raises(ConfigError, match=r"^size = 3 does nothing: squares have none\.$"):
        reject_unused(Sample(size=3), ("lr", "size"), "squares have none")


def test_a_variants_options_may_not_shadow_a_runs() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Shadow(Options):
        seed: int = option(1, "again")

    with pytest.raises(PluginError, match="option 'seed', which is a setting of every run"):
        resolve("some", Shadow, {"dataset": "toy"})
