"""The metrics that come with ganzoo, as specs. Standard library only: ``ganzoo list metrics`` reads this."""

from ganzoo.registry.specs import ExtractorSpec, MetricSpec

CLASSIFIED_VOXELS = ("solids",)
CLASSIFIED = ("glyphs", "mnist", "fashion-mnist", "cifar10", *CLASSIFIED_VOXELS)
"""Data sets with a feature classifier of their own (see benchmarks/feature_classifiers.py)."""

FRECHET, KERNEL = "ganzoo.metrics.measures.features:FrechetDistance", "ganzoo.metrics.measures.features:KernelDistance"
SCORE, PRECISION_RECALL = "ganzoo.metrics.measures.features:Score", "ganzoo.metrics.measures.features:PrecisionRecall"
TTUR, IMPROVED, MMD = "arXiv:1706.08500", "arXiv:1606.03498, sec. 4", "arXiv:1801.01401"
KYNKAANNIEMI = "arXiv:1904.06991"


def _of_inception() -> list[MetricSpec]:
    return [
        *(
            MetricSpec(
                name=f"fid-{n // 1000}k", load=FRECHET, extractor="inception", count=n, paper=TTUR,
                summary=f"Fréchet Inception distance of {n:,} samples to the whole training split",
            )
            for n in (10_000, 50_000)
        ),
        MetricSpec(
            name="is-50k", load=SCORE, extractor="inception", count=50_000, better="higher", paper=IMPROVED,
            summary="Inception score of 50,000 samples, mean over 10 splits",
        ),
        MetricSpec(
            name="kid-50k", load=KERNEL, extractor="inception", count=50_000, paper=MMD,
            summary="kernel Inception distance of 50,000 samples to as many real ones, 100 subsets of 1,000",
        ),
        MetricSpec(
            name="prc-10k", load=PRECISION_RECALL, extractor="vgg", count=10_000, better="higher", paper=KYNKAANNIEMI,
            beside=("recall",),
            summary="precision and recall of 10,000 samples against as many real ones, features of VGG16",
        ),
    ]  # fmt: skip


def _of_efficientnet() -> list[MetricSpec]:
    return [
        MetricSpec(
            name=f"fd-effnet-lite0-{n // 1000}k", load=FRECHET, extractor="effnet-lite0", count=n, paper=TTUR,
            summary=f"Fréchet distance of {n:,} samples on EfficientNet-Lite0 (ImageNet); needs no download; not FID",
        )
        for n in (10_000, 50_000)
    ]  # fmt: skip


def _of_feature_classifier(data: str) -> list[MetricSpec]:
    classes = "ganzoo.metrics.measures.features"
    # A shape takes the time of many pictures, and its classifier has few features: fewer samples say the same.
    of, few, many = ("voxels", 2_000, ()) if data in CLASSIFIED_VOXELS else ("images", 10_000, (50_000,))
    rows = [
        *(("fd", FRECHET, n, "lower", TTUR, f"Fréchet distance of {n:,} samples to the training split")
          for n in (few, *many)),
        ("kd", KERNEL, few, "lower", MMD, f"kernel distance of {few:,} samples to as many real ones"),
        ("cs", SCORE, few, "higher", IMPROVED, f"classifier score (the formula of IS) of {few:,} samples"),
        ("prc", PRECISION_RECALL, few, "higher", KYNKAANNIEMI,
         f"precision and recall of {few:,} samples against as many real ones"),
        ("balance", f"{classes}:ClassBalance", few, "lower", "",
         f"how far the classes of {few:,} samples are from being as frequent as in the data; 0 to 1"),
        ("accuracy", f"{classes}:ClassAccuracy", few, "higher", "",
         f"share of {few:,} conditional samples that are of the class requested"),
        ("intra-fd", f"{classes}:IntraClassDistance", few, "lower", "arXiv:1802.05637",
         f"mean over classes of the Fréchet distance of {few:,} conditional samples"),
    ]  # fmt: skip
    return [
        MetricSpec(
            name=f"{name}-{data}-{count // 1000}k", load=load, of=of, extractor=data, count=count,
            better=better, paper=paper,  # type: ignore[arg-type]  # rows hold plain text
            beside=("recall",) if load == PRECISION_RECALL else (),
            summary=f"{summary}, by a feature classifier of {data}",
        )
        for name, load, count, better, paper, summary in rows
    ]  # fmt: skip


