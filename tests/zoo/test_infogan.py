"""infogan: codes that are asked for, traversals, the information of equation 5, the error of the code."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.errors import UsageError
from ganzoo.models.conditions import CodeCondition
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo_zoo.infogan.networks import CodedGenerator, CodeReader, Codes, ends
from ganzoo_zoo.infogan.variant import InfoGAN

from ..conftest import Cli
from ..training.helpers import TINY

SMALL: dict[str, Any] = {**TINY, "steps": 6, "width": 4, "hidden": 8, "resolution": 16}


def made(**options: Any) -> tuple[InfoGAN, State]:
    torch.manual_seed(0)
    kind = load_variant("infogan")
    config = resolve("infogan", kind.Options, {"dataset": "x"}, kind.defaults, {"width": 4, "hidden": 8, **options})
    variant = kind(config, DataInfo("digits", "images", (1, 16, 16)), make_loss(kind, config))
    assert isinstance(variant, InfoGAN)
    return variant, State(variant.build(), {}, {}, {})


@pytest.mark.parametrize(("choices", "numbers"), [(10, 2), (0, 2), (3, 0)])
def test_information_is_the_likelihood_of_the_codes(choices: int, numbers: int) -> None:
    variant, state = made(choices=choices, numbers=numbers, categorical_weight=2.0, continuous_weight=0.5)
    reader = state.networks["encoder"]
    assert isinstance(reader, CodeReader)
    condition = CodeCondition((choices,) if choices else (), numbers)
    codes, images = condition.draw(6), torch.rand(6, 1, 16, 16)
    features = reader.trunk(images)
    read = reader.head(features.flatten(1))
    expected = torch.zeros(())
    if choices:
        expected = expected + 2.0 * cross_entropy(read[:, :choices], codes[:, :choices].argmax(1))
    if numbers:
        expected = expected + 0.5 * 0.5 * (read[:, choices:] - codes[:, choices:]).square().sum(1).mean()
    torch.testing.assert_close(variant.information(state, features, codes)["total"], expected)
    assert reader(images).shape == (6, choices + numbers)
    if choices:
        torch.testing.assert_close(reader(images)[:, :choices].sum(1), torch.ones(6))


def test_the_reader_shares_the_discriminators_layers() -> None:
    _, state = made()
    judge = {id(p) for p in state.networks["discriminator"].parameters()}
    reader = state.networks["encoder"]
    assert isinstance(reader, CodeReader)
    assert {id(p) for p in reader.trunk.parameters()} < judge
    assert not {id(p) for p in reader.head.parameters()} & judge


def test_along_a_row_nothing_changes_but_the_number() -> None:
    torch.manual_seed(0)
    network = CodedGenerator(8, 4, (1, 16, 16), (10,), 2)
    sampling = Codes(c1="-2..2", code=3)
    codes = network.condition_from(sampling, 30, torch.Generator().manual_seed(1))
    assert codes is not None
    condition = network.condition
    assert isinstance(condition, CodeCondition)
    (choice,), numbers = condition.decode(codes)
    assert bool((choice == 3).all())
    torch.testing.assert_close(numbers[:, 0], torch.linspace(-2, 2, 10).repeat(3))
    rows = numbers[:, 1].view(3, 10)
    assert bool((rows == rows[:, :1]).all())
    assert len(rows[:, 0].unique()) == 3
    latents = torch.randn(30, 8)
    drawn = network.eval().generate(latents, codes, sampling)
    same = network(latents[[0] * 10 + [10] * 10 + [20] * 10], codes)
    torch.testing.assert_close(drawn, same)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"code": 3}, r"code = 3: valid choices of this generator are 0 to 2"),
        ({"c2": "1"}, "this generator has 1 continuous codes"),
        ({"c1": "left"}, "c1 = 'left': write a number, or two as in -2..2"),
        ({"c1": "1..x"}, "write a number"),
        ({"c1": "1e9"}, "within 100"),
        ({"c1": "nan"}, "write a number"),
    ],
)
def test_codes_that_make_no_sense_are_refused(setting: dict[str, Any], message: str) -> None:
    network = CodedGenerator(8, 4, (1, 16, 16), (3,), 1)
    with pytest.raises(UsageError, match=message):
        network.sample(4, **setting)


def test_rows_stay_whole_whatever_the_batches() -> None:
    torch.manual_seed(0)
    network = CodedGenerator(8, 4, (1, 16, 16), (10,), 2)
    torch.testing.assert_close(network.sample(40, batch_size=15, c1="-2..2"), network.sample(40, c1="-2..2"))


def test_a_single_number_is_a_row_of_it() -> None:
    assert ends("0.5", "c1") == (0.5, 0.5)
    assert ends("-2..2", "c1") == (-2, 2)


def test_it_is_trained_measured_and_sampled_from_the_command_line(tmp_path: Path, ganzoo_cli: Cli) -> None:
    run = ganzoo.train("infogan", "glyphs", out=tmp_path / "run", **SMALL)
    (found,) = ganzoo.evaluate(run.path, ["code-error"])
    assert 0 <= found.value <= 0.9
    assert 1 <= found.values["classes found"] <= 10
    out = tmp_path / "walk.png"
    done = ganzoo_cli("sample", str(run.path), "-n", "20", "--columns", "10", "-s", "c1=-2..2", "--output", str(out))
    assert done.returncode == 0, done.stderr
    assert out.exists()


def test_the_error_of_other_networks_is_refused(tmp_path: Path) -> None:
    run = ganzoo.train("vanilla", "glyphs", out=tmp_path / "run", **{**TINY, "steps": 4})
    with pytest.raises(UsageError, match="has no encoder"):
        ganzoo.evaluate(run.path, ["code-error"])
