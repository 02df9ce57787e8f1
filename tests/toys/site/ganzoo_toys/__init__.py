"""Ten kinds of GAN in small, as a plugin: what proves that the shape of the core holds them."""

from collections.abc import Iterable

from ganzoo.plugin import DatasetSpec, ExtractorSpec, MetricSpec, SuiteSpec, VariantSpec, hookimpl

TOYS = (
    ("cyclegan", "CycleGAN", "two translators that undo each other", "arXiv:1703.10593"),
    ("pix2pix", "Pix2Pix", "a translator held to its target, and a map of logits", "arXiv:1611.07004"),
    ("progressive", "Progressive", "networks that grow, stage by stage", "arXiv:1710.10196"),
    ("began", "BEGAN", "an autoencoder as the discriminator, balanced by a controlled variable", "arXiv:1703.10717"),
    ("infogan", "InfoGAN", "codes that one can ask for", "arXiv:1606.03657"),
    ("bigan", "BiGAN", "an encoder learned beside the generator", "arXiv:1605.09782"),
    ("text", "TextGAN", "images of what a text says", "arXiv:1605.05396"),
    ("waves", "WaveGAN", "sounds", "arXiv:1802.04208"),
    ("voxels", "VoxelGAN", "solids", "arXiv:1610.07584"),
    ("style", "StyleGAN", "a mapping network, truncation and lazy penalties", "arXiv:1912.04958"),
)
NEEDS = {
    "cyclegan": ("images", "second.images"), "pix2pix": ("images", "target"), "text": ("images", "embeddings"),
}  # fmt: skip
MODELS = {"waves": ("waves",), "voxels": ("voxels",)}


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name=f"toy-{name}", load=f"ganzoo_toys.{name}:{attribute}", summary=summary, paper=paper, family="toys",
            needs=NEEDS.get(name, ("images",)), models=MODELS.get(name, ("images",)),
        )
        for name, attribute, summary, paper in TOYS
    ]  # fmt: skip


@hookimpl
def ganzoo_datasets() -> Iterable[DatasetSpec]:
    load = "ganzoo_toys.data"
    return [
        DatasetSpec(name="toy-pairs", load=f"{load}:pairs", summary="outlines and the same shapes filled",
                    provides=("images", "target"), shape=(1, 16, 16), splits=("train", "test")),
        DatasetSpec(name="toy-captions", load=f"{load}:captions", summary="coloured squares and what they are called",
                    provides=("images", "embeddings"), shape=(3, 16, 16)),
        DatasetSpec(name="toy-waves", load=f"{load}:waves", summary="sines", samples="waves", shape=(1, 64)),
        DatasetSpec(name="toy-voxels", load=f"{load}:voxels", summary="boxes", samples="voxels", shape=(1, 8, 8, 8)),
    ]  # fmt: skip


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    load = "ganzoo_toys.metrics"
    return [
        MetricSpec(name="toy-mean-100", load=f"{load}:MeanDistance", of="samples", count=100,
                   summary="distance of the mean of 100 samples to that of the data"),
        MetricSpec(name="toy-change", load=f"{load}:Change", of="translator", better="higher", selects=False,
                   summary="how far a translator moves the first images"),
        MetricSpec(name="toy-fd-60", load="ganzoo.metrics.measures.features:FrechetDistance", extractor="toy-pixels",
                   count=60, summary="Fréchet distance of the pixels of 60 samples"),
    ]  # fmt: skip


@hookimpl
def ganzoo_extractors() -> Iterable[ExtractorSpec]:
    return [ExtractorSpec(name="toy-pixels", load="ganzoo_toys.metrics:pixels", summary="pixels as they are")]


@hookimpl
def ganzoo_suites() -> Iterable[SuiteSpec]:
    return [SuiteSpec(name="toy-kinds", load="ganzoo_toys.suite:PATH", summary="a row for each kind of GAN")]
