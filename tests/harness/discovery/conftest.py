"""Throw-away packages, installed as far as metadata goes."""

from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A function that installs a distribution: its entry points by group, its files by name."""

    def installer(
        distribution: str,
        points: dict[str, str],
        files: dict[str, str] | None = None,
        *,
        version: str = "1.0",
        metadata: bool = True,
    ) -> Path:
        site = tmp_path / f"site-{distribution}"
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        text = "".join(f"[{group}]\n{lines}\n" for group, lines in points.items())
        (info / "entry_points.txt").write_text(text)
        if metadata:
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
            )
        for name, content in (files or {}).items():
            file = site / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        monkeypatch.syspath_prepend(site)
        return site

    return installer
