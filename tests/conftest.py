"""What holds for all tests."""

import gc
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("deliver", deadline=None)  # a busy machine takes as long as it takes
settings.load_profile("deliver")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays until the end: to look for garbage in it, meanwhile and at each test, costs a tenth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(100_000, 10, 10)
        gc.enable()
