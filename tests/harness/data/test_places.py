"""Where data lies: what the environment says, and what holds where it says nothing."""

from pathlib import Path

import platformdirs
import pytest

from metabench.data.places import Places, from_environment


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METABENCH_HOME", raising=False)
    monkeypatch.delenv("METABENCH_MIRROR", raising=False)


def test_the_environment_names_both_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("METABENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("METABENCH_MIRROR", str(tmp_path / "mirror"))

    assert from_environment() == Places(tmp_path / "home", tmp_path / "mirror")


def test_without_settings_the_home_is_the_users_data_folder() -> None:
    assert from_environment() == Places(Path(platformdirs.user_data_dir("metabench")), None)


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    before = from_environment()
    monkeypatch.setenv("METABENCH_HOME", "")
    monkeypatch.setenv("METABENCH_MIRROR", "")

    assert from_environment() == before


def test_a_tilde_is_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("METABENCH_HOME", "~/bench")
    monkeypatch.setenv("METABENCH_MIRROR", "~/mirror")

    assert from_environment() == Places(tmp_path / "bench", tmp_path / "mirror")


@pytest.mark.parametrize("address", ["https://mirror.example/data", "http://127.0.0.1:8000"])
def test_a_mirror_may_be_an_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("METABENCH_MIRROR", address)

    assert from_environment().mirror == address


def test_everything_kept_lies_under_the_home(tmp_path: Path) -> None:
    places = Places(tmp_path, None)

    kept = {places.store, places.downloads, places.imported, places.cache}

    assert {folder.parent for folder in kept} == {tmp_path}
    assert len(kept) == 4
