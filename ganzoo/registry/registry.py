"""Finds plugins through the entry-point group ``ganzoo``, keeps broken ones apart, and loads lazily.

A plugin that fails to import, or whose hook raises, is remembered with its reason and breaks nothing else. A name that
two plugins offer stays listed, and raises when it is requested. No torch is imported here.
"""

import importlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pluggy

from ganzoo.errors import DuplicateNameError, PluginError, UnknownNameError, describe
from ganzoo.registry import hookspecs
from ganzoo.registry.checks import check_marks, check_spec, heavy_imports
from ganzoo.registry.specs import (
    DatasetSpec,
    ExtractorSpec,
    LoggerSpec,
    LossSpec,
    MetricSpec,
    Spec,
    SuiteSpec,
    VariantSpec,
    WeightsSpec,
)

if TYPE_CHECKING:
    import click

OWN_DISTRIBUTION = "ganzoo"
SLOW_SECONDS = 0.25
SESSION = "this session"  # provider of what register() has taken in

S = TypeVar("S", bound=Spec)


class PluginWarning(UserWarning):
    """A plugin misbehaved in a way that does not stop the work."""


@dataclass
class Plugin:
    """The health of one entry point.

    ``status`` is ``"ok"``, ``"slow"`` (imported something heavy at its top, or took long) or ``"broken"``;
    ``reason`` says why it is not ``"ok"``.
    """

    name: str
    module: str
    distribution: str
    version: str
    status: str = "ok"
    reason: str = ""
    seconds: float = 0.0
    provides: dict[str, list[str]] = field(default_factory=dict)


class Catalogue(Generic[S]):
    """The registered specs of one kind, by name."""

    def __init__(self, kind: str, spec_type: type[S]) -> None:
        self.kind = kind
        self.plural = plural(kind)
        self.spec_type = spec_type
        self._offers: dict[str, list[tuple[S, Plugin]]] = {}
        self.broken: list[Plugin] = []  # plugins that may have brought what is missing here

    def add(self, spec: S, plugin: Plugin, instead: bool = False) -> None:
        """Take in a spec; ``instead``: in the place of what has its name."""
        self._offers[spec.name] = [*([] if instead else self._offers.get(spec.name, [])), (spec, plugin)]

    def __contains__(self, name: object) -> bool:
        return name in self._offers

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._offers)

    def names(self, pattern: str | None = None) -> list[str]:
        """All names in order, or those that match a shell pattern such as ``"*gan"``."""
        return sorted(n for n in self._offers if pattern is None or fnmatchcase(n, pattern))

    def spec(self, name: str) -> S:
        """The spec of that name.

        Raises:
            UnknownNameError: no plugin offers it.
            DuplicateNameError: more than one plugin offers it.
        """
        return self._offer(name)[0]

    def plugin(self, name: str) -> Plugin:
        """The plugin that provides it."""
        return self._offer(name)[1]

    def provider(self, name: str) -> str:
        """The distributions that offer it, joined by " and " (more than one only for a duplicate)."""
        return " and ".join(sorted({p.distribution for _, p in self._offers[name]}))

    def conflict(self, name: str) -> str:
        """Why the name cannot be used, or an empty string."""
        offers = self._offers.get(name, [])
        if len(offers) < 2:
            return ""
        who = " and ".join(f"{p.distribution} {p.version} (plugin {p.name!r})" for _, p in offers)
        others = sorted({p.distribution for _, p in offers} - {OWN_DISTRIBUTION})
        advice = "one of them" if len(others) == len(offers) else " and ".join(others)
        return f"{self.kind} {name!r} is offered by {who}: uninstall {advice}"

    def _offer(self, name: str) -> tuple[S, Plugin]:
        if name not in self._offers:
            raise UnknownNameError(
                self.kind, name, self._offers, f"'ganzoo list {self.plural}' shows all.{self._hint()}"
            )
        if reason := self.conflict(name):
            raise DuplicateNameError(reason + ".")
        return self._offers[name][0]

    def _hint(self) -> str:
        """Which broken plugins might have brought an unknown name."""
        if not self.broken:
            return ""
        who = ", ".join(f"{p.name!r} of {p.distribution}" for p in self.broken)
        return f" Broken plugins may have brought it: {who}; 'ganzoo plugins' says why they are broken."

    def load(self, name: str) -> Any:
        """Import and return the object behind the spec.

        Raises:
            PluginError: the import fails, or the module lacks the attribute.
        """
        spec, plugin = self._offer(name)
        module, _, attribute = spec.load.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except (Exception, SystemExit) as error:  # a plugin's import may raise anything; the user must learn whose
            raise PluginError(
                f"{self.kind} {name!r} of {plugin.distribution} {plugin.version} cannot be loaded from "
                f"{spec.load!r}: {describe(error)}"
            ) from error
        return found


