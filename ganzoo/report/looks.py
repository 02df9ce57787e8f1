"""What the trained networks of a run draw for a report: samples not chosen, neighbours, an interpolation, translations.

Everything is drawn on the CPU from the weights in the run directory. What cannot be drawn has its reason.
"""

import dataclasses
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.base import DataInfo, Dataset, MemorySource, to_uint8
from ganzoo.data.decode import FileSource
from ganzoo.data.kinds import sides_of, sound_of, view
from ganzoo.data.kinds.waves import as_wav
from ganzoo.errors import SplitMissingError, describe
from ganzoo.metrics.measures.neighbours import nearest
from ganzoo.models.interfaces import Generator, Translator
from ganzoo.models.load import load_as_trained
from ganzoo.models.variant import MOST_ROWS, Variant
from ganzoo.models.walk import walk
from ganzoo.report.pictures import drawn
from ganzoo.runs.trained import TrainedRun, open_run

SEED = 0
"""Of the latents: those of ``ganzoo sample`` without ``--seed``."""
VALUES = 2**21
"""Values of the samples that are drawn for one picture, so that large images cost no minutes."""
POINTS = 1_000
SEARCHED, READ = 2**24, 300
"""Values of the training images that neighbours are looked for in after a training, and files that are read for it."""
THOROUGH, READ_MORE = 2**28, 3_000
"""The same when a report is asked for."""
PAIRS = 6
"""Samples with their neighbours, and rows of a translation."""
WALKS = 5
HEARD, HEARD_BYTES = 20, 1_000_000
"""Sounds of a report, at most, and bytes of all of them."""
TURNED = 8
"""Samples that are shown from all sides."""


@dataclass(frozen=True)
class Translation:
    """What the translator of a role makes of images: uint8 [R, columns, C, H, W], with the names of the columns."""

    role: str
    columns: tuple[str, ...]
    images: Tensor


@dataclass
class Looks:
    """Pictures of one run, uint8 [N, C, H, W], or points [N, D].

    Attributes:
        kind: of the samples, as their data set calls it.
        rows: (name of the row, pictures): a row a class, or rows without names.
        samples, real: points, for a scatter plot; None for other kinds.
        sounds: samples as they are heard, each the content of a ``.wav`` file; with names of their classes.
        turned: samples from all sides: [sides, S, C, H, W].
        walks: rows of an interpolation: [W, T, ...]; of points [W, T, D].
        neighbours: each sample, then its nearest training images: [S, 1 + k, C, H, W].
        searched: what neighbours were looked for in, in words.
        translations: what each translator makes of images.
        missing: what cannot be shown, and why.
    """

    kind: str = "images"
    rows: list[tuple[str, Tensor]] = field(default_factory=list)
    sounds: list[tuple[str, bytes]] = field(default_factory=list)
    turned: Tensor | None = None
    samples: Tensor | None = None
    real: Tensor | None = None
    walks: Tensor | None = None
    neighbours: Tensor | None = None
    searched: str = ""
    translations: list[Translation] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass
class Material:
    """What a report of a training that has just ended need not load again.

    Attributes:
        variant: with its ``examples``.
        dataset: the training data.
    """

    variant: Variant
    dataset: Dataset


def look(run: TrainedRun, material: Material | None = None) -> Looks:
    """Draw what the networks of a run have learned. Nothing raises: what fails is in ``missing``."""
    found = Looks(run.data.kind)
    with torch.random.fork_rng(devices=[]):
        try:
            network = run.network()
        except Exception as error:  # weights that are damaged, a plugin that raises
            found.missing.append(f"samples: {describe(error)}")
            return found
        if isinstance(network, Generator):
            _try(found, "samples", lambda: _samples(found, run, network))
            _try(found, "an interpolation", lambda: _walks(found, run, network))
            _try(found, "nearest training samples", lambda: _real(found, run, network, material))
        elif isinstance(network, Translator):
            _try(found, "translations", lambda: _translations(found, run, material))
        else:
            found.missing.append(f"samples: a {type(network).__name__} draws none.")
    return found


def open_looks(path: Any, material: Material | None = None) -> Looks:
    """As :func:`look`, of a run directory that may have no weights."""
    try:
        run = open_run(path)
    except Exception as error:  # no weights yet, damaged ones, a plugin that is not installed any more
        return Looks(missing=[f"samples, neighbours, interpolation: {describe(error)}"])
    return look(run, material)


def _try(found: Looks, what: str, draw: Any) -> None:
    try:
        draw()
    except Exception as error:  # whatever a plugin, a decoder or a disk raises, the rest of the page is there
        found.missing.append(f"{what}: {describe(error)}")


