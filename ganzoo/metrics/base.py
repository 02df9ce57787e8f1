"""What a metric is, and what it is given: an exam, in which one subject is held against one data set.

A metric's name is its protocol. What it does not say (which split, which extractor with which checksum, which seed)
stands beside every number, because the exam writes down what a metric has used.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, Progress, silent
from ganzoo.data.decode import FileSource
from ganzoo.device import exact_arithmetic
from ganzoo.distributed import ALONE, World
from ganzoo.errors import DataError, PluginError, UsageError
from ganzoo.metrics.reference import remembered, statistics
from ganzoo.metrics.subjects import Subject
from ganzoo.specs import MetricSpec

if TYPE_CHECKING:
    from ganzoo.metrics.extractors import Extractor

FORMAT = 1
"""Of what is remembered: raised when features of the same images come out differently."""
REFERENCE_SEED = 0
"""Picks the real samples where a protocol takes fewer than the split has."""

T = TypeVar("T")


class Metric:
    """A measure. A plugin subclasses it and names the subclass in its :class:`ganzoo.specs.MetricSpec`.

    Args:
        spec: the spec it was loaded for, so that one class can serve several protocols.
    """

    def __init__(self, spec: MetricSpec) -> None:
        self.spec = spec

    def unfit(self, exam: "Exam") -> str:
        """Why it makes no sense for this exam, or nothing; cheap, asked before anything is computed."""
        return exam.subject.lacks(self.spec.of)

    def ready(self, exam: "Exam") -> None:
        """Open what it needs and count: what is missing is to be found before a training, not after.

        Raises:
            GanzooError: weights or data are missing, or there are fewer samples than the protocol takes.
        """
        if self.spec.count:
            exam.subject.refuse_few(self.spec.count)
            exam.labels(self.spec.count)

    def measure(self, exam: "Exam") -> dict[str, float]:
        """The numbers by name, the headline first."""
        raise NotImplementedError(f"{type(self).__name__} must implement measure(exam)")


@dataclass(frozen=True)
class Result:
    """What a metric found, and all that the numbers depend on.

    Attributes:
        metric: its name.
        values: the numbers, the headline first.
        about: subject, generated samples, reference, extractor, versions, device: plain values.
    """

    metric: str
    values: dict[str, float]
    about: dict[str, Any]

    @property
    def value(self) -> float:
        """The headline."""
        return next(iter(self.values.values()))

    def as_json(self) -> dict[str, Any]:
        return {"metric": self.metric, "value": self.value, "values": self.values, **self.about}


@dataclass
class Exam:
    """One subject against one data set. What several metrics need is computed once.

    Attributes:
        subject: what is measured.
        against: name of the data set as typed.
        load: a split of it, brought to the subject's size; an empty name is the split that is trained on.
        device: where networks run.
        trained: name of the data set that the subject was trained on; empty when it is not known.
        seed: of the latents.
        weights: a file of Inception's or VGG's weights instead of the one in torch's cache.
        cache: folder of what was computed of real data before; None: nothing is remembered.
        used: what the metric at work has used, for its result.
        world: the processes that share the work of :meth:`features`, each of which must ask for the same.
    """

    subject: Subject
    against: str
    load: Callable[[str], Dataset]
    device: torch.device
    trained: str = ""
    seed: int = 0
    weights: Path | None = None
    cache: Path | None = None
    progress: Progress = silent
    used: dict[str, Any] = field(default_factory=dict)
    world: World = ALONE
    _real: dict[Any, Any] = field(default_factory=dict)
    _own: dict[Any, Any] = field(default_factory=dict)

    def renewed(self, subject: Subject, seed: int) -> "Exam":
        """The same exam for another subject; what is known of real samples is kept."""
        return dataclasses.replace(self, subject=subject, seed=seed, used={}, _own={})

    @staticmethod
    def once(memory: dict[Any, Any], key: Any, compute: Callable[[], T]) -> T:
        """``compute()`` the first time, its result ever after."""
        if key not in memory:
            memory[key] = compute()
        found: T = memory[key]
        return found

    # Real samples

    def reference(self, split: str = "") -> Dataset:
        """A split of the data set; its use is written down.

        Raises:
            DataError: missing, damaged, or of another size than the subject's samples.
        """
        found = self.once(self._real, ("reference", split), lambda: self.load(split))
        if found.info.shape != self.subject.shape:
            raise DataError(
                f"{self.subject.name} has samples of {sized(self.subject.shape)} and {found.info.name!r} of "
                f"{sized(found.info.shape)}: they cannot be compared. Nothing is rescaled for a metric."
            )
        info = found.info
        self.used.setdefault("reference", {"data": info.name, "digest": info.digest, "splits": {}})
        self.used["reference"]["splits"][info.split] = info.count
        return found

    def chosen(self, dataset: Dataset, count: int) -> Tensor:
        """Indices of ``count`` samples of a split, at random but always the same.

        Raises:
            DataError: the split has fewer.
        """
        if len(dataset.source) < count:
            raise DataError(
                f"{self.against!r} has {len(dataset.source):,} {dataset.info.split} samples, and the protocol takes "
                f"{count:,}: take a metric for fewer."
            )
        rng = torch.Generator().manual_seed(REFERENCE_SEED)
        self.used["reference"]["chosen"] = {"count": count, "seed": REFERENCE_SEED}
        return torch.randperm(len(dataset.source), generator=rng)[:count]

    def reference_statistics(self, extractor: "Extractor", split: str = "") -> tuple[Tensor, Tensor]:
        """(mean [F], covariance [F, F]) of the features of a whole split, float64, remembered between exams."""
        found = self.reference(split)

        def compute() -> dict[str, Tensor]:
            indices = torch.arange(len(found.source))
            mean, covariance = statistics(self._of_dataset(extractor, found, indices))
            return {"mean": mean, "covariance": covariance}

        tensors = self._remembered("statistics", extractor, found, len(found.source), compute)
        return tensors["mean"], tensors["covariance"]

    def reference_features(self, extractor: "Extractor", count: int = 0, split: str = "") -> tuple[Tensor, Tensor]:
        """(features float32 [N, F], their indices in the split) of ``count`` samples of a split, 0: of all."""
        found = self.reference(split)
        indices = self.chosen(found, count) if count else torch.arange(len(found.source))
        tensors = self._remembered(
            "features",
            extractor,
            found,
            len(indices),
            lambda: {"features": self._of_dataset(extractor, found, indices)},
        )
        return tensors["features"], indices

    def _remembered(
        self, what: str, extractor: "Extractor", dataset: Dataset, count: int, compute: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        key = {
            "format": FORMAT,
            "what": what,
            "data": dataset.info.name,
            "digest": dataset.info.digest,
            "split": dataset.info.split,
            "count": count,
            "seed": REFERENCE_SEED,
            **extractor.identity,
            # The last bits of features depend on these.
            "device": self.device.type,
            **{name: metadata.version(name) for name in ("torch", "torchvision", "torch-fidelity")},
        }
        self.used["extractor"] = extractor.identity
        # The digest of streamed files is of their names and sizes: too little to recognise their content by.
        cache = None if isinstance(dataset.source, FileSource) else self.cache
        return self.once(self._real, json.dumps(key), lambda: remembered(cache, key, compute))

    def _of_dataset(self, extractor: "Extractor", dataset: Dataset, indices: Tensor) -> Tensor:
        source = dataset.source
        batches = (source.fetch(part).cpu() for part in indices.split(extractor.batch))
        what = f"features of {dataset.info.name}"
        return extractor.extract(batches, len(indices), what, self.progress, ("features",))["features"]

    # The subject's samples

    def labels(self, count: int) -> Tensor | None:
        """Classes asked of a conditional generator: as frequent as in the training data, in random order."""
        if not self.subject.classes:
            return None

        def compute() -> Tensor:
            labels = self.reference().labels
            classes = self.subject.classes
            if labels is None or int(labels.max()) >= classes:
                raise DataError(f"{self.against!r} has not the classes that {self.subject.name} was trained on.")
            return proportional(torch.bincount(labels.cpu(), minlength=classes), count)

        self.used["labels"] = "as frequent as in the reference"
        self.reference()  # written down even when the labels are there already
        return self.once(self._own, ("labels", count), compute)

    def samples(self, count: int) -> Iterator[Tensor]:
        """``count`` samples in batches on the CPU: uint8 images [n, C, H, W], or points float32 [n, D].

        Raises:
            DataError: a folder has fewer.
        """
        self._note_samples(count)
        return self.subject.samples(count, self.labels(count), self.seed)

    def _note_samples(self, count: int) -> None:
        self.used["samples"] = {"count": count, **self.subject.sampling(self.seed)}

    def features(self, extractor: "Extractor", count: int) -> dict[str, Tensor]:
        """``"features"`` [N, F] and ``"logits"`` [N, K], float32, of the subject's samples."""
        self._note_samples(count)
        self.used["extractor"] = extractor.identity
        self.labels(count)  # written down even when the features are there already
        return self.once(
            self._own,
            ("features", extractor.name, count),
            lambda: self._shared_features(extractor, count),
        )

    def _shared_features(self, extractor: "Extractor", count: int) -> dict[str, Tensor]:
        """Batch ``b`` is made by rank ``b`` modulo their number, so that its features do not depend on that number."""
        what, ranks = "features of samples", self.world.size
        if ranks == 1:
            return extractor.extract(self.samples(count), count, what, self.progress)
        sizes = [len(part) for part in torch.arange(count).split(self.subject.batch)]

        def own() -> dict[str, Tensor]:
            batches = slice(self.world.rank, None, ranks)
            samples = self.subject.samples(count, self.labels(count), self.seed, batches)
            return extractor.extract(samples, sum(sizes[batches]), what, self.progress)

        found, joined = self.world.gather(own), {}
        for layer in extractor.layers:
            parts = [iter(of_rank[layer].split(self.subject.batch)) for of_rank in found]
            joined[layer] = torch.cat([next(parts[b % ranks]) for b in range(len(sizes))])
        return joined

    def extractor(self, name: str) -> "Extractor":
        """An extractor by name, opened once.

        Raises:
            UsageError, DataMissingError, ChecksumError: as :func:`ganzoo.metrics.extractors.open_extractor`.
        """
        from ganzoo.metrics.extractors import open_extractor  # its library takes seconds to import

        return self.once(
            self._real, ("extractor", name), lambda: open_extractor(name, self.device, self.weights, self.progress)
        )


