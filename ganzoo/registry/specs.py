"""What plugins hand to the registry: light descriptions, standard library only.

``ganzoo list`` reads nothing but these, so importing this module must stay cheap: no torch, no NumPy.
The heavy object behind a spec is named by ``load`` as ``"package.module:attribute"`` and imported when asked for.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

Sample = Literal["images", "points"]
Needs = Literal["images", "labelled", "semi", "super-resolution", "pairs", "unpaired"]
Measured = Literal["images", "points", "classifier", "translator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What every kind has in common.

    Attributes:
        name: what users type; lower case, words joined by ``-``.
        load: ``"package.module:attribute"`` of the object described.
        summary: one line, shown by ``ganzoo list``.
        paper: where it comes from, as ``"arXiv:1701.07875"`` or a reference; empty when there is none.
    """

    kind: ClassVar[str] = "thing"
    name: str
    load: str
    summary: str
    paper: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSpec(Spec):
    """A kind of GAN; ``load`` names a subclass of :class:`ganzoo.models.variant.Variant`.

    Attributes:
        data: what it learns from. ``"images"``: images alone; ``"labelled"``: every image needs a class label;
            the others as their names say.
        accepts: the forms of sample it can model: ``"images"`` [N, C, H, W], ``"points"`` [N, D] (the 2-D toys).
        metrics: names of the metrics that make sense for it.
    """

    kind: ClassVar[str] = "variant"
    data: Needs = "images"
    accepts: tuple[Sample, ...] = ("images",)
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file that unpacking a :class:`DataFile` yields.

    Attributes:
        path: where it lies below the data root, ``/`` as separator.
        checksum: ``"md5:<hex>"`` or ``"sha256:<hex>"``; empty when none is published, and then never called verified.
        size: its length in bytes; 0 when not known.
    """

    path: str
    checksum: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One official file of a data set.

    Attributes:
        path: where it lies below the data root, ``/`` as separator (for example ``MNIST/raw/x-ubyte.gz``).
        urls: where it can be had, tried in turn.
        checksum: ``"md5:<hex>"`` or ``"sha256:<hex>"`` of the file as published.
        size: its length in bytes; 0 when not known.
        members: what a ``.gz`` or a tar archive is unpacked to after the download; when all of them are in place,
            the file itself is not needed. Names inside an archive are relative to the folder the archive lies in.
    """

    path: str
    urls: tuple[str, ...]
    checksum: str
    size: int = 0
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec(Spec):
    """A source of samples; ``load`` names a function ``(DataRequest) -> Dataset`` (see :mod:`ganzoo.data.base`).

    Attributes:
        sample: ``"images"`` or ``"points"``.
        classes: names of the classes in the order of their labels; empty when unlabelled.
            ``None``: known only when the data is seen (a folder).
        shape: (C, H, W) of the data as published, (D,) of points; None when known only when the data is seen.
        splits: the splits that exist; the first one is trained on.
        files: the official files; empty for data that is drawn on the spot, or read by a library of its own.
        licence: terms of the data, one line.
        download: ``"files"``: ganzoo fetches ``files``; ``"torchvision"``: torchvision does, through a function
            ``fetch(spec, root)`` of the module that ``load`` names; ``"none"``: nothing to fetch.
    """

    kind: ClassVar[str] = "dataset"
    sample: Sample = "images"
    classes: tuple[str, ...] | None = ()
    shape: tuple[int, ...] | None = None
    splits: tuple[str, ...] = ("train",)
    files: tuple[DataFile, ...] = ()
    licence: str = ""
    download: Literal["none", "files", "torchvision"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSpec(Spec):
    """An adversarial loss; ``load`` names a subclass of :class:`ganzoo.models.interfaces.Loss`."""

    kind: ClassVar[str] = "loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec(Spec):
    """A measure; ``load`` names a subclass of :class:`ganzoo.metrics.base.Metric`. Its name is its protocol.

    Attributes:
        of: what it is taken of: samples that are ``"images"`` or ``"points"``, a ``"classifier"`` of images, or a
            ``"translator"`` of images into images.
        extractor: whose features it compares: ``"inception"``, ``"vgg"``, a data set's own recogniser ...; or none.
        count: generated samples that it takes; 0: none.
        unit: of the headline; empty for a plain number.
        better: whether a lower or a higher headline is better.
    """

    kind: ClassVar[str] = "metric"
    of: Measured = "images"
    extractor: str = ""
    count: int = 0
    unit: str = ""
    better: Literal["lower", "higher"] = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSpec(Spec):
    """A benchmark suite; ``load`` names the path of its TOML file (see :mod:`ganzoo.bench.suite`)."""

    kind: ClassVar[str] = "suite"
