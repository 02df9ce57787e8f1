"""What a metric is given: one target, one data set to compare it with, and a memory of what was computed."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from ganzoo.data.base import Dataset, to_uint8
from ganzoo.data.decode import FileSource
from ganzoo.data.progress import Progress, silent
from ganzoo.errors import DataError, SplitMissingError, UsageError
from ganzoo.metrics.cache import remembered, statistics
from ganzoo.metrics.requests import MetricRequest
from ganzoo.metrics.targets import EvaluationTarget, sized
from ganzoo.registry.specs import SECOND
from ganzoo.runtime.processes import SINGLE_PROCESS, World

if TYPE_CHECKING:
    from ganzoo.metrics.extractors import Extractor


FORMAT = 1
"""Of what is remembered: raised when features of the same images come out differently."""
REFERENCE_SEED = 0
"""Picks the real samples where a protocol takes fewer than the split has."""
T = TypeVar("T")


@dataclass
class EvaluationContext:
    """One target against one data set. What several metrics need is computed once.

    Attributes:
        target: what is measured.
        against: name of the data set as typed.
        load: a split of it, brought to the target's size; an empty name is the split that is trained on.
        device: where networks run.
        trained: name of the data set that the target was trained on; empty when it is not known.
        seed: of the latents.
        weights: a file of Inception's or VGG's weights instead of the one in torch's cache.
        cache: folder of what was computed of real data before; None: nothing is remembered.
        used: what the metric at work has used, for its result.
        load_other: a split of another data set, by name.
        world: the processes that share the work of :meth:`features`, each of which must ask for the same.
    """

    target: EvaluationTarget
    against: str
    load: Callable[[str], Dataset]
    device: torch.device
    trained: str = ""
    seed: int = 0
    weights: Path | None = None
    cache: Path | None = None
    progress: Progress = silent
    used: dict[str, Any] = field(default_factory=dict)
    world: World = SINGLE_PROCESS
    load_other: Callable[[str, str], Dataset] | None = None
    _real: dict[Any, Any] = field(default_factory=dict)
    _own: dict[Any, Any] = field(default_factory=dict)

    def of(self, request: MetricRequest) -> "EvaluationContext":
        """The context for one request: another role, another data set, or this one.

        Raises:
            UsageError: no such role, or no other data set can be loaded here.
        """
        if not request.role and request.reference in ("", self.against):
            return self
        found = self
        if request.reference not in ("", self.against):
            if (load := self.load_other) is None:
                raise UsageError(f"{request}: nothing can be measured against another data set here.")
            name = request.reference
            found = self.once(
                self._real,
                ("against", name),
                lambda: dataclasses.replace(
                    self, against=name, load=lambda split: load(name, split), used={}, _real={}, _own={}
                ),
            )
        target = self.target.at(request.role) if request.role else self.target
        own: dict[Any, Any] = self.once(self._own, ("of", request.role, request.reference), dict)
        return dataclasses.replace(found, target=target, seed=self.seed, world=self.world, used={}, _own=own)

    def shared(self, key: Any, compute: Callable[[], T]) -> T:
        """What several metrics need of the target, computed by the first of them."""
        return self.once(self._own, ("shared", key), compute)

    def of_reference(self, key: Any, compute: Callable[[], T]) -> T:
        """What follows from the real samples alone, computed by the first metric that needs it."""
        return self.once(self._real, ("of reference", key), compute)

    def renewed(self, target: EvaluationTarget, seed: int) -> "EvaluationContext":
        """The same context for another target; what is known of real samples is kept."""
        return dataclasses.replace(self, target=target, seed=seed, used={}, _own={})

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
            DataError: missing, damaged, or of another size than the target's samples.
        """
        found = self.once(self._real, ("reference", split), lambda: self.load(split))
        if found.info.shape != self.target.shape:
            raise DataError(
                f"{self.target.name} has samples of {sized(self.target.shape)} and {found.info.name!r} of "
                f"{sized(found.info.shape)}: they cannot be compared. Nothing is rescaled for a metric."
            )
        info = found.info
        self.used.setdefault("reference", {"data": info.name, "digest": info.digest, "splits": {}})
        self.used["reference"]["splits"][info.split] = info.count
        return found

    def labelled_reference(self, metric: str) -> Dataset:
        """The split that was trained on, which must have classes.

        Raises:
            DataError: it has none; or as :meth:`reference`.
        """
        found = self.reference()
        if found.labels is None:
            raise DataError(f"{self.against!r} has no labels, and {metric} needs classes.")
        return found

    def held_out(self) -> Dataset:
        """The test split, or where there is none the one that was trained on; its use is written down.

        Raises:
            DataError: missing or damaged.
        """
        try:
            found = self.load("test")
        except SplitMissingError:  # any other error of the data is one
            found = self.load("")
        info = found.info
        self.used["reference"] = {"data": info.name, "digest": info.digest, "splits": {info.split: info.count}}
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

    def field_features(self, extractor: "Extractor", dataset: Dataset, field: str) -> Tensor:
        """Features float32 [N, F] of all images of a field of a split, such as ``"target"``; remembered like others."""
        holder = dataset
        if field.startswith(SECOND) and dataset.second is not None:
            holder, field = dataset.second, field.removeprefix(SECOND)
        count = len(holder.source)

        def compute() -> dict[str, Tensor]:
            batches = (as_uint8(holder.fetch(field, part)) for part in torch.arange(count).split(extractor.batch))
            what = f"features of {field} of {holder.info.name}"
            return extractor.extract(batches, count, what, self.progress, ("features",))

        return self._remembered(f"features-{field}", extractor, holder, count, compute)["features"]

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

    # The target's samples

    def conditions(self, count: int) -> Tensor | None:
        """What a conditional generator is given: conditions as in the training data, in random order.

        Classes are as frequent as there; other conditions are rows of the data set's field, or drawn where the
        generator draws them.
        """
        if self.target.classes:
            return self.labels(count)
        generator = self.target.generator
        if generator is None or generator.condition.is_none:
            return None

        def compute() -> Tensor | None:
            rng = torch.Generator().manual_seed(REFERENCE_SEED)
            if not generator.condition.field:
                return generator.condition.draw(count, rng)
            found = self.reference()
            return found.fetch(generator.condition.field, torch.randint(len(found.source), (count,), generator=rng))

        self.used["conditions"] = f"rows of {generator.condition.field!r}" if generator.condition.field else "drawn"
        return self.once(self._own, ("conditions", count), compute)

    def labels(self, count: int) -> Tensor | None:
        """Classes asked of a generator that takes some: as frequent as in the training data, in random order."""
        if not self.target.classes:
            return None

        def compute() -> Tensor:
            labels = self.reference().labels
            classes = self.target.classes
            if labels is None or int(labels.max()) >= classes:
                raise DataError(f"{self.against!r} has not the classes that {self.target.name} was trained on.")
            return proportional(torch.bincount(labels.cpu(), minlength=classes), count)

        self.used["labels"] = "as frequent as in the reference"
        self.reference()  # written down even when the labels are there already
        return self.once(self._own, ("labels", count), compute)

    def samples(self, count: int) -> Iterator[Tensor]:
        """``count`` samples in batches on the CPU: uint8 images [n, C, H, W], or float32 samples of another kind.

        Raises:
            DataError: a folder has fewer.
        """
        self._note_samples(count)
        return self.target.samples(count, self.conditions(count), self.seed)

    def _note_samples(self, count: int) -> None:
        self.used["samples"] = {"count": count, **self.target.sampling(self.seed)}

    def features(self, extractor: "Extractor", count: int) -> dict[str, Tensor]:
        """``"features"`` [N, F] and ``"logits"`` [N, K], float32, of the target's samples."""
        self._note_samples(count)
        self.used["extractor"] = extractor.identity
        self.conditions(count)  # written down even when the features are there already
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
        sizes = [len(part) for part in torch.arange(count).split(self.target.batch)]

        def own() -> dict[str, Tensor]:
            batches = slice(self.world.rank, None, ranks)
            samples = self.target.samples(count, self.conditions(count), self.seed, batches)
            return extractor.extract(samples, sum(sizes[batches]), what, self.progress)

        found, joined = self.world.gather(own), {}
        for layer in extractor.layers:
            parts = [iter(of_rank[layer].split(self.target.batch)) for of_rank in found]
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


def as_uint8(images: Tensor) -> Tensor:
    """Images as they are stored, or in [-1, 1], as uint8 on the CPU."""
    return images.cpu() if images.dtype == torch.uint8 else to_uint8(images).cpu()
