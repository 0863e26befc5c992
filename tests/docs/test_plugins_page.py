"""docs/plugins.md has every hook with its exact arguments, and every family: when code and page differ, this fails."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from deliver.plugins import flags, interfaces, notifiers, registry

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
FAMILIES = {
    "deliver.strategies": interfaces.Strategy,
    "deliver.routers": interfaces.Router,
    "deliver.metrics": interfaces.MetricProvider,
    "deliver.checks": interfaces.Check,
    "deliver.flags": flags.FlagBackend,
    "deliver.notifiers": notifiers.Notifier,
}


def stub(protocol: type) -> str:
    """The class as a page shows it: fields and signatures, no docstrings."""
    (cls,) = ast.parse(inspect.getsource(protocol)).body
    assert isinstance(cls, ast.ClassDef)
    lines = [f"class {cls.name}:"]
    for item in cls.body:
        if isinstance(item, ast.AnnAssign):
            lines.append(f"    {ast.unparse(item)}")
        elif isinstance(item, ast.FunctionDef):
            returns = f" -> {ast.unparse(item.returns)}" if item.returns else ""
            lines.append(f"    def {item.name}({ast.unparse(item.args)}){returns}: ...")
    return "\n".join(lines)


@pytest.mark.parametrize("group", FAMILIES)
def test_the_page_shows_each_family_as_the_code_has_it(group: str):
    shown = stub(FAMILIES[group])
    assert shown in PAGE, f"docs/plugins.md should show:\n{shown}"
    assert f"`{group}`" in PAGE


def test_the_page_knows_every_family_that_is_loaded():
    assert set(FAMILIES) == set(registry.HOOKS)


def test_every_built_in_plugin_is_named_with_its_family():
    for group in registry.HOOKS:
        for name in registry.names(group):
            assert re.search(rf"`{re.escape(name)}`", PAGE), f"{group}: {name}"


def test_every_python_example_of_the_page_is_valid_and_its_imports_exist():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    examples = [block for block in blocks if "import " in block]
    assert len(examples) >= len(FAMILIES)
    for block in examples:
        exec(compile(block, "docs/plugins.md", "exec"), {"__name__": "page"})
