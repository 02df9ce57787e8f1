"""sgan: which images are labelled, what the losses are, what its networks are made of, and what is refused."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

import ganzoo
from ganzoo.data.base import to_unit
from ganzoo.data.load import load_dataset
from ganzoo.data.loader import BatchLoader
from ganzoo.errors import ConfigError, DataError, UsageError
from ganzoo.registry.registry import registry
from ganzoo.training.loop import new_state
from ganzoo.training.session import TrainingSession
from ganzoo.training.setup import prepare
from ganzoo_zoo.sgan.few_labels import balanced
from ganzoo_zoo.sgan.layers import NormalisedConv, NormalisedLinear, calibrating
from ganzoo_zoo.sgan.networks import ConvClassifier, ConvGenerator, MLPClassifier, MLPGenerator
from ganzoo_zoo.sgan.variant import unsupervised

from ..training.helpers import TINY, history

SMALL: dict[str, Any] = {**TINY, "width": 8, "resolution": 8}


def job(tmp_path: Path, dataset: str = "glyphs", **settings: Any) -> TrainingSession:
    return prepare("sgan", dataset, out=tmp_path / "run", settings={**SMALL, "steps": 2, **settings})


# Labels


def test_the_labelled_subset_is_balanced_and_chosen_by_seed() -> None:
    labels = torch.arange(1000) % 10
    chosen = balanced(labels, 10, 50, seed=0)
    assert torch.bincount(labels[chosen]).tolist() == [5] * 10
    assert len(chosen.unique()) == 50
    assert torch.equal(chosen, balanced(labels, 10, 50, seed=0))
    assert not torch.equal(chosen, balanced(labels, 10, 50, seed=1))
    counts = torch.bincount(labels[balanced(labels, 10, 23, seed=0)]).tolist()
    assert sorted(counts) == [2] * 7 + [3] * 3


def test_impossible_numbers_of_labels_are_refused(tmp_path: Path) -> None:
    labels = torch.tensor([0] * 90 + [1] * 10)
    with pytest.raises(ConfigError, match=r"labels = 1: there are 2 classes"):
        balanced(labels, 2, 1, seed=0)
    with pytest.raises(ConfigError, match=r"labels = 101: the data set has 100 labelled images"):
        balanced(labels, 2, 101, seed=0)
    with pytest.raises(DataError, match=r"takes 15 of class 1, which has 10 images"):
        balanced(labels, 2, 30, seed=0)
    with pytest.raises(ConfigError, match="there are 10 classes"):
        job(tmp_path, labels=9)
    with pytest.raises(ConfigError, match="has 20,000 labelled images"):
        job(tmp_path, labels=20_001)


@pytest.mark.filterwarnings("ignore:.*images are grey")
def test_data_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it models images, and data set 'ring' has points"):
        job(tmp_path, "ring")
    folder = tmp_path / "plain"
    folder.mkdir()
    for i in range(4):
        Image.new("L", (8, 8), 60 * i).save(folder / f"{i}.png")
    with pytest.raises(DataError, match="needs class labels"):
        job(tmp_path, f"folder:{folder}")


def test_only_the_labelled_subset_is_ever_shown_with_labels(tmp_path: Path) -> None:
    made = job(tmp_path, labels=20)
    state = new_state(made.variant, made.device)
    loader = BatchLoader(made.dataset, 0, made.device)
    known = made.dataset.source.fetch(made.variant.subset)  # type: ignore[attr-defined]  # sgan's own
    assert state.step == 0
    shown = set()
    for step in range(12):
        batch = made.variant.batch(loader, 8 * step, 8)
        assert batch["labels"].shape == (8,)
        assert batch["images"].shape[0] == batch["matched_images"].shape[0] == 8
        assert not torch.equal(batch["images"], batch["matched_images"])
        for image, label in zip(batch["labelled_images"], batch["labels"], strict=True):
            pixels = ((image + 1) * 127.5).round().to(torch.uint8)
            match = [i for i in range(20) if torch.equal(known[i], pixels)]
            assert match, "a labelled image is one of the subset"
            subset = made.variant.subset  # type: ignore[attr-defined]  # sgan's own
            assert int(made.dataset.labels[subset[match[0]]]) == int(label)  # type: ignore[index]  # labelled data
            shown.add(match[0])
    assert shown == set(range(20)), "all of them are used"


def test_the_subset_may_be_chosen_apart_from_the_seed(tmp_path: Path) -> None:
    subsets = [
        job(tmp_path, **settings).variant.subset  # type: ignore[attr-defined]  # sgan's own
        for settings in ({"seed": 1}, {"seed": 2, "label_seed": 1}, {"seed": 2})
    ]
    assert torch.equal(subsets[0], subsets[1])
    assert not torch.equal(subsets[0], subsets[2])


# Losses


def test_the_unsupervised_loss_is_the_papers_written_in_probabilities() -> None:
    """arXiv:1606.03498, section 5: D(x) = Z(x) / (Z(x) + 1), Z(x) = sum_k exp(l_k(x)); the halves are the authors'."""
    torch.manual_seed(0)
    real, fake = torch.randn(6, 10), torch.randn(6, 10)
    d = [logits.double().exp().sum(1) / (logits.double().exp().sum(1) + 1) for logits in (real, fake)]
    expected = -0.5 * d[0].log().mean() - 0.5 * (1 - d[1]).log().mean()
    assert float(unsupervised(real, fake)["total"]) == pytest.approx(float(expected), rel=1e-6)


