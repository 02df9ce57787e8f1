"""Anomaly detection with GANs that know only what is normal: AnoGAN, arXiv:1703.05921, and f-AnoGAN (2019)."""

from collections.abc import Iterable

from ganzoo.plugin import VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="anogan",
            load="ganzoo_zoo.anomaly.variant:AnoGAN",
            summary="finds what is odd: searches the most similar normal image",
            paper="arXiv:1703.05921",
            family="inference",
            needs=("images",),
            metrics=("anomaly-auc",),
        ),
        VariantSpec(
            name="f-anogan",
            load="ganzoo_zoo.anomaly.variant:FAnoGAN",
            summary="finds what is odd at once, by an encoder of normal images",
            paper="Schlegl et al. 2019",
            family="inference",
            needs=("images",),
            metrics=("anomaly-auc",),
        ),
    ]
