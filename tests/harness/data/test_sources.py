"""Files of datasets, found on this machine."""

from pathlib import Path

import pytest

from metabench.data.places import Places
from metabench.data.recipe import Recipe, Source
from metabench.data.sources import find_file, locate
from metabench.errors import DataUnavailableError

SOURCE = Source("some/drawings.zip", "https://example.org/drawings.zip", 1, None)


def recipe(*files: Source) -> Recipe:
    return Recipe("drawings", "", "image", "conv4", "", "", files, None, lambda _files: iter(()))


def put(folder: Path) -> Path:
    file = folder / "some" / "drawings.zip"
    file.parent.mkdir(parents=True)
    file.touch()
    return file


def test_the_mirror_goes_before_the_downloads(tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "mirror")
    assert find_file(SOURCE, places) is None

    downloaded = put(places.downloads)
    assert locate(recipe(SOURCE), places) == {"some/drawings.zip": downloaded}

    mirrored = put(tmp_path / "mirror")
    assert locate(recipe(SOURCE), places) == {"some/drawings.zip": mirrored}


def test_a_missing_file_is_reported_with_the_next_step(tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "mirror")

    with pytest.raises(
        DataUnavailableError,
        match=r"'drawings' needs the file 'some/drawings\.zip'.*mirror.*downloads.*Run `metabench data pull",
    ):
        locate(recipe(SOURCE), places)


def test_nothing_is_looked_for_at_an_address(tmp_path: Path) -> None:
    places = Places(tmp_path, "http://127.0.0.1:1")

    with pytest.raises(DataUnavailableError, match=r"in none of '[^']*downloads'\. Run"):
        locate(recipe(SOURCE), places)


def test_a_dataset_without_files_needs_none(tmp_path: Path) -> None:
    assert locate(recipe(), Places(tmp_path, None)) == {}
