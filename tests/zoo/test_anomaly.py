"""anogan and f-anogan: scores and losses by hand, who stands still, that searching and encoding find what is normal."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.config.fields import build
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.errors import UsageError
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo.models.variant import Variant
from ganzoo_zoo.anomaly.networks import EncodedScorer, Search, SearchScorer
from ganzoo_zoo.anomaly.variant import FAnoGAN

from ..training.helpers import TINY

SMALL: dict[str, Any] = {**TINY, "steps": 8, "width": 4, "latent_dim": 8, "resolution": 16}


def made(name: str, **options: Any) -> tuple[Variant, State]:
    torch.manual_seed(0)
    kind = load_variant(name)
    settings = {"dataset": "x"}, kind.defaults, {"width": 4, "latent_dim": 8, **options}
    config = resolve(name, kind.Options, *settings)
    variant = kind(config, DataInfo("digits", "images", (1, 16, 16)), make_loss(kind, config))
    return variant, State(variant.build(), {}, {}, {})


def images(n: int = 6) -> Tensor:
    return torch.rand(n, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


def scorer_of(state: State, kind: type[Any]) -> Any:
    found = state.networks["scorer"]
    assert isinstance(found, kind)
    return found.eval().requires_grad_(False)


@pytest.mark.parametrize("kappa", [0.0, 1.0, 2.5])
def test_an_encoded_score_is_the_mean_square_of_pixels_and_features(kappa: float) -> None:
    _, state = made("f-anogan", kappa=kappa)
    scorer, given = scorer_of(state, EncodedScorer), images()
    restored = state.networks["generator"](state.networks["encoder"](given))
    judge = state.networks["discriminator"]
    features = [judge.body[:-1](each).flatten(1) for each in (given, restored)]  # type: ignore[union-attr, operator, index]  # a sequence of layers
    expected = ((given - restored) ** 2).sum((1, 2, 3)) / 256
    expected = expected + kappa * ((features[0] - features[1]) ** 2).sum(1) / features[0].shape[1]
    torch.testing.assert_close(scorer(given), expected)
    found = scorer.compare(given, build(scorer.Scoring, {}))
    torch.testing.assert_close(found.maps(given), (given - restored).abs())


def test_the_encoders_loss_is_the_mean_score_and_moves_the_encoder_alone() -> None:
    variant, state = made("f-anogan", kappa=0.5)
    assert isinstance(variant, FAnoGAN)
    for network in state.networks.values():
        network.train()
    before = {k: v.clone() for k, v in state.networks["generator"].state_dict().items()}
    losses = variant.encoder_loss(state, {"images": images()})
    torch.testing.assert_close(losses["total"], losses["of_pixels"] + 0.5 * losses["of_features"])
    restored = state.networks["generator"](state.networks["encoder"](images()))
    assert not state.networks["generator"].training, "its running statistics stand still"
    torch.testing.assert_close(losses["of_pixels"], ((images() - restored) ** 2).mean().detach())
    assert all(torch.equal(value, before[key]) for key, value in state.networks["generator"].state_dict().items())
    assert variant.players()["encoder"] == ("encoder",)
    (update,) = variant.stages()[-1].updates
    assert update.player == "encoder"


def test_stages_share_the_steps() -> None:
    for steps, share, expected in ((100, 0.35, [65, 35]), (10, 0.01, [9, 1]), (1, 0.5, [1])):
        variant, _ = made("f-anogan", steps=steps, encoder_share=share)
        assert [stage.steps for stage in variant.stages()] == expected


def test_the_encoder_learns_for_the_averaged_generator() -> None:
    variant, state = made("f-anogan")
    _, other = made("f-anogan")
    with torch.no_grad():
        for parameter in other.networks["scorer"].parameters():
            parameter.add_(1)
    state.ema["scorer"] = other.networks["scorer"]
    begin = variant.stages()[-1].begin
    assert begin is not None
    begin(state)
    for key, value in state.networks["generator"].state_dict().items():
        assert torch.equal(value, other.networks["generator"].state_dict()[key])


def test_a_searched_score_is_a_weighted_sum_of_absolute_differences() -> None:
    _, state = made("anogan", feature_weight=0.3, search_steps=4)
    scorer, given = scorer_of(state, SearchScorer), images()
    found = scorer.compare(given, Search())
    judge = state.networks["discriminator"]
    features = [judge.body[:-1](each).flatten(1) for each in (given, found.restored)]  # type: ignore[union-attr, operator, index]  # a sequence of layers
    expected = 0.7 * (given - found.restored).abs().sum((1, 2, 3)) + 0.3 * (features[0] - features[1]).abs().sum(1)
    torch.testing.assert_close(found.scores, expected)


def test_each_image_is_searched_for_by_itself_and_the_same_each_time() -> None:
    _, state = made("anogan", search_steps=20)
    scorer, given = scorer_of(state, SearchScorer), images()
    with torch.no_grad():
        together = scorer(given)
        assert torch.equal(together, scorer(given))
        torch.testing.assert_close(together, torch.cat([scorer(one) for one in given.split(1)]), rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(together.flip(0), scorer(given.flip(0)), rtol=1e-4, atol=1e-3)
        assert not torch.equal(together, scorer.compare(given, Search(seed=1)).scores)
    assert all(parameter.grad is None for parameter in scorer.parameters())


def test_more_steps_find_what_the_generator_has_drawn() -> None:
    _, state = made("anogan", search_lr=0.05)
    scorer = scorer_of(state, SearchScorer)
    torch.manual_seed(5)
    for module in scorer.generator.modules():
        if isinstance(module, torch.nn.ConvTranspose2d):
            module.weight.normal_(0, 0.2)  # pictures that differ from latent to latent
    with torch.no_grad():
        drawn = scorer.generator(torch.randn(4, 8))
        few, many = (scorer.compare(drawn, Search(steps=steps)).scores for steps in (0, 200))
        odd = scorer.compare(-drawn.sign(), Search(steps=200)).scores
    assert bool((many < 0.5 * few).all())
    assert bool((many < odd).all())


def test_modes_are_left_as_they_were() -> None:
    _, state = made("anogan", search_steps=1)
    scorer = state.networks["scorer"].train()
    scorer.features.eval()  # type: ignore[union-attr, operator]  # a network
    scorer(images())
    assert scorer.training
    assert not scorer.features.training  # type: ignore[union-attr]  # a network


def test_f_anogan_learns_to_tell_a_digit_from_others(tmp_path: Path) -> None:
    """It is told by restored images, which after so few steps look like the kept class on the average."""
    settings = {**SMALL, "steps": 300, "batch_size": 16, "width": 8, "encoder_share": 0.5, "lr": 0.002, "only": "1"}
    run = ganzoo.train("f-anogan", "glyphs", out=tmp_path / "run", **settings)
    (found,) = ganzoo.evaluate(run.path, ["anomaly-auc"])
    assert found.value > 0.7
    assert found.about["reference"]["normal"] == ["1"]
    scores = run.score(torch.zeros(3, 1, 16, 16))
    assert scores.shape == (3,)
    assert run.encode(torch.zeros(3, 1, 16, 16)).shape == (3, 8)
    with pytest.raises(UsageError, match="images are"):
        run.score(torch.zeros(3, 1, 8, 8))


@pytest.mark.parametrize("name", ["anogan", "f-anogan"])
def test_a_scorer_is_read_back(name: str, tmp_path: Path) -> None:
    more = {"search_steps": 3} if name == "anogan" else {}
    run = ganzoo.train(name, "glyphs", out=tmp_path / "run", **SMALL, **more)
    again = ganzoo.load(run.path / "scorer.safetensors")
    given = torch.zeros(2, 1, 16, 16)
    assert torch.equal(again(given), run.score(given))


def test_a_run_without_a_scorer_says_so(tmp_path: Path) -> None:
    run = ganzoo.train("vanilla", "glyphs", out=tmp_path / "run", **{**TINY, "steps": 2})
    with pytest.raises(UsageError, match="trains no scorer of anomalies; it exports: generator"):
        run.score(torch.zeros(2, 1, 28, 28))
    with pytest.raises(UsageError, match="has no scorer of anomalies"):
        ganzoo.evaluate(run.path, ["anomaly-auc"])