def test_the_loss_is_that_of_a_classifier_of_k_plus_1_classes_with_the_last_logit_zero() -> None:
    torch.manual_seed(1)
    real, fake = torch.randn(5, 4), torch.randn(5, 4)
    labels = torch.tensor([0, 1, 2, 3, 0])
    probability = torch.cat([real, torch.zeros(5, 1)], 1).softmax(1)
    supervised_given_real = -(probability[range(5), labels] / (1 - probability[:, 4])).log().mean()
    assert float(cross_entropy(real, labels)) == pytest.approx(float(supervised_given_real), rel=1e-5)
    generated = torch.cat([fake, torch.zeros(5, 1)], 1).softmax(1)[:, 4]
    expected = -0.5 * (1 - probability[:, 4]).log().mean() - 0.5 * generated.log().mean()
    assert float(unsupervised(real, fake)["total"]) == pytest.approx(float(expected), rel=1e-5)


def test_with_all_labels_removed_the_loss_is_the_unsupervised_one(tmp_path: Path) -> None:
    made = job(tmp_path, labels=20)
    state = new_state(made.variant, made.device)
    batch = made.variant.batch(BatchLoader(made.dataset, 0, made.device), 0, 8)
    bare = {"images": batch["images"], "matched_images": batch["matched_images"]}
    for network in state.networks.values():
        network.eval()  # the noise would differ, because it is drawn for all images of a pass together
    discriminator_loss = made.variant.discriminator_loss
    torch.manual_seed(3)
    with_labels = discriminator_loss(state, batch)
    torch.manual_seed(3)
    without = discriminator_loss(state, bare)
    assert "supervised" not in without
    assert float(without["total"].detach()) == pytest.approx(float(with_labels["unsupervised"].detach()), rel=1e-6)
    total = float(with_labels["supervised"].detach()) + float(with_labels["unsupervised"].detach())
    assert float(with_labels["total"].detach()) == pytest.approx(total, rel=1e-6)


def test_the_generator_matches_mean_features(tmp_path: Path) -> None:
    made = job(tmp_path)
    state = new_state(made.variant, made.device)
    for network in state.networks.values():
        network.eval()
    batch = made.variant.batch(BatchLoader(made.dataset, 0, made.device), 0, 8)
    torch.manual_seed(5)
    loss = float(made.variant.generator_loss(state, batch)["total"].detach())
    torch.manual_seed(5)
    classifier, generator = state.networks["discriminator"], state.networks["generator"]
    with torch.no_grad():
        fake = generator(generator.latents(8))
        wanted = classifier.features(batch["matched_images"]).mean(0)
        found = classifier.features(fake).mean(0)
    assert loss == pytest.approx(float((wanted - found).square().mean()), rel=1e-5)


