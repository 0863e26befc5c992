"""`deliver plugins`: what was found, and of one plugin where it comes from, its options, its hooks."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from deliver.formatting.formats import NONE
from deliver.formatting.sanitize import clean, clean_data
from deliver.plugins import registry
from deliver.plugins.options import lines
from deliver.plugins.registry import Plugin
from deliver.render.style import PLAIN, Style, table

View = dict[str, Any]


def plugins_text(plugins: Sequence[Plugin], style: Style = PLAIN) -> str:
    """A table of what was found; a broken plugin has its error where others have their summary."""
    if not plugins:
        return "No plugin is installed"
    rows = []
    for plugin in plugins:
        told = f"{style.mark('fail')} {style.paint(clean(plugin.error), 'bad')}" if plugin.error else clean(plugin.summary)
        rows.append((_family(plugin.group), clean(plugin.name), clean(plugin.distribution), clean(plugin.version), told))
    return "\n".join(table(("family", "name", "from", "version", "does"), rows, style))


def _family(group: str) -> str:
    return clean(group).removeprefix("deliver.")


def plugin_view(plugin: Plugin) -> View:
    """options, schema, hooks: empty for a broken one, whose `error` says why."""
    view = asdict(plugin) | {
        "hooks": [hook for hook in registry.HOOKS.get(plugin.group, ()) if hook not in ("name", "summary")],
        "options": [],
        "schema": {},
    }
    if not plugin.error:
        model = registry.load(plugin.group, plugin.name).Options
        view |= {"options": [asdict(line) for line in lines(model)], "schema": model.model_json_schema()}
    return dict(clean_data(view))


def plugin_text(view: View, style: Style = PLAIN) -> str:
    told = [
        f"{view['name']} ({_family(view['group'])}): {view['summary'] or 'no summary'}",
        f"  from: {view['distribution']} {view['version']}, {view['entry']}",
    ]
    if view["error"]:
        return "\n".join([*told, f"  {style.mark('fail')} {style.paint(clean(view['error']), 'bad')}"])
    told.append(f"  hooks: {', '.join(view['hooks'])}")
    if not view["options"]:
        return "\n".join([*told, "  options: none"])
    rows = [(one["key"], one["takes"], "needed" if one["needed"] else one["default"] or NONE, one["help"]) for one in view["options"]]
    return "\n".join([*told, "", *table(("option", "takes", "default", "what for"), rows, style, indent="  ")])
