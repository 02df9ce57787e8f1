"""text2image and stackgan: encoders of texts, wrong texts, texts in between, two stages, texts that are asked for."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import softplus

import ganzoo
from ganzoo.config.settings import resolve
from ganzoo.data.base import DataInfo
from ganzoo.data.texts import to_rows
from ganzoo.errors import ConfigError, DataError, UsageError
from ganzoo.gallery.pictures import draw, knobs
from ganzoo.gallery.requests import SampleRequest
from ganzoo.models.load import load_variant, make_loss
from ganzoo.models.state import State
from ganzoo_zoo.text2image.matching import TextGAN
from ganzoo_zoo.text2image.stacked import Augmentation, StackedGenerator
from ganzoo_zoo.text2image.variant import TextToImage
from ganzoo_zoo.texts import TextEncoder, equal_rows, joint_loss, mismatched

from ..conftest import Cli
from ..training.helpers import TINY

WORDS = ["a", "blue", "circle", "red", "small", "star"]
TEXTS = to_rows(["a red star", "a blue star", "a red star", "a small circle"], 24)
STACKED = {"augmented": 4, "blocks": 1, "scale": 2}
SMALL: dict[str, Any] = {**TINY, "steps": 8, "width": 4, "latent_dim": 4, "resolution": 16, "metrics": "", "seed": 1}


def made(name: str = "text2image", **options: Any) -> tuple[Any, State]:
    torch.manual_seed(0)
    kind = load_variant(name)
    given = {"width": 4, "latent_dim": 4, "reduced": 4, "embedding": 8, "text_width": 4, **options}
    config = resolve(name, kind.Options, {"dataset": "x"}, kind.defaults, given)
    facts = {"text_length": 24, "words": WORDS}
    variant = kind(config, DataInfo("shapes", "images", (3, 16, 16), extra=facts, count=4), make_loss(kind, config))
    return variant, State(variant.build(), {}, {}, {})


def batch() -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(3)
    return {"images": torch.rand(4, 3, 16, 16, generator=rng) * 2 - 1, "text": TEXTS}


# Encoders


def test_what_stands_behind_a_text_is_not_seen() -> None:
    torch.manual_seed(0)
    network = TextEncoder(8, 4)
    short, long = network(to_rows(["a red star"], 11)), network(to_rows(["a red star"], 64))
    torch.testing.assert_close(short, long)
    assert not torch.allclose(short, network(to_rows(["a red stare"], 11)), atol=1e-4)


def test_the_joint_loss_is_a_hinge_both_ways() -> None:
    images, texts = torch.tensor([[1.0, 0.0], [0.0, 0.2]]), torch.tensor([[1.0, 0.0], [0.5, 1.0]])
    # Products: 1 and 0.5 in the first row, 0 and 0.2 in the second; by image 0.5 and 0.8, by text 0 and 1.3.
    same = torch.eye(2, dtype=torch.bool)
    torch.testing.assert_close(joint_loss(images, texts, same), torch.tensor((0.5 + 0.8 + 0.0 + 1.3) / 2))
    equal = torch.ones(2, 2, dtype=torch.bool)
    assert joint_loss(images, texts, equal) == 0


def test_a_wrong_text_says_something_else() -> None:
    for seed in range(20):
        torch.manual_seed(seed)
        other, there = mismatched(TEXTS)
        assert there.all()
        assert not (TEXTS[other] == TEXTS).all(1).any()
    assert not mismatched(TEXTS[[0, 2]])[1].any()
    assert equal_rows(TEXTS)[0].tolist() == [True, False, True, False]


def test_the_encoder_learns_first_and_is_handed_over() -> None:
    variant, state = made()
    embedding, game = variant.stages()
    assert (embedding.name, embedding.steps + game.steps) == ("embedding", variant.config.steps)
    losses = variant.embedding_loss(state, batch())
    losses["total"].backward()
    trained, kept = state.networks["text_encoder"], state.networks["generator"].condition.encoder
    assert isinstance(trained, TextEncoder)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained.parameters())
    assert state.networks["discriminator"].encoder is kept
    with torch.no_grad():
        trained.last.bias += 1
    assert not torch.allclose(kept(TEXTS), trained(TEXTS))
    game.begin(state)
    torch.testing.assert_close(kept(TEXTS), trained(TEXTS))
    assert not any(p.requires_grad for p in kept.parameters())


# The game


def judged(logits: dict[str, Tensor], variant: TextGAN, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """D's loss where these logits are given for real, generated and wrongly described images."""
    data = batch()

    def discriminate(state: Any, samples: Tensor, given: Any, game: Any = None) -> Tensor:
        if not torch.equal(samples, data["images"]):
            return logits["fake"]
        return logits["real"] if torch.equal(given["text"], data["text"]) else logits["wrong"]

    monkeypatch.setattr(variant, "discriminate", discriminate)
    _, state = made()
    return variant.discriminator_loss(state, data, {"generator": torch.zeros(4, 3, 16, 16)})


