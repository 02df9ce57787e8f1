"""Do pictures show what was asked for? On shapes by reading them; on any data by an embedding of images and texts."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.optim import Adam

from ganzoo.plugin import (
    DataError,
    Dataset,
    EvaluationContext,
    Metric,
    Sampler,
    TextCondition,
    to_unit,
)
from ganzoo_zoo.networks import ConvEncoder
from ganzoo_zoo.text2image.checker import Checker
from ganzoo_zoo.texts import TextEncoder, equal_rows, joint_loss

READABLE = ("shapes", "shapes-filled")
"""Data sets whose texts name a size, a colour and a shape."""
CANDIDATES = 10
"""Texts among which a picture has to find its own."""
STEPS, BATCH, LENGTH, WIDTH, RATE = 1_500, 64, 64, 16, 1e-3
"""How the embedding is trained: iterations, images in each, its length, width of its layers, Adam's step size."""
SETTLED = 50
"""Batches of which the statistics of its batch normalisation are taken in the end."""
PART = 500


class OfTexts(Metric):
    """A metric of a generator that is told texts."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        generator = context.target.generator
        if generator is None or not isinstance(generator.condition, TextCondition):
            return f"{context.target.name} draws no texts"
        return ""

    def prepare(self, context: EvaluationContext) -> None:
        if "text" not in context.reference().info.fields:
            raise DataError(f"{context.against!r} has no texts, and {self.spec.name} asks for them.")
        super().prepare(context)

    def drawn(self, context: EvaluationContext) -> tuple[Tensor, Tensor]:
        """Pictures uint8 [N, C, H, W] and the texts int64 [N, L] that were asked for."""
        asked = context.conditions(self.spec.count)
        assert asked is not None, "unsuitable() says so"
        return torch.cat(list(context.samples(self.spec.count))), asked

    def real(self, context: EvaluationContext) -> tuple[Tensor, Tensor]:
        """The same of the test split: as many as there are, up to the number of samples."""
        held_out = context.held_out()
        return images_of(held_out, self.spec.count)


class CaptionMatch(OfTexts):
    """A picture is right when its colour, its shape and its size are those of its text; see
    :mod:`ganzoo_zoo.text2image.checker`. Beside it the shares of each, and the share of real test images that are read
    right, which is as good as a picture can be."""

    def unsuitable(self, context: EvaluationContext) -> str:
        if reason := super().unsuitable(context):
            return reason
        if context.against not in READABLE:
            return f"texts of {context.against!r} do not name a size, a colour and a shape: those of shapes do"
        return "" if context.target.shape[0] == 3 else "grey pictures show no colour"

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        known = context.reference()
        checker = context.of_reference(
            "checker", lambda: Checker(known.fetch("images", torch.arange(len(known.source))), texts_of(known))
        )
        found = checker.right(*self.drawn(context))
        real = checker.right(*self.real(context))
        names = ("size", "colour", "shape")
        each = {name: float(found[:, column].float().mean()) for column, name in enumerate(names)}
        both = {"share": float(found.all(1).float().mean()), **each}
        return {**both, "real images": float(real.all(1).float().mean())}


class RetrievalPrecision(OfTexts):
    """A picture is right when, of its own text and nine others, its own is nearest: R-precision, as in
    arXiv:1711.10485, with ten texts. The embedding is trained here, on the training data, with the loss of
    arXiv:1605.05395 and a fixed seed; no generator has seen it. Beside it the same of real test images, and chance."""

    def measure(self, context: EvaluationContext) -> dict[str, float]:
        known = context.reference()
        image_encoder, text_encoder = context.of_reference("joint embedding", lambda: joint_embedding(known, context))
        texts = torch.unique(texts_of(known), dim=0)
        if len(texts) < CANDIDATES:
            raise DataError(
                f"{context.against!r} has {len(texts)} different texts: {self.spec.name} takes {CANDIDATES}."
            )

        def precision(images: Tensor, asked: Tensor) -> float:
            shown, own = embedded(image_encoder, to_unit(images)), embedded(text_encoder, asked)
            length = max(asked.shape[1], texts.shape[1])  # captions of a split of their own may be longer
            return retrieved(shown, own, wide(asked, length), wide(texts, length), embedded(text_encoder, texts))

        found = precision(*self.drawn(context))
        return {"share": found, "real images": precision(*self.real(context)), "chance": 1 / CANDIDATES}


def wide(texts: Tensor, length: int) -> Tensor:
    """Texts int64 [N, L] with zeros behind them, [N, length]."""
    return pad(texts, (0, length - texts.shape[1]))


def texts_of(dataset: Dataset) -> Tensor:
    """All texts of a data set, int64 [N, L]."""
    return dataset.fetch("text", torch.arange(len(dataset.source))).cpu()


def images_of(dataset: Dataset, count: int) -> tuple[Tensor, Tensor]:
    """At most so many images uint8 [N, C, H, W] of a data set, always the same, and their texts int64 [N, L]."""
    rng = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(dataset.source), generator=rng)[:count]
    return dataset.fetch("images", chosen).cpu(), dataset.fetch("text", chosen).cpu()


def joint_embedding(dataset: Dataset, context: EvaluationContext) -> tuple[nn.Module, nn.Module]:
    """Encoders of images and of texts, trained on a data set; the same each time. In eval mode, on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        images, texts = ConvEncoder(LENGTH, WIDTH, dataset.info.shape), TextEncoder(LENGTH, 2 * WIDTH)
        optimizer = Adam([*images.parameters(), *texts.parameters()], RATE)
        sampler = Sampler(len(dataset.source), 0)
        with torch.enable_grad():
            for step in range(STEPS):
                chosen = sampler.indices(step * BATCH, BATCH)
                pictures, said = to_unit(dataset.fetch("images", chosen).cpu()), dataset.fetch("text", chosen).cpu()
                loss = joint_loss(images(pictures), texts(said), equal_rows(said))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if step % 50 == 49 or step + 1 == STEPS:
                    context.progress("joint embedding of images and texts", step + 1, STEPS)
        settle(
            images, [to_unit(dataset.fetch("images", sampler.indices(i * BATCH, BATCH)).cpu()) for i in range(SETTLED)]
        )
    return images.eval(), texts.eval()


