"""catgan: entropies, who maximises which, categories without labels and what they stand for."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy

import ganzoo
from ganzoo.data.loader import BatchLoader
from ganzoo.errors import ConfigError, UsageError
from ganzoo.metrics.measures.accuracy import meanings
from ganzoo.models.state import State
from ganzoo.training.loop import new_state
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import prepare
from ganzoo_zoo.sgan.catgan import CatGAN, marginal
from ganzoo_zoo.sgan.few_labels import entropies

from ..conftest import Cli
from ..training.helpers import TINY

SMALL: dict[str, Any] = {**TINY, "width": 8, "resolution": 8}


def job(tmp_path: Path, dataset: str = "glyphs", **settings: Any) -> TrainingSession:
    return prepare("catgan", dataset, out=tmp_path / "run", settings={**SMALL, "steps": 2, "metrics": "", **settings})


def made(tmp_path: Path, **settings: Any) -> tuple[CatGAN, State, dict[str, Tensor]]:
    """Its networks without noise, and a batch."""
    session = job(tmp_path, **settings)
    state = new_state(session.variant, session.device)
    for network in state.networks.values():
        network.eval()
    assert isinstance(session.variant, CatGAN)
    return session.variant, state, session.variant.batch(BatchLoader(session.dataset, 0, session.device), 0, 8)


def test_entropies_of_samples_and_of_all_together() -> None:
    logits = torch.tensor([[0.5, 0.5], [0.9, 0.1]]).log()
    first, second = math.log(2), -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    torch.testing.assert_close(entropies(logits), torch.tensor([first, second]))
    torch.testing.assert_close(marginal(logits), torch.tensor(-0.7 * math.log(0.7) - 0.3 * math.log(0.3)))
    certain = torch.tensor([[100.0, 0.0], [0.0, 100.0]])
    torch.testing.assert_close(entropies(certain).sum(), torch.tensor(0.0))
    torch.testing.assert_close(marginal(certain), torch.tensor(math.log(2)))


def test_d_is_sure_of_real_images_unsure_of_generated_ones_and_uses_all_classes(tmp_path: Path) -> None:
    """The losses of the paper, written with the logits of the networks."""
    variant, state, batch = made(tmp_path, labels=20, supervised_weight=0.3, marginal_weight=0.7)
    judge, generator = state.networks["discriminator"], state.networks["generator"]
    torch.manual_seed(5)
    loss = variant.discriminator_loss(state, batch)
    torch.manual_seed(5)
    with torch.no_grad():
        fake = judge(generator(generator.latents(8)))
        real, labelled = judge(batch["images"]), judge(batch["labelled_images"])
    expected = entropies(real).mean() - 0.7 * marginal(real) - entropies(fake).mean()
    expected = expected + 0.3 * cross_entropy(labelled, batch["labels"])
    torch.testing.assert_close(loss["total"].detach(), expected)
    loss["total"].backward()
    assert all(p.grad is None for p in generator.parameters())


def test_g_wants_each_image_in_one_class_and_all_of_them_in_every_class(tmp_path: Path) -> None:
    variant, state, batch = made(tmp_path, marginal_weight=0.7)
    judge, generator = state.networks["discriminator"], state.networks["generator"]
    torch.manual_seed(5)
    loss = variant.generator_loss(state, batch)["total"].detach()
    torch.manual_seed(5)
    with torch.no_grad():
        fake = judge(generator(generator.latents(8)))
    torch.testing.assert_close(loss, entropies(fake).mean() - 0.7 * marginal(fake))


def test_without_labels_the_batch_has_none_and_the_number_of_categories_is_free(tmp_path: Path) -> None:
    variant, state, batch = made(tmp_path, labels=0, categories=17)
    assert set(batch) == {"images"}
    assert "supervised" not in variant.discriminator_loss(state, batch)
    assert state.networks["discriminator"](batch["images"]).shape == (8, 17)
    assert not state.networks["discriminator"].named
    assert made(tmp_path / "labelled")[1].networks["discriminator"].named


@pytest.mark.filterwarnings("ignore:.*images are grey")
def test_settings_that_contradict_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="categories = 20 does nothing: with labels"):
        job(tmp_path, categories=20)
    with pytest.raises(ConfigError, match="label_seed = 1 does nothing: labels = 0"):
        job(tmp_path, labels=0, label_seed=1)
    with pytest.raises(ConfigError, match=r"supervised_weight = 2.0 does nothing: labels = 0"):
        job(tmp_path, labels=0, supervised_weight=2.0)
    (tmp_path / "plain").mkdir()
    for i in range(8):
        Image.new("L", (8, 8), 30 * i).save(tmp_path / "plain" / f"{i}.png")
    plain = f"folder:{tmp_path / 'plain'}"
    with pytest.raises(ConfigError, match=r"labels = 100: .* has none; labels=0 learns without"):
        job(tmp_path, plain)
    with pytest.raises(ConfigError, match="has no classes; say how many with categories=N"):
        job(tmp_path, plain, labels=0)
    job(tmp_path, plain, labels=0, categories=3)


def test_a_category_stands_for_the_class_that_most_of_it_have() -> None:
    found, labels = torch.tensor([0, 0, 0, 2, 2, 3]), torch.tensor([1, 1, 0, 0, 0, 1])
    meant, classes = meanings(found, labels, categories=4, classes=3)
    assert meant.tolist() == [1, -1, 0, 1]
    assert classes == 2, "category 1 is empty and counts for nothing"


def test_it_learns_from_few_labels(tmp_path: Path) -> None:
    settings = {**SMALL, "width": 64, "batch_size": 50, "resolution": 14, "metrics": ""}
    run = ganzoo.train("catgan", "glyphs", out=tmp_path / "x", steps=400, **settings)
    accuracy, clusters = ganzoo.evaluate(run.path, ["test-accuracy", "cluster-error"])
    assert accuracy.value > 0.35, "guessing would give 0.1"
    assert clusters.value <= accuracy.values["test error"] + 0.02, "its categories are the classes already"


def test_categories_without_labels_are_matched_and_have_numbers(tmp_path: Path, ganzoo_cli: Cli) -> None:
    settings = {**SMALL, "width": 32, "batch_size": 50, "resolution": 14, "labels": 0, "categories": 15}
    errors = []
    for steps in (1, 400):
        with pytest.warns(UserWarning, match="not measured: test-accuracy: .*learned without labels"):
            run = ganzoo.train("catgan", "glyphs", out=tmp_path / str(steps), steps=steps, **settings)
        (found,) = ganzoo.evaluate(run.path, ["cluster-error"])
        errors.append(found.value)
    assert errors[1] < errors[0] - 0.02, "what it has learned tells digits apart better than what it began with"
    assert 1 <= found.values["classes found"] <= 10
    with pytest.raises(UsageError, match="cluster-error matches its categories"):
        ganzoo.evaluate(run.path, ["test-accuracy"])
    Image.new("L", (14, 14)).save(tmp_path / "black.png")
    (said,) = json.loads(ganzoo_cli("classify", str(run.path), str(tmp_path / "black.png"), "--json").stdout)
    assert list(said["probabilities"]) == [str(i) for i in range(15)]
    assert said["class"] in said["probabilities"]


def test_noise_is_of_the_fully_connected_network(tmp_path: Path) -> None:
    _, state, _ = made(tmp_path, noise=0.5)
    judge = state.networks["discriminator"]
    assert [m.std for m in judge.body if hasattr(m, "std")] + [judge.noise.std] == [0.15] + [0.25] * 5
    with pytest.raises(ConfigError, match=r"noise = 0.5 does nothing: the convolutional network has dropout"):
        job(tmp_path / "conv", noise=0.5, network="conv", resolution=16)