def test_entropy_is_added_when_asked_for_and_from_when(tmp_path: Path) -> None:
    made = job(tmp_path, entropy=0.5, entropy_after=100)
    state = new_state(made.variant, made.device)
    for network in state.networks.values():
        network.eval()
    batch = made.variant.batch(BatchLoader(made.dataset, 0, made.device), 0, 8)
    state.images = 99
    assert "entropy" not in made.variant.discriminator_loss(state, batch)
    for images in (100, 500):
        state.images = images
        found = {name: float(value.detach()) for name, value in made.variant.discriminator_loss(state, batch).items()}
        logits = state.networks["discriminator"](batch["images"]).detach().double().softmax(1)
        assert found["entropy"] == pytest.approx(float(-(logits * logits.log()).sum(1).mean()), rel=1e-5)
        assert 0 < found["entropy"] <= math.log(10) + 1e-6
        expected = found["supervised"] + found["unsupervised"] + 0.5 * found["entropy"]
        assert found["total"] == pytest.approx(expected, rel=1e-5)
    assert "entropy" not in history(ganzoo.train("sgan", "glyphs", out=tmp_path / "b", **{**SMALL, "steps": 1}))[0]


# Networks


def test_the_papers_networks() -> None:
    mlp = MLPClassifier((1, 28, 28), 10, 500)
    assert [tuple(m.direction.shape) for m in mlp.body if isinstance(m, NormalisedLinear)] == [
        (1000, 784), (500, 1000), (250, 500), (250, 250), (250, 250),
    ]  # fmt: skip
    assert [m.std for m in mlp.body if hasattr(m, "std")] + [mlp.noise.std] == [0.3] + [0.5] * 5
    conv = ConvClassifier((3, 32, 32), 10, 64)
    assert [m.direction.shape[0] for m in conv.body if isinstance(m, NormalisedConv)] == [96] * 3 + [192] * 6
    assert conv(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    for generator, shape in (
        (MLPGenerator(100, 500, (1, 28, 28)), (1, 28, 28)),
        (ConvGenerator(100, 64, (3, 32, 32)), (3, 32, 32)),
    ):
        images = generator(generator.latents(3))
        assert images.shape == (3, *shape)
        assert images.abs().max() <= 1


@pytest.mark.parametrize("layer", [NormalisedLinear(6, 4), NormalisedConv(2, 4, 3, 1, 1)])
def test_weights_are_normalised(layer: Any) -> None:
    values = torch.randn(5, 6) if isinstance(layer, NormalisedLinear) else torch.randn(5, 2, 6, 6)
    layer.length.data.uniform_(0.5, 2)
    layer.bias.data.normal_()
    weights = layer.direction / layer.direction.flatten(1).norm(dim=1).view(-1, *[1] * (layer.direction.dim() - 1))
    weights = weights * layer.length.view(-1, *[1] * (layer.direction.dim() - 1))
    if isinstance(layer, NormalisedLinear):
        expected = torch.nn.functional.linear(values, weights, layer.bias)
    else:
        expected = torch.nn.functional.conv2d(values, weights, layer.bias, padding=1)
    torch.testing.assert_close(layer(values), expected, rtol=1e-4, atol=1e-5)
    before = layer(values)
    layer.direction.data *= 7
    torch.testing.assert_close(layer(values), before, rtol=1e-4, atol=1e-5)


def test_a_first_batch_sets_scales_and_hidden_ones_stay(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = MLPClassifier((1, 8, 8), 10, 16)
    images = torch.rand(400, 1, 8, 8) * 2 - 1
    with calibrating(network):
        network(images)
    seen: list[torch.Tensor] = []
    for module in network.modules():
        if isinstance(module, NormalisedLinear):
            module.register_forward_hook(lambda _, __, output: seen.append(output))
    network(images)
    for output in seen:
        assert output.mean(0).abs().max() < 0.35
        assert (output.std(0) - 1).abs().max() < 0.35
    trained = {name for name, _ in network.named_parameters() if name.endswith("length")}
    assert trained == {"head.length"}


def test_a_size_that_does_not_fit_the_convolutional_network(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"multiple of 8.*network=mlp"):
        new_state(job(tmp_path, network="conv", resolution=20).variant, torch.device("cpu"))


# What comes out


def test_accuracy_is_reported_beside_that_of_the_supervised_baseline(tmp_path: Path) -> None:
    """Trained far enough that the numbers mean something; recomputed here from the saved classifier."""
    settings = {**SMALL, "width": 64, "batch_size": 50, "resolution": 14, "metric_every": 2_000, "baseline_steps": 60}
    run = ganzoo.train("sgan", "glyphs", out=tmp_path / "x", steps=120, **settings)
    measured = [r for r in history(run) if "test-accuracy" in r]
    assert [r["step"] for r in measured] == [40, 80, 120]
    last = measured[-1]
    assert last["test-accuracy"] > 0.25, "guessing would give 0.1"
    assert last["test-accuracy"] + last["test-accuracy test error"] == pytest.approx(1)
    final = {result["metric"]: result for result in run.details["metrics"]["final"]}
    assert final["test-accuracy"]["value"] == last["test-accuracy"]
    assert final["test-accuracy@baseline"]["value"] == last["test-accuracy@baseline"]
    assert final["test-accuracy@baseline"]["target"]["role"] == "baseline"
    test = load_dataset("glyphs", run.config, "test")
    images, labels = test.source.fetch(torch.arange(4000)), test.labels
    assert labels is not None
    probabilities = run.classify(images)
    assert probabilities.shape == (4000, 10)
    assert torch.allclose(probabilities.sum(1), torch.ones(4000), atol=1e-5)
    assert float((probabilities.argmax(1) == labels).double().mean()) == pytest.approx(last["test-accuracy"])
    again = ganzoo.load(run.path / "classifier.safetensors")
    sample = to_unit(images[:4])
    assert torch.equal(run.classifier()(sample), again(sample))


def test_the_baseline_stops_and_stays_as_it_is(tmp_path: Path) -> None:
    settings = {**SMALL, "metric_every": 8, "baseline_steps": 2, "ema_halflife": 0, "metrics": "test-accuracy@baseline"}
    run = ganzoo.train("sgan", "glyphs", out=tmp_path / "x", steps=4, **settings)
    values = [r["test-accuracy@baseline"] for r in history(run)]
    assert len(values) == 4
    assert values[1] == values[2] == values[3]


def test_a_folder_has_no_test_split_and_this_is_said_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "digits" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("L", (8, 8), 30 * i).save(tmp_path / "digits" / name / f"{i}.png")
    settings = {**SMALL, "steps": 1, "labels": 4, "batch_size": 4, "channels": 1}
    with pytest.warns(UserWarning, match=r"not measured: test-accuracy: .*has no split 'test'") as said:
        run = ganzoo.train("sgan", f"folder:{tmp_path / 'digits'}", out=tmp_path / "x", **settings)
    assert len([w for w in said if "not measured" in str(w.message)]) == 1
    assert "test-accuracy" not in history(run)[-1]
    with pytest.raises(DataError, match="has no split 'test'"):  # requested, it is an error
        prepare("sgan", f"folder:{tmp_path / 'digits'}", settings={**settings, "metrics": "test-accuracy"})


@pytest.mark.parametrize("variant", ["sgan", "srgan"])
def test_any_data_set_without_a_test_split_is_trained_on(
    variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = registry().datasets
    bare = dataclasses.replace(sets.spec("glyphs"), splits=("train",))
    monkeypatch.setattr(sets, "spec", lambda name: bare)
    settings = {"steps": 1, "batch_size": 4, "width": 4, "resolution": 32, "device": "cpu"}
    with pytest.warns(UserWarning, match=r"not measured: .*data set 'glyphs' has no split 'test'"):
        run = ganzoo.train(variant, "glyphs", out=tmp_path / "x", **settings)
    assert "metrics" not in run.details


def test_a_variant_without_a_classifier_says_so(tmp_path: Path) -> None:
    run = ganzoo.train("vanilla", "ring", out=tmp_path / "x", steps=1, **TINY)
    with pytest.raises(UsageError, match="'vanilla' trains no classifier"):
        run.classify(torch.zeros(1, 1, 8, 8))


def test_the_convolutional_network_trains_and_resumes_as_it_was_calibrated(tmp_path: Path) -> None:
    settings = {**TINY, "width": 4, "resolution": 16, "channels": 3, "steps": 3, "lr": 3e-4, "log_every": 1}
    run = ganzoo.train("sgan", "glyphs", out=tmp_path / "x", **settings)
    assert isinstance(run.classifier(), ConvClassifier)
    assert all(math.isfinite(r["discriminator_loss"]) for r in history(run))
    assert run.classify(torch.zeros(2, 3, 16, 16)).shape == (2, 10)
    assert run.sample(2).shape == (2, 3, 16, 16)
