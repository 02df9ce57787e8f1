"""All parts of the contract, one after the other."""

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.data.needs import embedded_set
from ganzoo.models.load import load_variant
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import SECOND
from ganzoo.testing.common import STEPS, Say, Tiny, own_errors, require
from ganzoo.testing.exports import check_export
from ganzoo.testing.trainings import check_averages, check_looks, check_repeats
from ganzoo.testing.updates import check_updates


def check_variant(
    name: str,
    dataset: str | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    say: Say = lambda text: None,
) -> None:
    """Hold a registered variant to the contract, on tiny trainings on the CPU.

    Every stage is long enough for each of its updates to be taken twice. Checked:

    - its spec, and that what it raises itself is told with its place;
    - every loss is a finite 0-d tensor, leaves the batch as it is, and computes where the training runs, which is told
      without a GPU;
    - every update moves parameters of its player and of no one else, in every iteration. Buffers of another player's
      network change in its forward pass only: running statistics, and the vectors of spectral normalisation, do so in
      every network that is in training mode. Whole numbers are free: they are levels and counters of a schedule;
    - every trained parameter moves at some time, and none is hidden from the optimizers;
    - generator and discriminator pull the logits of generated samples in opposite directions;
    - logits have the declared form and depend on the declared condition; a discriminator that calls samples
      independent lets none influence another;
    - the same seed gives the same weights and the same history; a run that is killed at, before or after any stage
      boundary and resumed equals an unbroken one bit for bit;
    - the exported weights are the averages, where there are some, and averages follow the training;
    - pictures can be drawn; every exported network is read back and does what its kind says: range, condition, scale,
      reach.

    Args:
        name: the variant.
        dataset: what to train on; default: an embedded set that fits.
        settings, texts: settings that make the variant small, as values or as text; they come after its ``tiny``.
        say: told about every check that passed.

    Raises:
        PluginError: the first part of the contract that is not met.
        ConfigError: settings that do not fit the variant.
    """
    spec = registry().variants.spec(name)
    variant_class = load_variant(name)
    dataset = dataset or embedded_set(spec)
    fixed: dict[str, Any] = {
        "batch_size": 8, "seed": 1, "log_every": 2, "steps": STEPS, "metrics": "", "device": "cpu",
        "report": False,
    }  # fmt: skip
    if any(field.startswith(SECOND) for field in spec.needs) and not dataset.startswith("unpaired"):
        fixed["second"] = dataset
    asked = {**(settings or {}), **(texts or {})}
    chosen = {**fixed, **variant_class.tiny, **(settings or {})}
    tiny = Tiny(name, dataset, chosen, texts or {}, own_steps="steps" in asked)
    require(bool(spec.summary) and not spec.summary.endswith("."), "its summary is one line without a full stop")
    require(bool(variant_class.__doc__), "its class has a docstring")
    say("spec and class load")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        tiny = tiny.lengthened(Path(folder) / "unused")
        check_updates(tiny, Path(folder) / "unused")
        say("every update moves its own player, all of it, and no other")
        run = check_repeats(tiny, Path(folder), say)
        check_averages(run)
        check_looks(run)
        say("pictures can be drawn")
        for role in run.variant.exports():
            with own_errors(f"the network of role {role!r}"):
                check_export(run, role)
        say(f"exports load and do what they say: {', '.join(run.roles)}")
