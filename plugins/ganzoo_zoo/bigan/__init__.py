"""BiGAN, arXiv:1605.09782 (and ALI, arXiv:1606.00704): a generator and an encoder that learn to undo each other."""

from collections.abc import Iterable

from ganzoo.plugin import MetricSpec, VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="bigan",
            load="ganzoo_zoo.bigan.variant:BiGAN",
            summary="learns to encode images: D sees pictures beside their latents",
            paper="arXiv:1605.09782",
            family="inference",
            needs=("images",),
            metrics=("neighbour-accuracy", "probe-accuracy"),
        )
    ]


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return [
        MetricSpec(
            name="neighbour-accuracy",
            load="ganzoo_zoo.bigan.metric:NeighbourAccuracy",
            of="encoder",
            better="higher",
            selects=False,
            summary="share of test images whose nearest training image, by latents, is of their class",
            paper="arXiv:1605.09782",
        ),
        MetricSpec(
            name="probe-accuracy",
            load="ganzoo_zoo.bigan.metric:ProbeAccuracy",
            of="encoder",
            better="higher",
            selects=False,
            summary="share of test images that a linear classifier of latents, fitted to training images, gets right",
            paper="arXiv:1605.09782",
        ),
    ]
