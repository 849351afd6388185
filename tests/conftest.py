"""Fixtures that every test can ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the real data; a test that needs it is skipped where there is none."""
    folder = os.environ.get("METABENCH_MIRROR")
    if not folder:
        pytest.skip("METABENCH_MIRROR names no folder of real data")
    return Path(folder).resolve()


# They start the most processes; begun first, they do not keep one core waiting at the end.
_LONGEST = {"test_evaluate.py", "test_run.py", "test_process.py", "test_testing.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first; the order within a file stays."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)
