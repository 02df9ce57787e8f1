"""What is asked of a plugin before anything of it is taken in: its hooks, its specs, and what it imports."""

import inspect
import re
import sys
import typing
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Literal

from ganzoo.errors import PluginError
from ganzoo.registry import hookspecs
from ganzoo.registry.specs import Spec

HEAVY_MODULES = ("torch", "torchvision", "tensorflow", "jax", "scipy", "pandas", "matplotlib")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_marks(module: Any) -> None:
    """Raise PluginError for functions that look like hooks and are none: pluggy would pass over them in silence."""
    known = sorted(n for n in vars(hookspecs) if n.startswith("ganzoo_"))
    found = {n: f for n, f in vars(module).items() if n.startswith("ganzoo_") and inspect.isfunction(f)}
    if unknown := [n for n in found if n not in known]:
        raise PluginError(f"no such hook: {', '.join(unknown)}. Known: {', '.join(known)}")
    marks = {n: getattr(f, f"{hookspecs.GROUP}_impl", None) for n, f in found.items()}
    if unmarked := [n for n, mark in marks.items() if mark is None]:
        raise PluginError(f"{', '.join(unmarked)}: not marked with @ganzoo.hookimpl")
    if wrappers := [n for n, mark in marks.items() if mark and (mark["wrapper"] or mark["hookwrapper"])]:
        raise PluginError(f"{', '.join(wrappers)}: wrappers of hooks are not called; return what the hook asks for")


def check_spec(spec: Spec) -> None:
    """Raise PluginError for a spec that no one could type, list or load."""
    for key in ("name", "load", "summary", "paper"):
        value = getattr(spec, key)
        if not isinstance(value, str) or "\n" in value:
            raise PluginError(f"{key} = {value!r} of {spec.kind} {spec.name!r}: must be one line of text")
    if not NAME.fullmatch(spec.name):
        raise PluginError(f"{spec.kind} name {spec.name!r}: use lower case letters and digits, words joined by '-'")
    module, _, attribute = spec.load.partition(":")
    if not all(part.isidentifier() for part in f"{module}.{attribute}".split(".")):
        raise PluginError(f"load = {spec.load!r} of {spec.kind} {spec.name!r}: write it as 'package.module:attribute'")
    for key, hint in typing.get_type_hints(type(spec)).items():
        value, kinds = getattr(spec, key, None), typing.get_args(hint)
        if typing.get_origin(hint) is tuple and not isinstance(value, tuple):
            raise PluginError(f"{key} = {value!r} of {spec.kind} {spec.name!r}: must be a tuple")
        if typing.get_origin(hint) is Literal and value not in kinds:
            raise PluginError(f"{key} = {value!r} of {spec.kind} {spec.name!r}: must be one of {', '.join(kinds)}")


def heavy_imports(before: set[str]) -> list[str]:
    """Heavy packages that the modules imported since ``before`` brought in, or use although others had brought them."""
    new = sys.modules.keys() - before
    heavy = set(HEAVY_MODULES) & new
    if heavy or not set(HEAVY_MODULES) & before:
        return sorted(heavy)
    for name in new:
        for value in list(getattr(sys.modules.get(name), "__dict__", {}).values()):
            if isinstance(value, ModuleType | type | FunctionType | BuiltinFunctionType):
                origin = value.__name__ if isinstance(value, ModuleType) else value.__module__
                heavy.update({str(origin).partition(".")[0]} & set(HEAVY_MODULES))
    return sorted(heavy)