@pytest.mark.parametrize("matching", [True, False])
def test_a_real_image_with_a_wrong_text_counts_as_generated(matching: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = {name: torch.randn(4, generator=torch.Generator().manual_seed(i)) for i, name in
              enumerate(("real", "fake", "wrong"))}  # fmt: skip
    variant, _ = made(matching=matching)
    fake, wrong = softplus(logits["fake"]).mean(), softplus(logits["wrong"]).mean()
    expected = softplus(-logits["real"]).mean() + ((fake + wrong) / 2 if matching else fake)  # algorithm 1
    torch.testing.assert_close(judged(logits, variant, monkeypatch)["total"], expected)


def test_penalties_are_of_images_with_their_own_text() -> None:
    variant, state = made(r1=2.0)
    state.networks["discriminator"].eval()  # so that no image influences another one
    data = batch()
    with_wrong = variant.discriminator_loss(state, data, {"generator": torch.zeros(4, 3, 16, 16)})["r1_penalty"]
    images = data["images"].clone().requires_grad_()
    (slope,) = torch.autograd.grad(state.networks["discriminator"](images, TEXTS).sum(), images)
    torch.testing.assert_close(with_wrong, slope.square().sum((1, 2, 3)).mean())


def test_g_learns_from_texts_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    variant, state = made(interpolated=0.5)
    assert isinstance(variant, TextToImage)
    told: list[Tensor] = []
    network = state.networks["discriminator"].eval()
    network.register_forward_pre_hook(lambda module, given: told.append(given[1]))
    losses = variant.generator_loss(state, batch())
    text, middle = told
    assert torch.equal(text, TEXTS)
    ends = state.networks["generator"].condition.embed(TEXTS)
    means = (ends[:2, None] + ends[None]) / 2
    assert middle.shape == (2, 8)
    assert (means - middle[:, None]).abs().sum(2).min(1).values.max() < 1e-5
    losses["total"].backward()
    assert all(p.grad is not None for p in state.networks["generator"].body.parameters())
    told.clear()
    plain, _ = made(interpolated=0.0)
    assert "between" not in plain.generator_loss(state, batch())
    assert len(told) == 1


# StackGAN


def test_augmentation_is_a_gaussian_of_the_text() -> None:
    network = Augmentation(2, 3)
    with torch.no_grad():
        network.layer.weight.zero_()
        network.layer.bias.copy_(torch.tensor([1.0, 2.0, 0.0, 0.0, torch.log(torch.tensor(4.0)), 0.0]))
    noise = torch.tensor([[1.0, -1.0, 0.5]])
    found, divergence = network(torch.zeros(1, 2), noise)
    torch.testing.assert_close(found, torch.tensor([[1.0 + 1.0, 2.0 - 2.0, 0.5]]))
    expected = 0.5 * ((1 + 1 - 1 - 0) + (4 + 4 - 1 - torch.log(torch.tensor(4.0))) + 0) / 3
    torch.testing.assert_close(divergence, expected)


def test_each_stage_of_stackgan_moves_its_own_generator() -> None:
    variant, state = made("stackgan", **STACKED)
    generator = state.networks["generator"]
    assert isinstance(generator, StackedGenerator)
    data = {**batch(), "small": torch.zeros(4, 3, 8, 8)}
    for game, other in ((variant.FIRST, variant.SECOND), (variant.SECOND, variant.FIRST)):
        generator.zero_grad()
        losses = variant.drawing(game)(state, data)
        losses["total"].backward()
        still = state.networks[other.generator]
        assert all(p.grad is None or not p.grad.any() for p in still.parameters())
        assert any(p.grad is not None and p.grad.any() for p in state.networks[game.generator].parameters())
        assert losses["divergence"] > 0
    assert state.networks["first"] is generator.first


def test_the_large_picture_follows_the_small_one_and_the_text() -> None:
    variant, state = made("stackgan", **STACKED)
    generator = state.networks["generator"].eval()
    latents, embeddings = generator.latents(4), generator.told.embed(TEXTS)
    assert torch.equal(generator.drawn(latents, embeddings)[..., ::2, ::2], generator.small(latents, embeddings)[0])
    variant.begin_second(state)
    large = generator.drawn(latents, embeddings)
    assert large.shape == (4, 3, 16, 16)
    assert not torch.equal(large, generator.drawn(latents, embeddings.flip(0)))
    with torch.no_grad():
        generator.first.augment.layer.bias.add_(1)
    assert not torch.equal(large, generator.drawn(latents, embeddings))


def test_sides_that_no_stage_can_draw_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"images of 16 pixels: with scale = 4 .* multiple of 8, 32 at least"):
        made("stackgan", **{**STACKED, "scale": 4})


