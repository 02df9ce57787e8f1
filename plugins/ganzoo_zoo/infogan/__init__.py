"""InfoGAN, arXiv:1606.03657: codes that mean something, found without labels."""

from collections.abc import Iterable

from ganzoo.plugin import MetricSpec, VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="infogan",
            load="ganzoo_zoo.infogan.variant:InfoGAN",
            summary="finds codes that mean something, such as the digit",
            paper="arXiv:1606.03657",
            family="inference",
            needs=("images",),
            metrics=("code-error",),
        )
    ]


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return [
        MetricSpec(
            name="code-error",
            load="ganzoo_zoo.infogan.metric:CodeError",
            of="encoder",
            better="lower",
            selects=False,
            beside=("classes found",),
            summary="share of test images whose code stands for another class; codes are matched by training labels",
            paper="arXiv:1606.03657",
        )
    ]
