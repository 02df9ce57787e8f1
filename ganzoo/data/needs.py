"""Whether a data set has what a variant needs, by the names of fields."""

from ganzoo.data.base import Dataset
from ganzoo.data.specs.drawn import EMBEDDED
from ganzoo.errors import DataError, UsageError
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import SECOND, DatasetSpec, VariantSpec


def unmet(variant: VariantSpec, dataset: DatasetSpec, second: DatasetSpec | None = None) -> str:
    """Why a variant cannot learn from a data set, as far as their specs tell; empty when it can."""
    if dataset.samples not in variant.models:
        return f"it models {' and '.join(variant.models)}, and data set {dataset.name!r} has {dataset.samples}"
    if second and second.samples not in variant.models:
        return f"it models {' and '.join(variant.models)}, and data set {second.name!r} has {second.samples}"
    pairs_up = any(name.startswith(SECOND) for name in variant.needs)
    if not pairs_up and any(name.startswith(SECOND) for name in dataset.provides):
        return f"it learns from one set, and data set {dataset.name!r} holds two"
    there = {*dataset.fields, *dataset.may_provide}
    if "target" in there:
        there.add(f"{SECOND}images")  # pairs are taken apart
    if second:
        there |= {f"{SECOND}{name}" for name in (*second.fields, *second.may_provide)}
    lacking = [name for name in variant.needs if name not in there]
    if not lacking:
        return ""
    if lacking[0].startswith(SECOND) and not second:
        return "it needs a second, unpaired data set: add --second NAME, or use unpaired:PATH, or pairs"
    images = lacking[0] == "target" and dataset.samples == "images"
    made = " (-o degrade=grey, and its like, makes some)" if images else ""
    return f"it needs {said(lacking[0])}, and data set {dataset.name!r} has none{made}"


def said(field: str) -> str:
    """A field in words."""
    words = {"labels": "class labels", "target": "pairs (a field 'target')"}
    return words.get(field, f"a field {field!r}")


def check_needs(variant: VariantSpec, dataset: DatasetSpec, second: DatasetSpec | None = None) -> None:
    """What can be told before any data is read.

    Raises:
        UsageError: the data set lacks something, or a second one is given for nothing.
    """
    if reason := unmet(variant, dataset, second):
        raise UsageError(f"variant {variant.name!r}: {reason}{others(variant, dataset)}.")
    if second and not any(name.startswith(SECOND) for name in variant.needs):
        raise UsageError(f"second = {second.name!r}: variant {variant.name!r} learns from one data set.")
    if second and any(name.startswith(SECOND) for name in dataset.provides):
        raise UsageError(f"second = {second.name!r}: data set {dataset.name!r} holds two sets already.")


def others(variant: VariantSpec, dataset: DatasetSpec) -> str:
    """The data sets that would do, for a message; empty when a second one is what is missing."""
    if any(name.startswith(SECOND) for name in variant.needs):
        return ""
    sets = registry().datasets
    names = [n for n in sets if not sets.conflict(n) and not unmet(variant, sets.spec(n))]
    return f"; these have it: {', '.join(names)}" if names else ""


def check_fields(variant: VariantSpec, dataset: Dataset) -> None:
    """What only the data can tell.

    Raises:
        DataError: a field that the variant needs is not there.
    """
    for name in variant.needs:
        if name not in dataset.info.fields:
            advice = {
                "labels": ": put the images of each class in its own subfolder, or use --labels-from",
                "text": ": put a file captions.csv into it, with the columns file and caption",
            }.get(name, "")
            raise DataError(f"variant {variant.name!r} needs {said(name)} and {dataset.info.name!r} has none{advice}.")


def embedded_set(variant: VariantSpec, alone: bool = False) -> str:
    """A data set that needs no download and suits the variant: glyphs or ring, else one of its own plugin, else any.

    Args:
        alone: no second set stands beside it, where the variant needs one: it must be pairs.

    Raises:
        UsageError: there is none.
    """
    sets = registry().datasets
    provider = registry().variants.provider(variant.name)
    free = [n for n in sets if not sets.conflict(n) and is_embedded(sets.spec(n))]
    own = [n for n in free if sets.provider(n) == provider]
    for name in dict.fromkeys(["glyphs", "ring", *own, *free]):
        spec = sets.spec(name)
        second = spec if not alone and any(field.startswith(SECOND) for field in variant.needs) else None
        if not unmet(variant, spec, second):
            return name
    raise UsageError(f"no embedded data set suits variant {variant.name!r}: name one with --dataset.")


def usual_dataset(variant: str) -> str:
    """The data set that a variant is trained on when none is named: an embedded one that suits it.

    Where none does it is glyphs, and :func:`check_needs` says what it lacks.
    """
    try:
        return embedded_set(registry().variants.spec(variant), alone=True)
    except UsageError:
        return EMBEDDED


def is_embedded(spec: DatasetSpec) -> bool:
    """Whether it is made on the spot: no files, no packages, no argument."""
    return spec.argument == "none" and spec.download == "none" and not spec.files and not spec.packages