# What is asked for


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"text": "a smal red star"}, r"'smal' is in no text of the training data. Near: small"),
        ({"text": "zzz"}, r"'zzz' is in no text .* Near: a, blue, circle"),
        ({"text": "  "}, "holds no word"),
        ({"text": "!?"}, "holds no word"),
        ({"text": "a small " * 50}, r"bytes: this generator takes 24 at most"),
        ({"to": "a red star"}, "needs a text to begin with"),
        ({"text": "a red star", "to": "a tree"}, "to = 'a tree': 'tree' is in no text"),
        ({"text": "a star", "texts": "x.txt"}, "give one of them"),
        ({"texts": "none.txt"}, "none.txt cannot be read: No such file"),
    ],
)
def test_texts_that_make_no_sense_are_told_in_a_line(setting: dict[str, str], message: str) -> None:
    _, state = made()
    with pytest.raises(UsageError, match=message) as told:
        state.networks["generator"].sample(2, **setting)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "is not in UTF-8"),
        (b"\n \n", "holds 0 texts"),
        (b"a red star\n\na tree\n", r"lines.txt, line 3 = 'a tree': 'tree' is in no text"),
        (b"a star\n" * 2_000, "holds 2,000 texts"),
    ],
)
def test_files_of_texts_that_make_no_sense(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(content)
    _, state = made()
    with pytest.raises(UsageError, match=message):
        state.networks["generator"].sample(2, texts=str(path))


def test_rows_of_texts_and_rows_between_two(tmp_path: Path) -> None:
    _, state = made()
    network = state.networks["generator"]
    path = tmp_path / "lines.txt"
    path.write_text("A red  star\na blue star\n")
    conditions = network.conditions(20, None, network.Sampling(texts=str(path)), torch.Generator())
    rows = to_rows(["a red star", "a blue star", "a red star"], 24)
    assert torch.equal(conditions, rows[torch.arange(20) // 8])
    walk = network.sample(16, text="a red star", to="a blue star", batch_size=5)
    ends = [network.told.embed(rows[[i]]) for i in (0, 1)]
    latents = network.latents(16, torch.Generator().manual_seed(0))
    network.eval()
    with torch.no_grad():
        for place, share in ((8, 0.0), (11, 3 / 7), (15, 1.0)):
            expected = network.drawn(latents[[8]], torch.lerp(*ends, share))
            torch.testing.assert_close(walk[[place]], expected)


def test_the_gallery_offers_texts_and_reads_no_file(tmp_path: Path) -> None:
    _, state = made()
    network = state.networks["generator"]
    assert [knob["name"] for knob in knobs(network.Sampling)] == ["text", "to"]
    secret = tmp_path / "secret.txt"
    secret.write_text("password")
    with pytest.raises(UsageError, match="texts names a file, and the gallery reads none") as told:
        draw(network, 2, None, SampleRequest("run", "file", settings={"texts": str(secret)}))
    assert "password" not in str(told.value)
    assert draw(network, 2, None, SampleRequest("run", "file", settings={"text": "a red star"})).shape == (2, 3, 16, 16)


def test_conditions_that_are_no_texts_are_refused() -> None:
    _, state = made()
    network = state.networks["generator"]
    assert torch.equal(network.sample(4, ["a red star"] * 4), network.sample(4, TEXTS[0]))
    for given, message in (
        (["a red star"], "1 texts for 4 samples"),
        (torch.tensor([300] * 24), "no byte"),
        (torch.zeros(4, 24, dtype=torch.bool), "rows of bytes"),
    ):
        with pytest.raises(UsageError, match=message):
            network.sample(4, given)


# Pretrained encoders


class Stub:
    """Stands in for a model of sentence-transformers."""

    asked: list[str] = []

    def __init__(self, name: str, device: str) -> None:
        if name == "missing":
            raise OSError("no\nsuch model")

    def encode(self, texts: list[str], show_progress_bar: bool) -> Any:
        Stub.asked += texts
        return [torch.tensor([float(len(texts[0])), float(texts[0].count("r")), 1.0]).numpy()]


def test_a_pretrained_encoder_takes_the_place_of_the_trained_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=Stub))
    Stub.asked.clear()
    variant, state = made(text_encoder="sentence-transformers:some")
    assert [stage.name for stage in variant.stages()] == ["adversarial"]
    assert set(state.networks) == {"generator", "discriminator"}
    told = state.networks["generator"].told
    assert told.embed(TEXTS).tolist() == [[10, 2, 1], [11, 1, 1], [10, 2, 1], [14, 1, 1]]
    assert Stub.asked == ["a", "a red star", "a blue star", "a small circle"], "each text once"
    assert told.row("unheard of").shape == (24,)
    with pytest.raises(ConfigError, match=r"sentence-transformers:missing'.*could not be fetched \(no such model\)"):
        made(text_encoder="sentence-transformers:missing")


def test_what_is_missing_for_a_pretrained_encoder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ConfigError, match=r'needs the package sentence-transformers: pip install "ganzoo\[text\]"'):
        made(text_encoder="sentence-transformers:some")
    with pytest.raises(ConfigError, match="text_encoder = 'clip': write trained, or sentence-transformers:MODEL"):
        made(text_encoder="clip")


