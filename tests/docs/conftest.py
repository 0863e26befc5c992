"""Documents are run where the end-to-end tests run: on the lab."""

from pathlib import Path

import pytest

from tests.e2e.support import lab

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("cluster") and not lab.REGISTRY:
            item.add_marker(pytest.mark.skip(reason="not the lab (no LAB_REGISTRY): the documents' images are not there"))