class Registry:
    """All that plugins offer.

    Args:
        third_party: also look at plugins outside ganzoo's own distribution.
        entry_points: for tests: (name, module, distribution, version, load) instead of the installed ones.
    """

    def __init__(
        self, third_party: bool = True, entry_points: "list[tuple[Plugin, Callable[[], Any]]] | None" = None
    ) -> None:
        self.variants = Catalogue("variant", VariantSpec)
        self.datasets = Catalogue("dataset", DatasetSpec)
        self.losses = Catalogue("loss", LossSpec)
        self.metrics = Catalogue("metric", MetricSpec)
        self.suites = Catalogue("suite", SuiteSpec)
        self.extractors = Catalogue("extractor", ExtractorSpec)
        self.loggers = Catalogue("logger", LoggerSpec)
        self.weights = Catalogue("weights", WeightsSpec)
        self.plugins: list[Plugin] = []
        self._manager = pluggy.PluginManager(hookspecs.GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._by_module: dict[int, Plugin] = {}
        self._may_fail: set[int] = set()
        for plugin, load in installed() if entry_points is None else entry_points:
            if third_party or plugin.distribution == OWN_DISTRIBUTION:
                self._add(plugin, load)

    @property
    def _all(self) -> "tuple[Catalogue[Any], ...]":
        return (
            self.variants, self.datasets, self.losses, self.metrics, self.extractors, self.loggers, self.suites,
            self.weights,
        )  # fmt: skip

    def catalogues(self) -> dict[str, Catalogue[Any]]:
        """The kinds by the plural that ``ganzoo list`` takes."""
        return {c.plural: c for c in self._all}

    def _add(self, plugin: Plugin, load: Callable[[], Any]) -> None:
        self.plugins.append(plugin)
        before = set(sys.modules)
        start = time.perf_counter()
        try:
            with redirect_stdout(sys.stderr):  # a plugin that prints must not get between a program and its JSON
                module = load()
                self._register(module, plugin)
        except (Exception, SystemExit) as error:  # whatever a plugin raises, the others go on
            plugin.status, plugin.reason = "broken", describe(error)
            for catalogue in self._all:
                catalogue.broken.append(plugin)
            return
        plugin.seconds = time.perf_counter() - start
        if heavy := heavy_imports(before):
            plugin.status, plugin.reason = "slow", f"imports {', '.join(heavy)} at its top ({plugin.seconds:.2f} s)"
        elif plugin.seconds > SLOW_SECONDS:
            plugin.status, plugin.reason = "slow", f"takes {plugin.seconds:.2f} s to import"

    def _register(self, module: Any, plugin: Plugin) -> None:
        """Take in a plugin whole or not at all: one that raises anywhere leaves nothing behind."""
        check_marks(module)
        name = f"{plugin.distribution}:{plugin.name}"
        if self._manager.is_registered(module):
            raise PluginError(f"{plugin.module} is registered already, by plugin {self._by_module[id(module)].name!r}")
        try:
            self._manager.register(module, name=name)
            self._manager.check_pending()
            offered = self._offered(module)
        except BaseException:
            # pluggy keeps what it had taken in before it found the fault.
            if self._manager.is_registered(module):
                self._manager.unregister(module)
            raise
        self._by_module[id(module)] = plugin
        for catalogue, spec in offered:
            catalogue.add(spec, plugin)
            plugin.provides.setdefault(catalogue.kind, []).append(spec.name)

    def _offered(self, module: Any) -> "list[tuple[Catalogue[Any], Spec]]":
        """What a registered module's hooks return, each spec checked."""
        if not self._manager.get_hookcallers(module):
            raise PluginError("it implements no hook: mark its functions with @ganzoo.hookimpl")
        offered: list[tuple[Catalogue[Any], Spec]] = []
        for kind, catalogue in self.catalogues().items():
            hook = f"ganzoo_{kind}"
            wanted = catalogue.spec_type.__name__
            for impl in getattr(self._manager.hook, hook).get_hookimpls():
                if impl.plugin is not module:
                    continue
                specs = impl.function()
                if not isinstance(specs, Iterable):
                    raise PluginError(f"{hook} returned {specs!r}; it must return a list of {wanted}")
                for spec in specs:
                    if not isinstance(spec, catalogue.spec_type):
                        raise PluginError(f"{hook} returned {spec!r} in its list; it must hold {wanted} objects")
                    check_spec(spec)
                    if any(spec.name == other.name and catalogue is c for c, other in offered):
                        raise PluginError(f"{hook} returned two specs with the name {spec.name!r}")
                    offered.append((catalogue, spec))
        return offered

    def take(self, *specs: Spec) -> None:
        """As :func:`register`."""
        kinds = {c.spec_type: c for c in self._all}
        for spec in specs:
            if type(spec) not in kinds:
                raise PluginError(f"{spec!r} is no spec: give a {', a '.join(t.__name__ for t in kinds)}")
            check_spec(spec)
            known = kinds[type(spec)]
            if spec.name in known and (who := known.provider(spec.name)) != SESSION:
                raise PluginError(f"{spec.kind} {spec.name!r} is offered by {who} already: choose another name")
        for spec in specs:
            kinds[type(spec)].add(spec, Plugin(SESSION, spec.load.partition(":")[0], SESSION, ""), instead=True)

    def attach(self, listener: object, name: str, may_fail: bool = False) -> None:
        """Let an object listen to lifecycle hooks.

        Args:
            may_fail: what it raises is a warning, after which it is not called again, as with a third-party plugin.
        """
        self._manager.register(listener, name=name)
        self._by_module[id(listener)] = Plugin(name, "", OWN_DISTRIBUTION, "")
        if may_fail:
            self._may_fail.add(id(listener))

    def detach(self, listener: object) -> None:
        """Undo :meth:`attach`."""
        if self._manager.is_registered(listener):  # one that raised is gone already
            self._manager.unregister(listener)
        self._by_module.pop(id(listener), None)
        self._may_fail.discard(id(listener))

    def fire(self, hook: str, **arguments: Any) -> None:
        """Call a lifecycle hook of every plugin, in the order of registration.

        A third-party plugin or a logger that raises is warned about and not called again, because it must not cost a
        training; what ganzoo's own distribution raises (a full disk, say) is passed on.
        """
        for impl in getattr(self._manager.hook, hook).get_hookimpls():
            plugin = self._by_module[id(impl.plugin)]
            try:
                impl.function(**{name: arguments[name] for name in impl.argnames})
            except (Exception, SystemExit) as error:
                if plugin.distribution == OWN_DISTRIBUTION and id(impl.plugin) not in self._may_fail:
                    raise
                plugin.status, plugin.reason = "broken", f"{hook}: {describe(error)}"
                self._manager.unregister(impl.plugin)
                warnings.warn(
                    f"plugin {plugin.name!r} of {plugin.distribution} raised in {hook} and is not called again: "
                    f"{describe(error)}",
                    PluginWarning,
                    stacklevel=2,
                )

    def add_commands(self, cli: "click.Group", taken: tuple[str, ...]) -> None:
        """Let plugins add commands to ``cli``; whatever one does wrong is warned about and undone."""
        import click

        for impl in self._manager.hook.ganzoo_commands.get_hookimpls():
            plugin = self._by_module[id(impl.plugin)]
            before = dict(cli.commands)
            try:
                impl.function(**{"cli": cli} if impl.argnames else {})
                lost = [n for n in cli.commands if n in taken or (n in before and cli.commands[n] is not before[n])]
                if lost:
                    raise PluginError(f"command {', '.join(lost)} exists already")
                if wrong := [n for n, found in cli.commands.items() if not isinstance(found, click.Command)]:
                    raise PluginError(f"{wrong[0]!r} is not a click.Command")
                if gone := before.keys() - cli.commands.keys():
                    raise PluginError(f"it removed the command {', '.join(sorted(gone))}")
            except (Exception, SystemExit) as error:  # a plugin may raise anything; the other commands must work
                cli.commands.clear()
                cli.commands.update(before)
                plugin.status, plugin.reason = "broken", f"ganzoo_commands: {describe(error)}"
                warnings.warn(
                    f"plugin {plugin.name!r} of {plugin.distribution} adds no command: {describe(error)}",
                    PluginWarning,
                    stacklevel=2,
                )

    def conflicts(self) -> list[str]:
        """One sentence for each name that more than one plugin offers."""
        return [
            reason
            for catalogue in self.catalogues().values()
            for name in catalogue
            if (reason := catalogue.conflict(name))
        ]


def plural(kind: str) -> str:
    """The word for more than one of a kind: loss, losses; weights have no singular."""
    if kind == "weights":
        return kind
    return kind + ("es" if kind.endswith("s") else "s")


def installed() -> list[tuple[Plugin, Callable[[], Any]]]:
    """The installed entry points, ganzoo's own first, each with the function that imports it."""
    found = []
    for entry in _entry_points():
        distribution = (entry.dist.name if entry.dist else None) or "unknown"
        version = (entry.dist.version if entry.dist else None) or ""
        found.append((Plugin(entry.name, entry.value, distribution, version), entry.load))
    return sorted(
        found, key=lambda pair: (pair[0].distribution != OWN_DISTRIBUTION, pair[0].distribution, pair[0].name)
    )


def _entry_points() -> Iterable[metadata.EntryPoint]:
    """Those of the group; when one distribution's list is damaged, those of all others, with a warning."""
    try:
        return metadata.entry_points(group=hookspecs.GROUP)
    except Exception:  # one malformed entry_points.txt anywhere, and importlib.metadata gives nothing at all
        found: dict[str, Iterable[metadata.EntryPoint]] = {}
        for distribution in metadata.distributions():
            name = distribution.name or "unknown"
            try:
                # As importlib.metadata does: of several with one name, the first on the path counts.
                found.setdefault(name, [e for e in distribution.entry_points if e.group == hookspecs.GROUP])
            except Exception as error:
                reason = f"entry points of distribution {name} cannot be read: {describe(error)}"
                warnings.warn(reason, PluginWarning, stacklevel=4)
        return [entry for entries in found.values() for entry in entries]


@cache
def registry() -> Registry:
    """The registry of this process; ``GANZOO_PLUGINS=0`` leaves third-party plugins out."""
    return Registry(third_party=os.environ.get("GANZOO_PLUGINS", "1") != "0")


def register(*specs: Spec) -> None:
    """Register a variant, a loss or any other spec for this process alone, as in a notebook.

    ``load="__main__:MyLoss"`` is a class of the notebook. A cell that is run again replaces what it had registered.
    Raises PluginError for what is no spec, for one that no one could type or load, and for a name that a plugin has.
    """
    registry().take(*specs)


__all__ = ["SESSION", "Catalogue", "Plugin", "PluginWarning", "Registry", "installed", "plural", "register", "registry"]
