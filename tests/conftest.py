"""Fixtures that every test can ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# An example may take long where others keep the machine busy.
settings.register_profile("unhurried", parent=settings(), deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the real data; a test that needs it is skipped where there is none."""
    folder = os.environ.get("METABENCH_MIRROR")
    if not folder:
        pytest.skip("METABENCH_MIRROR names no folder of real data")
    return Path(folder).resolve()
