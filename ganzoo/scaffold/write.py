"""A distribution with one variant: its own networks, or a copy of a variant that exists."""

import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ganzoo.data.needs import embedded_set
from ganzoo.data.specs.drawn import EMBEDDED
from ganzoo.errors import RunError, UsageError
from ganzoo.registry.checks import NAME
from ganzoo.registry.registry import registry
from ganzoo.registry.specs import VariantSpec
from ganzoo.scaffold.copied import Module, closure, rewritten

PREFIX = "ganzoo-"


@dataclass(frozen=True)
class New:
    """What was written.

    Attributes:
        folder: where.
        name: of the variant.
        train_words: what follows ``ganzoo train NAME`` for a first training.
    """

    folder: Path
    name: str
    train_words: str


def write_plugin(name: str, like: str = "", out: Path | None = None) -> New:
    """Write a distribution that offers one variant, whole or not at all.

    Args:
        name: of the variant.
        like: a registered variant to begin with; empty: two small networks.
        out: the folder; default ``ganzoo-NAME`` in the current one.

    Raises:
        UsageError: a name that no variant can have or that is taken, a folder that exists, or code that cannot be
            copied.
        UnknownNameError: no variant is called ``like``.
        RunError: the folder cannot be written.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is not a name: use lower case letters and digits, words joined by '-'.")
    if name in registry().variants:
        raise UsageError(f"variant {name!r} exists, from {registry().variants.provider(name)}: choose another name.")
    distribution = name if name.startswith(PREFIX) else PREFIX + name
    folder = out or Path(distribution)
    if folder.exists():
        raise UsageError(f"{folder} exists: name another folder with --out, or remove it.")
    package = distribution.replace("-", "_")
    attribute = class_name(name.removeprefix(PREFIX))
    spec = VariantSpec(name=name, load="a:b", summary="what it is, in a line", paper="arXiv:...")
    modules: list[Module] = []
    if like:
        spec = registry().variants.spec(like)
        modules = closure(spec.load.partition(":")[0])
        attribute = spec.load.partition(":")[2]
    said: dict[str, Any] = {
        "name": name, "distribution": distribution, "package": package, "attribute": attribute, "like": like,
        "origin": registry().variants.provider(like) if like else "", "version": metadata.version("ganzoo"),
        "family": spec.family,
        "needs": repr(spec.needs).replace("'", '"'), "models": repr(spec.models).replace("'", '"'), "paper": spec.paper,
        "summary": f"like {like}: {spec.summary}".replace('"', "'") if like else spec.summary,
        "train_words": f"{dataset_words(spec) if like else ''} --steps 500",
        "modules": [(f"{each.name}.py", each.about) for each in modules[1:]]
        or [("networks.py", "the generator and the discriminator")],
    }  # fmt: skip
    files = {
        "pyproject.toml": "pyproject.toml", "README.md": "README.md", f"tests/test_{package}.py": "test.py",
        f"src/{package}/__init__.py": "init.py", f"src/{package}/card.md": "card.md",
    }  # fmt: skip
    if not like:
        files |= {f"src/{package}/networks.py": "networks.py", f"src/{package}/variant.py": "variant.py"}
    templates = Environment(
        loader=PackageLoader("ganzoo.scaffold"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,  # it writes no HTML
    )  # fmt: skip
    texts = {path: templates.get_template(f"{template}.jinja").render(said) for path, template in files.items()}
    texts |= {f"src/{package}/{each.name}.py": rewritten(each, modules, package) for each in modules}
    write_files(folder, texts)
    return New(folder, name, said["train_words"])


def dataset_words(spec: VariantSpec) -> str:
    """What names a data set that needs no file and suits a variant; empty where the usual one does."""
    try:
        found = embedded_set(spec)
    except UsageError:  # none suits: the author's own data will
        return ""
    return "" if found == EMBEDDED else f" --dataset {found}"


def write_files(folder: Path, texts: dict[str, str]) -> None:
    """Texts by path below a new folder; what was written is removed where one of them cannot be."""
    try:
        for path, text in texts.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RunError(f"{folder} cannot be written: {error.strerror or error}.") from error


def class_name(name: str) -> str:
    """``my-new-gan`` as the name of a class: ``MyNewGAN``."""
    words = ["GAN" if word == "gan" else word.capitalize() for word in name.split("-")]
    found = "".join(words)
    found = found[:-3] + "GAN" if found.endswith("gan") else found
    return f"GAN{found}" if found[0].isdigit() else found
