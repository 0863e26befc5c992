"""Rule 11: the user's secret, looked for in what ours writes."""

import json
import marshal
from dataclasses import dataclass, field
from typing import Any

from deliver_sandbox.store import Change

Object = dict[str, Any]


@dataclass
class Secret:
    """text: what must not be told, "" without one."""

    text: str = ""
    templates: set[str] = field(default_factory=set)

    def stands_in(self, change: Change) -> bool:
        """Where it may not: a pod template alone may hold it, in a Deployment, and in the snapshot that puts it back."""
        obj: Object = {**change.obj, "spec": {}} if change.kind == "deployments" else change.obj
        if not self.text or not self._holds(obj):
            return False
        data = obj.get("data") or {}
        bare = {key: self._bare(data[key]) for key in ("release", "history") if data.get(key)}
        return self._holds({**obj, "data": {**data, **bare}})

    def _holds(self, obj: Object) -> bool:
        return self.text.encode() in marshal.dumps(obj, 2)  # texts stand in it as they are, and it is the quickest way to all of them

    def _bare(self, text: str) -> str:
        """Without the templates of the snapshots. Those that were seen once are cut out unread."""
        for template in self.templates:
            text = text.replace(template, "null")
        if self.text not in text:
            return text
        found = json.loads(text)
        templates = [one["snapshot"]["template"] for one in (found if isinstance(found, list) else [found]) if one["snapshot"]["template"]]
        self.templates |= {json.dumps(template, separators=(",", ":")) for template in templates}
        return json.dumps(json.loads(text, object_hook=_without_template))


def _without_template(found: Object) -> Object:
    return {**found, "template": None} if {"digest", "template"} <= found.keys() else found