def _of_translators() -> list[MetricSpec]:
    place = "ganzoo.metrics.measures.translated"
    rows = [
        ("fd", "TranslatedFrechet", TTUR, "Fréchet distance"), ("kd", "TranslatedKernel", MMD, "kernel distance"),
    ]  # fmt: skip
    return [
        MetricSpec(
            name=f"{short}-translated-effnet-lite0", load=f"{place}:{kind}", of="translator", extractor="effnet-lite0",
            paper=paper, beside=("input",), selects=False,
            summary=f"{words} of all translated test images to all real ones, on EfficientNet-Lite0; beside the inputs",
        )
        for short, kind, paper, words in rows
    ] + [
        MetricSpec(
            name="labels-translated-effnet-lite0", load=f"{place}:TranslatedLabels", of="translator",
            extractor="effnet-lite0", paper="arXiv:1611.07004", selects=False, better="higher",
            beside=("real", "input"),
            summary="share of translated test images that a linear classifier of real ones puts into their class",
        ),
        MetricSpec(
            name="colours-translated", load=f"{place}:TranslatedColours", of="translator", paper="arXiv:1611.07004",
            selects=False, better="higher", beside=("input",),
            summary="overlap, 0 to 1, of the colours (a, b of CIELAB) of translated and real images; beside the inputs",
        ),
        MetricSpec(
            name="hues-translated", load=f"{place}:TranslatedHues", of="translator", selects=False, better="higher",
            beside=("input",),
            summary="share of the colours of real images, grey left out, that translated ones have; beside the inputs",
        ),
        MetricSpec(
            name="sharpness-translated", load=f"{place}:TranslatedSharpness", of="translator", selects=False,
            beside=("ratio", "input"),
            summary="how far the mean difference of neighbouring pixels is from that of real images, as a share of it",
        ),
        MetricSpec(
            name="cycle-error", load=f"{place}:CycleError", of="translator", paper="arXiv:1703.10593", selects=False,
            summary="mean difference, 0 to 1, between an image and what comes back from the other direction",
        )
    ]  # fmt: skip


OWN = "ganzoo.metrics.extractors"
EXTRACTORS: tuple[ExtractorSpec, ...] = (
    ExtractorSpec(
        name="inception", load=f"{OWN}:inception", paper="arXiv:1512.00567",
        summary="Inception v3 as FID and IS use it; its weights are downloaded",
    ),
    ExtractorSpec(
        name="vgg", load=f"{OWN}:vgg", paper="arXiv:1409.1556",
        summary="VGG16's second fully connected layer; its weights are downloaded",
    ),
    ExtractorSpec(
        name="effnet-lite0", load=f"{OWN}:efficientnet", paper="arXiv:1905.11946",
        summary="EfficientNet-Lite0 on ImageNet; its weights come with the extra 'effnet'",
    ),
    ExtractorSpec(
        name="log-mel", load="ganzoo.metrics.measures.sounds:log_mel_extractor",
        summary="spectrograms of waves, in bands as the ear hears them; nothing in it is learned",
    ),
    *(
        ExtractorSpec(name=data, load=f"{OWN}:feature_classifier", summary=f"a small classifier of {data}, shipped")
        for data in CLASSIFIED
    ),
)  # fmt: skip