def _affordable(shape: tuple[int, ...], most: int, least: int = 1) -> int:
    return max(least, min(most, VALUES // prod(shape)))


def _samples(found: Looks, run: TrainedRun, generator: Generator) -> None:
    """Draws as they come: latents of one seed, a row for each class where there are classes."""
    variant, data = run.variant, run.data
    if data.kind == "points":
        found.samples = generator.sample(POINTS, None, SEED)
        return
    names: list[str] = []
    if generator.classes:
        rows = min(generator.classes, MOST_ROWS, _affordable(data.shape, 10 * MOST_ROWS, 4) // 4)
        columns = max(4, min(12, _affordable(data.shape, 12 * rows, 4 * rows) // rows))
        known = data.classes if len(data.classes) == generator.classes else tuple(map(str, range(generator.classes)))
        names = list(known[:rows])
        labels = torch.arange(rows).repeat_interleave(columns)
        samples = generator.sample(rows * columns, labels, SEED)
        if rows < generator.classes:
            found.missing.append(f"classes after the first {rows} of {generator.classes}: one row each is shown.")
    else:
        count = _affordable(data.shape, 60, 8)
        columns, samples = min(12, count), generator.sample(count, None, SEED)
    pictures = drawn(variant, samples)
    _try(found, "sounds", lambda: _sounds(found, run.data, samples, names, columns))
    if sides_of(data) > 1:
        few = samples[:: max(1, len(samples) // TURNED)][:TURNED]
        found.turned = torch.stack([view(few, data, side) for side in range(sides_of(data))])
    if len(pictures) != len(samples):
        found.rows = [("", pictures)]
        return
    parts = pictures.split(columns)
    found.rows = list(zip(names or [""] * len(parts), parts, strict=True))


def _sounds(found: Looks, data: DataInfo, samples: Tensor, names: list[str], columns: int) -> None:
    """The first of each class in turn, or the first ones: as many as fit."""
    order = (
        torch.arange(len(samples)).unflatten(0, (-1, columns)).t().flatten() if names else torch.arange(len(samples))
    )
    heard = sound_of(samples[order[:HEARD]], data)
    if heard is None:
        return
    total = 0
    for index, sound in zip(order.tolist(), heard[0], strict=False):
        content = as_wav(sound, heard[1])
        total += len(content)
        if found.sounds and total > HEARD_BYTES:
            break
        found.sounds.append((names[index // columns] if names else f"sample {index + 1}", content))


def _walks(found: Looks, run: TrainedRun, generator: Generator) -> None:
    points = run.data.kind == "points"
    steps = 40 if points else max(4, min(12, _affordable(run.data.shape, 12 * WALKS, 4 * WALKS) // WALKS))
    samples = walk(generator, WALKS, steps, seed=SEED)
    if points:
        found.walks = samples.unflatten(0, (WALKS, steps))
        return
    pictures = drawn(run.variant, samples)
    if len(pictures) == len(samples):
        found.walks = pictures.unflatten(0, (WALKS, steps))
    else:
        found.missing.append(f"an interpolation: {run.data.kind} are drawn all together.")


def _dataset(run: TrainedRun, material: Material | None) -> Dataset:
    return material.dataset if material else load_as_trained(type(run.variant), run.config, "")


def _real(found: Looks, run: TrainedRun, generator: Generator, material: Material | None) -> None:
    """Neighbours of images; of points the training data beside the samples. Other kinds have no distance here."""
    if run.data.kind not in ("images", "points"):
        return
    dataset = _dataset(run, material)
    try:
        if dataset.info.digest != run.data.digest:
            found.missing.append("nearest training samples: the data has changed since the run was trained.")
            return
        count = len(dataset.source)
        files = isinstance(dataset.source, FileSource)
        values, read = (SEARCHED, READ) if material else (THOROUGH, READ_MORE)
        most = min(count, values // prod(run.data.shape), read if files else count)
        chosen = torch.randperm(count, generator=torch.Generator().manual_seed(SEED))[: max(1, most)]
        if run.data.kind == "points":
            found.real = dataset.source.fetch(chosen[:POINTS]).cpu()
            return
        part = dataset.source.fetch(chosen).cpu() if len(chosen) < count else None
        real = (
            dataset
            if part is None
            else Dataset(
                dataclasses.replace(dataset.info, count=len(part), second=None), {"images": MemorySource(part)}
            )
        )
        shown = min(PAIRS, _affordable(run.data.shape, PAIRS))
        own = to_uint8(generator.sample(shown, None, SEED))
        index = nearest(own, real, min(4, len(chosen))).index
        close = real.source.fetch(index.flatten()).cpu().unflatten(0, tuple(index.shape))
        found.neighbours = torch.cat([own[:, None], close], dim=1)
        found.searched = (
            f"all {count:,} training images" if len(chosen) == count
            else f"{len(chosen):,} of the {count:,} training images, drawn at random"
        )  # fmt: skip
    finally:
        if material is None:
            dataset.close()


def _translations(found: Looks, run: TrainedRun, material: Material | None) -> None:
    """Of every translator, for samples from all over the training set: input, result, and target where there is one."""
    variant = material.variant if material else _prepared(run)
    networks = {role: run.network(role) for role in run.roles}
    for role, network in networks.items():
        if isinstance(network, Translator):
            _try(found, f"translations of {role}", lambda r=role, n=network: _translation(found, variant, r, n))


def _translation(found: Looks, variant: Variant, role: str, network: Translator) -> None:
    """The rows of one translator."""
    samples, columns = variant.preview(network)
    pictures = drawn(variant, samples)
    rows = max(1, min(PAIRS, VALUES * 4 // pictures[0].numel()))
    names = variant.preview_columns or ("input", "output", "target")[:columns]
    if len(names) != columns:
        names = tuple(f"column {i + 1}" for i in range(columns))
    found.translations.append(Translation(role, names, pictures.unflatten(0, (-1, columns))[:rows]))


def _prepared(run: TrainedRun) -> Variant:
    """The variant of a run, with its data, as it was when it was trained."""
    variant = run.variant
    dataset = load_as_trained(type(variant), run.config, "")

    def other(name: str, split: str) -> Dataset | None:
        try:
            return load_as_trained(type(variant), run.config, name, split)
        except SplitMissingError:
            return None

    variant.prepare(dataset, other)
    variant.examples = dataset.examples(8)
    dataset.close()
    return variant
