"""Metrics as users ask for them: of a role, against another data set."""

from pathlib import Path
from typing import Any

import pytest

import ganzoo
from ganzoo.errors import UnknownNameError, UsageError
from ganzoo.metrics.requests import MetricRequest, as_requests, base_name, requests_in


@pytest.mark.parametrize(
    ("text", "expected", "title"),
    [
        ("psnr", ("psnr", "", ""), "psnr"),
        (" psnr@a2b ", ("psnr", "a2b", ""), "psnr@a2b"),
        ("psnr vs folder:some/Set5", ("psnr", "", "folder:some/Set5"), "psnr vs Set5"),
        ("psnr@a2b vs glyphs", ("psnr", "a2b", "glyphs"), "psnr@a2b vs glyphs"),
    ],
)
def test_a_request_is_a_metric_a_role_and_a_reference(text: str, expected: tuple[str, ...], title: str) -> None:
    found = MetricRequest.parse(text)
    assert (found.name, found.role, found.reference) == expected
    assert found.title == title
    assert MetricRequest.parse(str(found)) == found
    assert base_name(title) == base_name(f"{title} bicubic") == "psnr"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("psrn", UnknownNameError, "did you mean 'psnr'"),
        ("psnr@", UsageError, "write NAME, NAME@ROLE, or NAME vs DATASET"),
        ("psnr@a b", UsageError, "write NAME"),
        ("@a2b", UsageError, "write NAME"),
        ("psnr vs ", UsageError, "write NAME"),
        ("psnr vs nowhere", UnknownNameError, "unknown dataset 'nowhere'"),
    ],
)
def test_a_wrong_request_is_told(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        MetricRequest.parse(text)


def test_requests_are_taken_once_and_under_one_title_each() -> None:
    assert [str(r) for r in requests_in("psnr, ssim,psnr , ")] == ["psnr", "ssim"]
    with pytest.raises(UsageError, match=r"a/Set1 and psnr vs folder:b/Set1 are both called 'psnr vs Set1'"):
        as_requests(["psnr vs folder:a/Set1", "psnr vs folder:b/Set1"])


def test_a_run_is_measured_against_another_set(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 2, "batch_size": 4, "width": 4, "device": "cpu"}
    asked = "duplicates-2k, duplicates-2k vs glyphs"
    run = ganzoo.train("vanilla", "ring", out=tmp_path / "points", **settings, metrics="duplicates-2k vs grid")
    (result,) = run.details["metrics"]["final"]
    assert result["metric"] == "duplicates-2k vs grid"
    assert result["reference"]["data"] == "grid"
    results = ganzoo.evaluate(run.path, ["duplicates-2k", "duplicates-2k vs grid"])
    assert [r.about["reference"]["data"] for r in results] == ["ring", "grid"]
    assert results[1].value == result["value"]
    with pytest.raises(ganzoo.errors.DataError, match="cannot be compared"):
        ganzoo.evaluate(run.path, requests_in(asked))