METRICS: tuple[MetricSpec, ...] = (
    *_of_inception(),
    *_of_translators(),
    *_of_efficientnet(),
    *(spec for data in CLASSIFIED for spec in _of_feature_classifier(data)),
    MetricSpec(
        name="modes-2500", load="ganzoo.metrics.measures.modes:ModesFound", of="points", count=2_500, better="higher",
        paper="arXiv:1705.07761, sec. 5.1", summary="modes that 2,500 samples fall on, and the share of good samples",
    ),
    MetricSpec(
        name="modes-stacked-mnist-26k", load="ganzoo.metrics.measures.modes:StackedModes", extractor="mnist",
        count=26_000, better="higher", beside=("KL",), paper="arXiv:1611.02163, sec. 3.3.1",
        summary="modes of 1,000 that 26,000 samples fall on, by a classifier of MNIST; beside it their divergence",
    ),
    MetricSpec(
        name="colour-accuracy-2k", load="ganzoo.metrics.measures.colours:ColourAccuracy", count=2_000, better="higher",
        beside=("real", "of the worst class"), paper="arXiv:1810.10395",
        summary="share of 2,000 samples whose dominant colour is the class asked for; beside it that of real images",
    ),
    MetricSpec(
        name="duplicates-2k", load="ganzoo.metrics.measures.diversity:Duplicates", of="samples", count=2_000,
        summary="share of 2,000 samples that nearly repeat another one, beside that of real ones; distances of values",
    ),
    MetricSpec(
        name="copies-1k", load="ganzoo.metrics.measures.neighbours:Copies", count=1_000,
        summary="share of 1,000 samples that lie nearer to a training image than 99 % of test images do; pixels",
    ),
    MetricSpec(
        name="fd-spectrogram-2k", load="ganzoo.metrics.measures.sounds:SpectrogramDistance", of="waves",
        extractor="log-mel", count=2_000, paper=TTUR, beside=("floor",),
        summary="Fréchet distance of 2,000 sounds to the training split on spectrograms; beside that of test sounds",
    ),
    MetricSpec(
        name="pitch-accuracy-2k", load="ganzoo.metrics.measures.sounds:PitchAccuracy", of="waves", count=2_000,
        better="higher", beside=("of real ones",),
        summary="share of 2,000 sounds with the pitch that was asked for; beside that of test sounds",
    ),
    MetricSpec(
        name="clear-pitch-2k", load="ganzoo.metrics.measures.sounds:ClearPitch", of="waves", count=2_000,
        better="higher", beside=("of real ones",),
        summary="share of 2,000 sounds in which a pitch is heard; beside that of test sounds",
    ),
    MetricSpec(
        name="test-accuracy", load="ganzoo.metrics.measures.accuracy:TestAccuracy", of="classifier", better="higher",
        selects=False, summary="share of the test split that a trained classifier gets right",
    ),
    MetricSpec(
        name="cluster-error", load="ganzoo.metrics.measures.accuracy:ClusterError", of="classifier", selects=False,
        beside=("classes found",), paper="arXiv:1511.06390",
        summary="share of test images in a category of another class; categories are matched by training labels",
    ),
    MetricSpec(
        name="neighbour-accuracy", load="ganzoo.metrics.measures.encoders:NeighbourAccuracy", of="encoder",
        better="higher", selects=False, paper="arXiv:1605.09782",
        summary="share of test images whose nearest training image, by latents, is of their class",
    ),
    MetricSpec(
        name="probe-accuracy", load="ganzoo.metrics.measures.encoders:ProbeAccuracy", of="encoder",
        better="higher", selects=False, paper="arXiv:1605.09782",
        summary="share of test images that a linear classifier of latents, fitted to training images, gets right",
    ),
    MetricSpec(
        name="edit-success", load="ganzoo.metrics.measures.editing:EditSuccess", of="encoder", better="higher",
        selects=False, beside=("kept", "classifier"), paper="arXiv:1611.06355",
        summary="share of edits that a classifier, trained on real images, confirms; share of other attributes kept",
    ),
    MetricSpec(
        name="reconstruction-l1", load="ganzoo.metrics.measures.encoders:ReconstructionL1", of="encoder", selects=False,
        beside=("average image",),
        summary="mean distance, 0 to 1, of test images to what is drawn of their latents; beside that of their mean",
    ),
    MetricSpec(
        name="anomaly-auc", load="ganzoo.metrics.measures.anomalies:AnomalyAUC", of="scorer", better="higher",
        selects=False, paper="arXiv:1703.05921",
        summary="area under the ROC curve: all test images by their scores, those of classes not trained on are odd",
    ),
    MetricSpec(
        name="psnr", load="ganzoo.metrics.measures.super_resolution:PSNR", of="translator", unit="dB", better="higher",
        selects=False, beside=("bicubic",),
        summary="of enlarged images on luma, border removed; beside bicubic enlargement",
    ),
    MetricSpec(
        name="ssim", load="ganzoo.metrics.measures.super_resolution:SSIM", of="translator", better="higher",
        selects=False, beside=("bicubic",),
        paper="Wang et al. 2004, IEEE TIP 13(4)",
        summary="of enlarged images on luma, border removed; beside bicubic enlargement",
    ),
    MetricSpec(
        name="l1-pairs", load="ganzoo.metrics.measures.pairs:PairsL1", of="translator", selects=False,
        beside=("input",),
        summary="mean distance of translated images to their targets, 0 to 1; test pairs, or those trained on",
    ),
    MetricSpec(
        name="psnr-pairs", load="ganzoo.metrics.measures.pairs:PairsPSNR", of="translator", unit="dB", better="higher",
        selects=False, summary="of translated images to their targets, on luma; test pairs, or those trained on",
    ),
    MetricSpec(
        name="ssim-pairs", load="ganzoo.metrics.measures.pairs:PairsSSIM", of="translator", better="higher",
        selects=False, paper="Wang et al. 2004, IEEE TIP 13(4)",
        summary="of translated images to their targets, on luma; test pairs, or those trained on",
    ),
)  # fmt: skip
