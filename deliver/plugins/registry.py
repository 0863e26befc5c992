"""How plugins are found: by entry points, by name, one at a time. A plugin nobody chose is never imported."""

import difflib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from deliver.model.errors import InputError

_ALL = ("name", "summary", "Options")
HOOKS = {
    "deliver.strategies": (*_ALL, "plan"),
    "deliver.routers": (*_ALL, "can", "watches", "find", "read", "set_route", "restore", "planned_writes", "recover"),
    "deliver.metrics": (*_ALL, "raw", "value", "now"),
    "deliver.checks": (*_ALL, "probe"),
    "deliver.flags": (*_ALL, "capabilities", "watches", "check", "read", "set", "kill", "restore", "release", "confirm"),
    "deliver.notifiers": (*_ALL, "notify"),
}
REPLACED = {"deliver.routers": {"move": "set_route(write, release, exposure)", "preview": "planned_writes(release, exposure)"}}
"""Hooks of before, which nobody calls any more, and what is called instead."""
_WORDS = ("name", "summary")


class PluginError(InputError):
    """A plugin that is missing, broken or there twice. Nothing was changed."""


@dataclass(frozen=True)
class Plugin:
    """One plugin as found. error: why it cannot be used, "" when it can. summary: "" unless it was loaded."""

    group: str
    name: str
    distribution: str
    version: str
    entry: str
    summary: str = ""
    error: str = ""


@cache
def _entries(group: str) -> tuple[EntryPoint, ...]:
    """Each distinct entry once: a distribution that is on the path twice (an editable install run from its folder) is one."""
    found: dict[tuple[str, str, str], EntryPoint] = {}
    for entry in entry_points(group=group):
        found.setdefault((entry.name, entry.value, entry.dist.name if entry.dist else ""), entry)
    return tuple(found.values())


def clear_cache() -> None:
    """Look anew at the next call: for tests, and for a process that installs plugins."""
    _entries.cache_clear()


_overrides: dict[tuple[str, str], Any] = {}


@contextmanager
def override(group: str, plugin: Any) -> Iterator[None]:
    """Context manager for tests: registers `plugin` for its duration, ahead of an installed plugin of the same name. Raises PluginError."""
    _check_hooks(group, plugin, lambda: f"`{plugin.__name__}`")
    key = group, plugin.name
    before = _overrides.get(key)
    _overrides[key] = plugin
    try:
        yield
    finally:
        del _overrides[key]
        if before is not None:
            _overrides[key] = before


def names(group: str) -> tuple[str, ...]:
    """Sorted names of a group's plugins, none of them loaded."""
    return tuple(sorted({entry.name for entry in _entries(group)} | {name for there, name in _overrides if there == group}))


def origin(group: str, name: str) -> str:
    """`distribution version` of each plugin of that name, joined by `, `."""
    return ", ".join(_from(entry) for entry in _entries(group) if entry.name == name)


def load(group: str, name: str) -> Any:
    """The plugin's class. Raises PluginError when it is missing, broken, incomplete, or when two distributions have it."""
    if (group, name) in _overrides:
        return _overrides[group, name]
    matches = [entry for entry in _entries(group) if entry.name == name]
    family = group.removeprefix("deliver.")
    if not matches:
        raise PluginError(
            f"no plugin `{name}` among the {family}",
            why=f"installed: {', '.join(names(group)) or 'none'}",
            hint="install the package that has it in the environment of deliver; `deliver plugins` lists what is found",
        )
    if len(matches) > 1:
        raise PluginError(
            f"two plugins are called `{name}` among the {family}",
            why=f"they come from {' and '.join(sorted(map(_from, matches)))}",
            hint="uninstall one of the two",
        )
    return _loaded(group, matches[0])


def describe() -> tuple[Plugin, ...]:
    """Every plugin of every group, loaded to see whether it works; a broken one carries its error."""
    return tuple(_described(group, entry) for group in HOOKS for entry in sorted(_entries(group), key=lambda e: (e.name, _from(e))))


def find(name: str) -> tuple[Plugin, ...]:
    """Every plugin of that name, or the one of `family/name`. Raises PluginError when there is none, with what comes near."""
    family, _, short = name.rpartition("/")
    found = [one for one in describe() if one.name == short and (not family or one.group == f"deliver.{family}")]
    if not found:
        there = sorted({one.name for one in describe()})
        near = difflib.get_close_matches(short, there, n=1, cutoff=0.6)
        hint = f"did you mean `{near[0]}`?" if near else "`deliver plugins` lists them"
        raise PluginError(f"no plugin is called `{name}`", why=f"found: {', '.join(there) or 'none'}", hint=hint)
    return tuple(found)


def _described(group: str, entry: EntryPoint) -> Plugin:
    plugin = Plugin(group, entry.name, *_dist(entry), entry.value)
    twins = [other for other in _entries(group) if other.name == entry.name]
    if len(twins) > 1:
        error = f"the name is taken twice: {' and '.join(sorted(map(_from, twins)))}"
        return Plugin(**{**vars(plugin), "error": error})
    try:
        cls = _loaded(group, entry)
    except PluginError as error:
        return Plugin(**{**vars(plugin), "error": f"{error.what}: {error.why}"})
    return Plugin(**{**vars(plugin), "summary": str(getattr(cls, "summary", ""))})


def _loaded(group: str, entry: EntryPoint) -> Any:
    try:
        cls = entry.load()
    except Exception as error:  # a plugin is foreign code: whatever it raises at import is its fault, and a message
        from deliver.formatting.sanitize import one_line  # `deliver --help` reads this module, and no plugin

        why = f"{type(error).__name__}: {one_line(error)}"
        raise PluginError(f"{_label(entry)} does not load", why=why, hint=f"entry point: {entry.value}") from error
    _check_hooks(group, cls, partial(_label, entry))
    if cls.name != entry.name:
        raise PluginError(
            f"{_label(entry)} is named differently inside", why=f"its class says name = `{cls.name}`", hint="both must be the same"
        )
    return cls


def _check_hooks(group: str, cls: Any, label: Callable[[], str]) -> None:
    """Raises PluginError for a class without every hook of its family, and for one with hooks of an older deliver."""
    old = {hook: new for hook, new in REPLACED.get(group, {}).items() if callable(getattr(cls, hook, None))}
    if old:
        instead = ", ".join(f"`{new}` in the place of `{hook}`" for hook, new in old.items())
        raise PluginError(
            f"{label()} is written for an older deliver",
            why=f"`{cls.__name__}` has {' and '.join(f'`{hook}`' for hook in old)}, which nothing calls any more",
            hint=f"it needs {instead} (docs/plugins.md), or a version of its package for this deliver",
        )
    if missing := [hook for hook in HOOKS.get(group, ()) if not _offers(cls, hook)]:
        raise PluginError(
            f"{label()} is incomplete", why=f"`{cls.__name__}` lacks {', '.join(missing)}", hint="docs/plugins.md has every hook"
        )


def _label(entry: EntryPoint) -> str:
    """For an error alone: it reads the distribution's metadata, which takes longer than to load the plugin."""
    return f"plugin `{entry.name}` of {_from(entry)}"


def _offers(cls: Any, hook: str) -> bool:
    value = getattr(cls, hook, None)
    if hook == "Options":
        return inspect.isclass(value) and hasattr(value, "model_fields")
    if hook == "capabilities":
        return value is not None
    return isinstance(value, str) and bool(value) if hook in _WORDS else callable(value)


def _dist(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "")


def _from(entry: EntryPoint) -> str:
    return " ".join(_dist(entry)).strip()
