"""JSON Schema of deliver.yaml with the options of every plugin that is installed and works: for editors and for CI."""

from typing import Any

from pydantic import BaseModel

from deliver.config.models import FileModel
from deliver.plugins import registry
from deliver.plugins.notifiers import EVENTS


def json_schema() -> dict[str, Any]:
    schema = FileModel.model_json_schema()
    properties, definitions = schema["properties"], schema["$defs"]
    properties["strategy"] |= _one_of(_models("deliver.strategies", definitions))
    properties["strategy"].pop("default", None)
    routers = _models("deliver.routers", definitions)
    properties["router"] = {
        "description": properties["router"]["description"],
        "anyOf": [{"enum": list(routers)}, {"type": "object", "properties": routers, "additionalProperties": False, "maxProperties": 1}],
    }
    analysis = definitions["AnalysisModel"]["properties"]
    analysis.update(_models("deliver.metrics", definitions))
    analysis["health"]["items"] = _one_of(_models("deliver.checks", definitions))
    properties["notify"]["items"] = {
        "type": "object",
        "properties": {**_models("deliver.notifiers", definitions), "on": {"type": "array", "items": {"enum": list(EVENTS)}}},
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deliver.yaml",
        **{k: v for k, v in schema.items() if k != "title"},
    }


def _one_of(models: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": models, "additionalProperties": False, "maxProperties": 1, "minProperties": 1}


def _models(group: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Name -> reference. A broken plugin has no schema; `deliver plugins` says why."""
    found: dict[str, Any] = {}
    for name in registry.names(group):
        try:
            model: type[BaseModel] = registry.load(group, name).Options
        except registry.PluginError:
            continue
        key = f"{group}.{name}"
        schema = model.model_json_schema(ref_template=f"#/$defs/{key}.{{model}}")
        for inner, body in schema.pop("$defs", {}).items():
            definitions[f"{key}.{inner}"] = body
        definitions[key] = schema
        found[name] = {"anyOf": [{"$ref": f"#/$defs/{key}"}, {"type": "null"}]}
    return found
