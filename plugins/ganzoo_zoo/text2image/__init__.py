"""Pictures of texts: GAN-INT-CLS, arXiv:1605.05396, and StackGAN, arXiv:1612.03242."""

from collections.abc import Iterable

from ganzoo.plugin import MetricSpec, VariantSpec, hookimpl

METRICS = ("caption-match-2k", "retrieval-precision-2k")


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="text2image",
            load="ganzoo_zoo.text2image.variant:TextToImage",
            summary="draws what a text says, such as 'a small red star'",
            paper="arXiv:1605.05396",
            family="text",
            needs=("images", "text"),
            metrics=METRICS,
        ),
        VariantSpec(
            name="stackgan",
            load="ganzoo_zoo.text2image.stackgan:StackGAN",
            summary="draws what a text says: a small picture first, then a large one",
            paper="arXiv:1612.03242",
            family="text",
            needs=("images", "text"),
            metrics=METRICS,
        ),
    ]


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return [
        MetricSpec(
            name="caption-match-2k",
            load="ganzoo_zoo.text2image.metrics:CaptionMatch",
            count=2_000,
            better="higher",
            beside=("colour", "shape", "size", "real images"),
            summary="share of 2,000 pictures of shapes whose colour, shape and size are as their text says",
        ),
        MetricSpec(
            name="retrieval-precision-2k",
            load="ganzoo_zoo.text2image.metrics:RetrievalPrecision",
            count=2_000,
            better="higher",
            beside=("real images", "chance"),
            summary="share of 2,000 pictures that find their own text among ten, by an embedding of the training data",
            paper="arXiv:1711.10485, section 4",
        ),
    ]
