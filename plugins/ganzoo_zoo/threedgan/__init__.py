"""3D-GAN, arXiv:1610.07584: shapes in three dimensions."""

from collections.abc import Iterable

from ganzoo.plugin import MetricSpec, VariantSpec, hookimpl


@hookimpl
def ganzoo_variants() -> Iterable[VariantSpec]:
    return [
        VariantSpec(
            name="3dgan",
            load="ganzoo_zoo.threedgan.variant:ThreeDGAN",
            summary="shapes in three dimensions, as voxels",
            paper="arXiv:1610.07584",
            family="first",
            needs=("images",),
            models=("voxels",),
            metrics=("probe-accuracy-voxels",),
        )
    ]


@hookimpl
def ganzoo_metrics() -> Iterable[MetricSpec]:
    return [
        MetricSpec(
            name="probe-accuracy-voxels",
            load="ganzoo_zoo.threedgan.metric:VoxelProbe",
            of="encoder",
            better="higher",
            selects=False,
            beside=("voxels",),
            summary="share of test shapes that a linear classifier of D's features gets right; beside that of voxels",
            paper="arXiv:1610.07584, sec. 4.3",
        )
    ]
