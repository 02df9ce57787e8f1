"""icgan: attributes in, two encoders afterwards, edits."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.config.settings import RunConfig, resolve
from ganzoo.data.base import DataInfo, to_unit
from ganzoo.data.load import load_dataset
from ganzoo.errors import UsageError
from ganzoo.metrics.measures import editing
from ganzoo.models.conditions import AttributeCondition
from ganzoo.models.edit import Editor, editor_of
from ganzoo.models.interfaces import AttributeEncoder, Encoder, Generator
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo.runs.trained import open_run
from ganzoo_zoo.icgan.networks import AttributeDiscriminator, LatentEncoder
from ganzoo_zoo.icgan.variant import IcGAN

from ..training.helpers import TINY

NAMES = ("glasses", "long-hair")
SMALL: dict[str, Any] = {**TINY, "steps": 6, "width": 4, "latent_dim": 8, "resolution": 16}


def made(**more: Any) -> tuple[IcGAN, State, dict[str, Tensor]]:
    torch.manual_seed(0)
    kind = load_variant("icgan")
    config = resolve("icgan", kind.Options, {"dataset": "x"}, kind.defaults, {"width": 4, "latent_dim": 8, **more})
    info = DataInfo("faces", "images", (3, 16, 16), extra={"attributes": list(NAMES)})
    variant = kind(config, info, make_loss(kind, config))
    assert isinstance(variant, IcGAN)
    batch = {"images": torch.rand(6, 3, 16, 16) * 2 - 1, "attributes": torch.randint(2, (6, 2)).float()}
    return variant, State(variant.build(), {}, {}, {}), batch


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ganzoo.train("icgan", "shapes", out=tmp_path_factory.mktemp("runs") / "run", **SMALL).path


def test_attributes_reach_every_pixel_of_what_d_sees() -> None:
    torch.manual_seed(0)
    judge, images = AttributeDiscriminator(4, (3, 16, 16), 2).eval(), torch.rand(2, 3, 16, 16)
    told = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    seen: list[Tensor] = []
    judge.body[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    logits = judge(images, told)
    assert logits.shape == (2,)
    assert torch.equal(seen[0], torch.cat([images, told[:, :, None, None].expand(-1, -1, 16, 16)], 1))
    with pytest.raises(UsageError, match="needs attributes"):
        judge(images)


def test_encoders_learn_latents_of_drawn_images_and_attributes_of_real_ones() -> None:
    variant, state, batch = made()
    torch.manual_seed(5)
    losses = variant.encoder_loss(state, batch)
    torch.manual_seed(5)
    generator, reader = state.networks["generator"].eval(), state.networks["attributes"]
    latents = generator.latents(6)
    drawn = generator(latents, batch["attributes"])
    torch.testing.assert_close(losses["latent"], (state.networks["encoder"](drawn) - latents).square().mean())
    p = reader(batch["images"])
    truth = batch["attributes"]
    expected = -(truth * p.log() + (1 - truth) * (1 - p).log()).mean()
    torch.testing.assert_close(losses["attribute"], expected)
    losses["total"].backward()
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert all(parameter.grad is not None for name in ("encoder", "attributes")
               for parameter in state.networks[name].parameters())  # fmt: skip


def test_latents_that_are_read_are_as_long_as_drawn_ones() -> None:
    latents = LatentEncoder(16, 4, (3, 16, 16))(torch.rand(5, 3, 16, 16))
    torch.testing.assert_close(latents.square().mean(1), torch.ones(5))


def test_edits_are_measured_while_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics are taken without gradients, and this one trains a classifier."""
    monkeypatch.setattr(editing, "FITTED", 200)
    monkeypatch.setattr(editing, "EDITED", 5)
    trained = ganzoo.train("icgan", "shapes", out=tmp_path / "run", **{**SMALL, "metrics": "edit-success"})
    assert '"edit-success"' in (trained.path / "scalars.jsonl").read_text()


def test_the_generator_stands_still_while_encoders_learn() -> None:
    variant, state, batch = made()
    average = copy.deepcopy(state.networks["generator"])
    with torch.no_grad():
        for parameter in average.parameters():
            parameter.add_(0.1)
    state.ema["generator"] = average
    begin = variant.stages()[-1].begin
    assert begin is not None
    begin(state)
    variant.encoder_loss(state, batch)
    found = state.networks["generator"].state_dict()
    assert all(torch.equal(found[key], value) for key, value in average.state_dict().items())


@pytest.mark.parametrize(("steps", "expected"), [(10, [7, 3]), (2, [1, 1]), (1, [1])])
def test_the_last_iterations_train_the_encoders(steps: int, expected: list[int]) -> None:
    variant, _, _ = made(steps=steps)
    stages = variant.stages()
    assert [stage.steps for stage in stages] == expected
    assert stages[-1].name == "encoder"
    assert [update.player for update in stages[-1].updates] == ["encoder"]


