"""What plugins hand to the registry: light descriptions, standard library only.

``ganzoo list`` reads nothing but these, so importing this module must stay cheap: no torch, no NumPy.
The heavy object behind a spec is named by ``load`` as ``"package.module:attribute"`` and imported when requested.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

SECOND = "second."
"""Before the name of a field: the field of a second, unpaired data set."""


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
        family: what it is listed under, for example ``"conditional"``.
        needs: names of the fields that its data must have: ``"images"`` (the samples, of whatever kind), ``"labels"``,
            ``"target"`` (pairs), ``"second.images"`` (a second, unpaired set), or a name of your own.
        models: the kinds of sample it can model: ``"images"`` [N, C, H, W], ``"points"`` [N, D], ``"waves"``
            [N, C, L], ``"voxels"`` [N, C, D, H, W], ``"sequences"`` [N, L, ...], or a name of your own.
        metrics: names of the metrics that make sense for it.
    """

    kind: ClassVar[str] = "variant"
    family: str = ""
    needs: tuple[str, ...] = ("images",)
    models: tuple[str, ...] = ("images",)
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
        samples: the kind of its samples: ``"images"``, ``"points"``, ``"waves"``, ``"voxels"``, ``"sequences"``, or a
            name of your own.
        provides: names of the fields it always has; ``"labels"`` follow from ``classes``.
        may_provide: names of fields that only the data can tell (the labels of a folder).
        argument: what follows the name and a colon: nothing, the path of a file or folder, or a text.
        classes: names of the classes in the order of their labels; empty when unlabelled, None when only the data can
            tell.
        shape: (C, H, W) of the data as published, (D,) of points; None when known only when the data is seen.
        splits: the splits that exist; the first one is trained on.
        files: the official files; empty for data that is drawn on the spot, or read by its own library.
        licence: terms of the data, one line.
        packages: names of the Python packages that it is read from, which have to be installed.
        download: ``"files"``: ganzoo fetches ``files``; ``"torchvision"``: torchvision does, through a function
            ``fetch(spec, root)`` of the module that ``load`` names; ``"none"``: nothing to fetch.
    """

    kind: ClassVar[str] = "dataset"
    samples: str = "images"
    provides: tuple[str, ...] = ("images",)
    may_provide: tuple[str, ...] = ()
    argument: Literal["none", "path", "text"] = "none"
    classes: tuple[str, ...] | None = ()
    shape: tuple[int, ...] | None = None
    splits: tuple[str, ...] = ("train",)
    files: tuple[DataFile, ...] = ()
    licence: str = ""
    packages: tuple[str, ...] = ()
    download: Literal["none", "files", "torchvision"] = "none"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are known to be there."""
        return (*self.provides, "labels") if self.classes else self.provides


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSpec(Spec):
    """An adversarial loss; ``load`` names a subclass of :class:`ganzoo.models.interfaces.Loss`."""

    kind: ClassVar[str] = "loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec(Spec):
    """A measure; ``load`` names a subclass of :class:`ganzoo.metrics.base.Metric`. Its name is its protocol.

    Attributes:
        of: what it is taken of: samples of a kind (``"images"``, ``"points"``, ``"waves"`` ...), ``"samples"`` of any
            kind, a ``"classifier"``, a ``"translator"``, an ``"encoder"``, or a ``"scorer"``.
        extractor: name of the feature extractor whose features it compares; empty: none.
        count: generated samples that it takes; 0: none.
        unit: of the headline; empty for a plain number.
        better: whether a lower or a higher headline is better.
        selects: it may choose the best checkpoint. False for one that looks at the labels or targets of a test split:
            what is chosen by it would be reported too well.
        beside: names of those of its other numbers that tables show beside the headline.
    """

    kind: ClassVar[str] = "metric"
    of: str = "images"
    extractor: str = ""
    count: int = 0
    unit: str = ""
    better: Literal["lower", "higher"] = "lower"
    selects: bool = True
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorSpec(Spec):
    """A feature extractor; ``load`` names a function from an :class:`ganzoo.metrics.extractors.ExtractorRequest` to
    an :class:`ganzoo.metrics.extractors.Extractor`."""

    kind: ClassVar[str] = "extractor"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggerSpec(Spec):
    """A logger of trainings; ``load`` names a class without arguments whose methods are lifecycle hooks.

    Attributes:
        modules: what must be importable for it; looked for before a training begins.
        install: what ``pip install`` brings them with.
    """

    kind: ClassVar[str] = "logger"
    modules: tuple[str, ...] = ()
    install: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsSpec(Spec):
    """A trained network that comes with a plugin; ``load`` names the path of the folder that its file lies in.

    ``zoo:NAME`` stands for it wherever a weights file is taken.

    Attributes:
        file: name of the safetensors file, as a run directory has it.
        sha256: of the file.
        variant, dataset: what was trained, and on what.
        scores: what was measured of this file: name and value.
        command: how it was trained.
        licence: terms, which may follow from the data.
    """

    kind: ClassVar[str] = "weights"
    file: str
    sha256: str
    variant: str
    dataset: str
    scores: tuple[str, ...] = ()
    command: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSpec(Spec):
    """A benchmark suite; ``load`` names the path of its TOML file (see :mod:`ganzoo.bench.suite`)."""

    kind: ClassVar[str] = "suite"