# From the command line


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ganzoo.train("text2image", "shapes-filled", out=tmp_path_factory.mktemp("runs") / "run", **SMALL).path


def test_the_weights_alone_draw_a_text(run: Path, tmp_path: Path, ganzoo_cli: Cli) -> None:
    weights = next(run.glob("generator*.safetensors"))
    network = ganzoo.load(weights)
    stars = network.sample(4, text="a small red star")
    assert not torch.allclose(stars, network.sample(4, text="a large blue circle"))
    wrong = ganzoo_cli("sample", str(weights), "-s", "text=a smal star", "--output", str(tmp_path / "x.png"), code=2)
    assert "'smal' is in no text of the training data. Near: small" in wrong.stderr


def test_data_without_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it needs a field 'text'.*these have it: .*shapes-filled"):
        ganzoo.train("text2image", "glyphs", out=tmp_path / "run", **SMALL)


def test_a_folder_with_captions_is_learned_and_one_without_is_told(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(3):
        Image.new("RGB", (16, 16), (80 * i, 0, 90)).save(photos / f"{i}.png")
    small = {**SMALL, "steps": 3, "batch_size": 4, "report": False}
    with pytest.raises(DataError, match=r"needs a field 'text' and .* has none: put a file captions.csv into it"):
        ganzoo.train("text2image", f"folder:{photos}", out=tmp_path / "none", **small)
    (photos / "captions.csv").write_text("file,caption\n0.png,dark\n1.png,Red\n1.png,reddish\n2.png,very red\n")
    run = ganzoo.train("text2image", f"folder:{photos}", out=tmp_path / "run", **small)
    assert run.sample(2, text="VERY reddish").shape == (2, 3, 16, 16)
    with pytest.raises(UsageError, match=r"'redish' is in no text of the training data. Near: reddish, red"):
        run.sample(2, text="redish")
