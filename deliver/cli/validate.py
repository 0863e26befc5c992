"""`deliver validate`: deliver.yaml checked without a cluster, or its JSON Schema."""

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANALYSIS, ANSWER, LIMITS, PLACE, TARGETING, Given, Option
from deliver.cli.typer_commands import command
from deliver.model.exitcodes import ExitCode


def make(name: str, summary: str) -> TyperCommand:
    schema = Option("schema", "print the JSON Schema of deliver.yaml, for editors, and check nothing", kind="flag")
    return command(name, summary, validate, (PLACE[-1], schema, *TARGETING, *ANALYSIS, *LIMITS, *ANSWER))


def validate(given: Given) -> int:
    from deliver.config.build import check
    from deliver.config.schema import json_schema

    if given["schema"]:
        context.show_view(json_schema(), "json")
        return ExitCode.PROMOTED
    found = context.draft(given)
    context.show(f"{found.document.source if found.document else 'options'}: valid{check(found)}")
    return ExitCode.PROMOTED
