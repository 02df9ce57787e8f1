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
    *(
        DatasetSpec(
            name=name,
            load=f"ganzoo.data.sources.sounds:load_{name}",
            summary=summary,
            samples="waves",
            classes=None,
            may_provide=("labels",),
            argument="path",
            splits=("train", "test"),
            packages=("soundfile", "soxr"),
        )
        for name, summary in (
            ("sounds", "your own .wav or .flac files, as sounds:PATH, each a sample; subfolders are classes"),
            ("recordings", "your own long .wav or .flac files, as recordings:PATH, cut into slices"),
        )
    ),
    DatasetSpec(
        name="midi",
        load="ganzoo.data.sources.midi:load",
        summary="your own MIDI files as notes, as midi:PATH of a file or folder; 32 notes each, drums left out",
        samples="sequences",
        argument="path",
        shape=(32, 4),
        splits=("train", "test"),
    ),
    DatasetSpec(
        name="voxels",
        load="ganzoo.data.sources.voxels:load",
        summary="your own shapes, as voxels:PATH: meshes, .binvox or .npy; two or more subfolders are classes",
        samples="voxels",
        classes=None,
        may_provide=("labels",),
        argument="path",
        splits=("train", "test"),
    ),
)