def test_asked_for_in_words(run: Path) -> None:
    generator = open_run(run).generator()
    assert isinstance(generator.condition, AttributeCondition)
    assert generator.condition.names == ("large", "warm")
    rows = generator.conditions(8, None, generator.Sampling(attributes="Warm = yes"), torch.Generator())
    assert rows is not None
    assert bool((rows[:, 1] == 1).all())
    assert torch.equal(rows[:, 0], generator.condition.examples[:8, 0])  # the other one as in the data
    assert generator.condition.examples.unique().tolist() == [0.0, 1.0]
    for wrong, said in (
        ("warm", r"attributes = 'warm': 'warm' must be NAME=yes or NAME=no"),
        ("cold=yes", r"attribute 'cold' is unknown: choose from large, warm"),
        ("warm=perhaps", r"warm = 'perhaps': write yes or no"),
    ):
        with pytest.raises(UsageError, match=said):
            generator.sample(2, attributes=wrong)


def test_names_are_written_one_way_or_another() -> None:
    told = AttributeCondition(("long-hair", "5_o_Clock_Shadow"))
    assert told.columns({"long_hair": "YES", "5 o clock shadow": "0"}) == {0: 1.0, 1: 0.0}


class Painter(Generator):
    """Draws its two attributes as the brightness of the first two channels, and its latent in the third."""

    def __init__(self) -> None:
        super().__init__(1, AttributeCondition(NAMES))
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        assert condition is not None
        channels = self.scale * torch.cat([condition * 2 - 1, latents], 1)
        return channels[:, :, None, None].expand(-1, -1, 16, 16)


class Reader(AttributeEncoder):
    """Reads them."""

    def __init__(self) -> None:
        super().__init__(NAMES)

    def forward(self, samples: Tensor) -> Tensor:
        return (samples[:, :2].mean((2, 3)) + 1) / 2


class Third(Encoder):
    """Reads the latent."""

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, samples: Tensor) -> Tensor:
        return samples[:, 2].mean((1, 2))[:, None]


class Stubborn(Painter):
    """Draws glasses whenever it is told of long hair, and never otherwise."""

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        assert condition is not None
        return super().forward(latents, condition[:, 1:].expand(-1, 2))


def painted(count: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(1)
    truth = torch.randint(2, (count, 2), generator=rng).float()
    return Painter()(torch.rand(count, 1, generator=rng), truth).detach(), truth


def test_an_edit_changes_what_it_is_told_and_keeps_the_rest() -> None:
    images, _ = painted(8)
    editor = editor_of({"a": Painter(), "b": Third(), "c": Reader()})
    assert editor is not None
    assert editor_of({"a": Painter(), "c": Reader()}) is None
    torch.testing.assert_close(editor.edit(images, {}), images)
    edited = editor.edit(images, {0: 1.0})
    assert bool((edited[:, 0] == 1).all())
    torch.testing.assert_close(edited[:, 1:], images[:, 1:])


class Exact(torch.nn.Module):
    """A classifier of painted images that is never wrong."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits = images[:, :2].mean((2, 3))
        return logits, logits


def test_edits_are_counted_by_what_a_classifier_sees() -> None:
    images, truth = painted(40)
    good: Any = Exact()
    changed, kept = editing.judged(Editor(Painter(), Third(), Reader()), good, images, truth)
    assert (float(changed), float(kept)) == (1.0, 1.0)
    changed, kept = editing.judged(Editor(Stubborn(), Third(), Reader()), good, images, truth)
    # Long hair is always confirmed. Glasses are, where the hair happens to be what they should become.
    differs = float((truth[:, 0] != truth[:, 1]).float().mean())
    assert float(changed) == pytest.approx((1 + differs) / 2)
    assert float(kept) < 1


def test_the_metric_trains_its_classifier_and_names_what_is_missing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "FITTED", 3_000)
    monkeypatch.setattr(editing, "EDITED", 20)
    (result,) = ganzoo.evaluate(run, ["edit-success"])
    (again,) = ganzoo.evaluate(run, ["edit-success"])
    assert list(result.values) == ["share", "kept", "classifier"]
    assert result.values == again.values
    assert result.values["classifier"] > 0.8  # large and warm are easy to see
    with pytest.raises(UsageError, match="no networks that edit attributes"):
        ganzoo.evaluate(
            ganzoo.train("bigan", "shapes", out=run.parent / "bigan", **SMALL, hidden=8).path, ["edit-success"]
        )


def test_data_without_attributes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="attributes"):
        ganzoo.train("icgan", "glyphs", out=tmp_path / "run", **SMALL)


def test_it_learns_which_attribute_is_which(tmp_path: Path) -> None:
    """The reader gets attributes of unseen shapes right after a short training."""
    more = {**SMALL, "steps": 120, "batch_size": 32, "width": 8, "encoder_share": 0.95}
    trained = ganzoo.train("icgan", "shapes", out=tmp_path / "run", **more)
    tests = load_dataset("shapes", RunConfig(variant="icgan", dataset="shapes", resolution=16), "test")
    reader = trained.network("attributes")
    images = to_unit(tests.source.fetch(torch.arange(400)))
    truth = tests.fetch("attributes", torch.arange(400)).bool()
    with torch.no_grad():
        right = ((reader(images) > 0.5) == truth).float().mean()
    assert float(right) > 0.75
