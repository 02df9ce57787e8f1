"""caption-match-2k and retrieval-precision-2k: what a picture shows, and which text it finds."""

from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.data.base import DataRequest
from ganzoo.data.drawn import shapes
from ganzoo.errors import UsageError
from ganzoo_zoo.text2image import metrics
from ganzoo_zoo.text2image.checker import Checker, words_of

from ..training.helpers import TINY

SMALL: dict[str, Any] = {**TINY, "steps": 4, "width": 4, "latent_dim": 4, "resolution": 16, "metrics": ""}


@pytest.fixture(scope="module")
def real() -> tuple[Checker, torch.Tensor, torch.Tensor]:
    known, tests = (shapes.load(DataRequest("shapes-filled", Path("x"), split=s)) for s in ("train", "test"))
    some, held_out = torch.arange(4_000), torch.arange(300)
    checker = Checker(known.fetch("images", some), known.fetch("text", some))
    return checker, tests.fetch("images", held_out), tests.fetch("text", held_out)


def test_real_pictures_are_read_right(real: tuple[Checker, torch.Tensor, torch.Tensor]) -> None:
    checker, images, texts = real
    assert checker.right(images, texts).float().mean(0).min() > 0.99


def test_what_is_wrong_is_seen(real: tuple[Checker, torch.Tensor, torch.Tensor]) -> None:
    checker, images, texts = real
    said = words_of(texts)
    own = checker.right(images, texts[torch.arange(300).roll(1)])
    expected = [[a == b for a, b in zip(said[i], said[i - 1], strict=True)] for i in range(300)]
    assert (own == torch.tensor(expected)).float().mean() > 0.99
    assert not checker.right(torch.full_like(images[:4], 255), texts[:4]).any(), "an empty picture shows nothing"
    noisy = images[:100].float() + 12 * torch.randn(100, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert checker.right(noisy.clamp(0, 255).byte(), texts[:100]).all(1).float().mean() > 0.9


def test_a_picture_finds_its_text_only_where_that_is_nearest() -> None:
    texts = torch.arange(12)[:, None].repeat(1, 3)
    own = torch.eye(12)
    assert metrics.retrieved(own, own, texts, texts, own) == 1
    assert metrics.retrieved(-own, own, texts, texts, own) == 0
    assert metrics.retrieved(torch.zeros(12, 12), own, texts, texts, own) == 0, "no text is nearer than another"


def test_both_are_taken_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "STEPS", 30)
    run = ganzoo.train("text2image", "shapes-filled", out=tmp_path / "run", **SMALL)
    match, found = ganzoo.evaluate(run.path, ["caption-match-2k", "retrieval-precision-2k"])
    assert 0 <= match.value <= 0.2
    assert match.values["real images"] > 0.95
    assert 0 <= found.value <= 0.5 < found.values["real images"]
    assert found.values["chance"] == 0.1


def test_generators_without_texts_have_no_such_figures(tmp_path: Path) -> None:
    run = ganzoo.train("vanilla", "shapes-filled", out=tmp_path / "run", **{**TINY, "steps": 2, "resolution": 16})
    with pytest.raises(UsageError, match="draws no texts"):
        ganzoo.evaluate(run.path, ["caption-match-2k"])
