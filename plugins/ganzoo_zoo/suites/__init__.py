"""The benchmark suites that come with ganzoo: a TOML file each (its form: ganzoo.bench.suite)."""

from collections.abc import Iterable
from pathlib import Path

from ganzoo.plugin import SuiteSpec, hookimpl

HERE = Path(__file__).parent
SUMMARIES = {
    "smoke": "every variant that can run on embedded digits, as short as it makes sense: does all of it work?",
    "toys": "lost modes, counted on a ring and on a grid, three seeds",
    "mnist": "five variants on MNIST, three seeds, in what a CPU can train",
    "fashion": "the same on Fashion-MNIST",
    "cifar10": "ten minutes each on CIFAR-10, three seeds",
    "ssl": "semi-supervised MNIST with 20, 50, 100 and 200 labels, three seeds",
    "sr": "super-resolution on folders of photographs",
    "race": "quality per minute: every variant that draws images, on MNIST, after 1, 3 and 10 minutes",
    "race-fashion": "the same of five of them on Fashion-MNIST, after 3 and 10 minutes",
    "race-cifar10": "the same on CIFAR-10",
    "stacked": "modes of Stacked MNIST that r3gan, dcgan and vanilla find, of 1,000",
    "anomalies": "one-class MNIST: f-anogan trained on each digit",
    "kinds": "beyond pixels: texts, colours, shapes, sounds and notes, ten minutes each",
    "translation": "pictures into pictures: pix2pix and its ablations, CycleGAN, on emoji and on the earth",
}
(
    SMOKE,
    TOYS,
    MNIST,
    FASHION,
    CIFAR10,
    SSL,
    SR,
    RACE,
    RACE_FASHION,
    RACE_CIFAR10,
    STACKED,
    ANOMALIES,
    KINDS,
    TRANSLATION,
) = (HERE / f"{name}.toml" for name in SUMMARIES)


@hookimpl
def ganzoo_suites() -> Iterable[SuiteSpec]:
    return [
        SuiteSpec(name=name, load=f"ganzoo_zoo.suites:{name.upper().replace('-', '_')}", summary=summary)
        for name, summary in SUMMARIES.items()
    ]