def proportional(shares: Tensor, count: int) -> Tensor:
    """``count`` class numbers, each class as often as its part of ``shares`` says, in random but fixed order."""
    exact = shares.double() * count / shares.sum()
    numbers = exact.floor().long()
    # What rounding down has left over goes to the classes that lost most.
    most = (exact - numbers).argsort(descending=True, stable=True)[: count - int(numbers.sum())]
    numbers[most] += 1
    labels = torch.arange(len(shares)).repeat_interleave(numbers)
    return labels[torch.randperm(count, generator=torch.Generator().manual_seed(REFERENCE_SEED))]


def sized(shape: tuple[int, ...]) -> str:
    """``1x28x28``."""
    return "x".join(map(str, shape))


def take(metric: Metric, exam: Exam) -> Result:
    """Measure, with everything that the number depends on.

    Raises:
        UsageError: the metric makes no sense here.
        PluginError: it gives something else than numbers.
    """
    if reason := metric.unfit(exam):
        raise UsageError(f"{metric.spec.name}: {reason}.")
    exam.used = {}
    with exact_arithmetic(exam.device):
        found = metric.measure(exam)
    try:
        values = {str(name): float(value) for name, value in found.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise PluginError(f"metric {metric.spec.name!r} gave {found!r}, which is no table of numbers.") from error
    if not values:
        raise PluginError(f"metric {metric.spec.name!r} gave no number.")
    return Result(metric.spec.name, values, {"subject": dict(exam.subject.about), **exam.used})


__all__ = ["Exam", "Metric", "Result", "take"]
