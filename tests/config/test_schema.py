"""The JSON Schema says what the loader says."""

from pathlib import Path

from deliver.config.files import find, read
from deliver.config.schema import json_schema


def test_the_schema_knows_the_keys_of_the_file_and_of_the_plugins() -> None:
    schema = json_schema()
    assert {"target", "image", "strategy", "router", "analysis", "limits", "allow_affinity", "allow_twice", "history", "notify"} == set(
        schema["properties"]
    )
    assert schema["additionalProperties"] is False
    assert "canary" in schema["properties"]["strategy"]["properties"]
    assert "prometheus" in schema["$defs"]["AnalysisModel"]["properties"]
    assert {"http", "tcp", "grpc"} <= set(schema["$defs"]["AnalysisModel"]["properties"]["health"]["items"]["properties"])
    assert {"webhook", "on"} == set(schema["properties"]["notify"]["items"]["properties"])
    assert schema["$defs"]["deliver.strategies.canary"]["properties"]["bake"]["type"] == "string"


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    schema = json_schema()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(reference := node.get("$ref"), str):
                assert reference.removeprefix("#/$defs/") in schema["$defs"]
            for value in node.values():
                walk(value)
        for value in node if isinstance(node, list) else ():
            walk(value)

    walk(schema)


def test_the_file_is_looked_for_up_to_the_git_root(tmp_path: Path) -> None:
    below = tmp_path / "repo" / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "deliver.yaml").write_text("a: 1")
    (tmp_path / "repo" / ".git").mkdir()
    assert find(below, None) is None
    (tmp_path / "repo" / "deliver.yaml").write_text("a: 2")
    assert find(below, None) == tmp_path / "repo" / "deliver.yaml"
    assert find(below, tmp_path / "repo" / "a") is None
    document = read(None, below, None)
    assert document is not None
    assert document.source == "../../deliver.yaml"