@torch.no_grad()
def settle(network: nn.Module, batches: list[Tensor]) -> None:
    """Take the statistics of batch normalisation anew, of these batches and the last weights: those gathered while it
    learned lag behind, and real images then find far fewer of their texts."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean
    for batch in batches:
        network(batch)


@torch.no_grad()
def embedded(encoder: nn.Module, values: Tensor) -> Tensor:
    """Embeddings [N, E] of images or texts."""
    return torch.cat([encoder(part) for part in values.split(PART)])


def retrieved(images: Tensor, own: Tensor, asked: Tensor, texts: Tensor, embeddings: Tensor) -> float:
    """Share of images whose own text has a larger product with them than ``CANDIDATES - 1`` others, chosen at random
    but always the same.

    Args:
        images, own: embeddings [N, E] of images, and of the texts int64 [N, L] that were ``asked``.
        texts, embeddings: all different texts int64 [M, L], and their embeddings [M, E].
    """
    rng, right = torch.Generator().manual_seed(0), 0
    parts = zip(images.split(PART), own.split(PART), asked.split(PART), strict=True)
    for image, text, said in parts:
        order = torch.rand(len(image), len(texts), generator=rng)
        order[(said[:, None] == texts[None]).all(2)] = -1.0  # not its own text once more
        others = order.topk(CANDIDATES - 1).indices
        against = torch.einsum("ne,nke->nk", image, embeddings[others])
        right += int(((image * text).sum(1) > against.amax(1)).sum())
    return right / len(images)
