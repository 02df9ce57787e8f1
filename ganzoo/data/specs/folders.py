"""A user's own files."""

from ganzoo.registry.specs import DatasetSpec

DATASETS: tuple[DatasetSpec, ...] = (
    DatasetSpec(
        name="folder",
        load="ganzoo.data.sources.folder:load",
        summary="your own images, as folder:PATH; two or more subfolders that hold images are classes",
        classes=None,
        may_provide=("labels", "attributes", "text"),
        argument="path",
        splits=("train", "test"),
    ),
    DatasetSpec(
        name="pairs",
        load="ganzoo.data.sources.pairs:load_pairs",
        summary="your own pairs, as pairs:PATH: folders A and B with equal names, or files with A beside B",
        provides=("images", "target"),
        argument="path",
        splits=("train", "test"),
    ),
    DatasetSpec(
        name="unpaired",
        load="ganzoo.data.sources.pairs:load_unpaired",
        summary="two sets of your own images, as unpaired:PATH: folders A and B",
        provides=("images", "second.images"),
        argument="path",
        splits=("train", "test"),
    ),
)
