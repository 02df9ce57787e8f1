"""The modules that a variant consists of, copied into a package of their own."""

import ast
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import UsageError


@dataclass(frozen=True)
class Module:
    """One module of the copy.

    Attributes:
        origin: dotted name of the original.
        name: in the new package, without its ending.
        text: its source, as it is.
    """

    origin: str
    name: str
    text: str

    @property
    def about(self) -> str:
        """The first line of its docstring."""
        said = ast.get_docstring(ast.parse(self.text)) or self.name
        return said.splitlines()[0].rstrip(".:")


def imported(text: str, package: str) -> list[tuple[ast.ImportFrom, str]]:
    """The ``from PACKAGE...`` imports of a source, with the dotted names of their modules.

    Raises:
        UsageError: an import in another form, which cannot be rewritten.
    """
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        relative = isinstance(node, ast.ImportFrom) and node.level > 0
        if not relative and package not in (name.split(".")[0] for name in names):
            continue
        if relative or not isinstance(node, ast.ImportFrom) or names[0] == package:
            raise UsageError(f"'{ast.unparse(node)}' cannot be rewritten: not 'from {package}.MODULE import NAME'.")
        found.append((node, names[0]))
    return found


def closure(start: str) -> list[Module]:
    """A module and all modules of its package that it needs, itself first, as ``variant``.

    Raises:
        UsageError: a module without a source file, or an import that cannot be rewritten.
    """
    package = start.split(".")[0]
    names, found, waiting = {start: "variant"}, [], [start]
    while waiting:
        origin = waiting.pop(0)
        spec = importlib.util.find_spec(origin)
        if spec is None or not spec.origin or not spec.origin.endswith(".py") or spec.submodule_search_locations:
            raise UsageError(f"{origin} is not a module with a source file of its own, and cannot be copied.")
        text = Path(spec.origin).read_text(encoding="utf-8")
        found.append(Module(origin, names[origin], text))
        for _, other in imported(text, package):
            if other not in names:
                names[other] = free_name(other, set(names.values()))
                waiting.append(other)
    return found


def free_name(origin: str, taken: set[str]) -> str:
    """A short name for a module: its last part, with the parts before it where that is taken."""
    parts = ["shared", *origin.split(".")[1:]]
    names = ["_".join(parts[-count:]) for count in range(1, len(parts) + 1)]
    return next(name for name in names if name not in taken)


def rewritten(module: Module, modules: list[Module], package: str) -> str:
    """The source with the imports of the new package, and a line that says where it is from."""
    names = {each.origin: each.name for each in modules}
    lines = module.text.splitlines(keepends=True)
    for node, origin in imported(module.text, module.origin.split(".")[0]):
        row = node.lineno - 1
        lines[row] = lines[row].replace(f"from {origin} import", f"from {package}.{names[origin]} import", 1)
    return f"# A copy of {module.origin}; change it as you like.\n{''.join(lines)}"
