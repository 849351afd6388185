"""A site takes the place of an earlier one, and of nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from metabench.site.folder import MANIFEST, SiteError, check_target, foreign_file, write_site

FILES = [("index.html", b"first"), ("boards/one.html", b"board")]


def files_in(folder: Path) -> list[str]:
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def test_all_files_are_written_and_told(tmp_path: Path) -> None:
    write_site(tmp_path / "made" / "site", FILES)

    assert files_in(tmp_path / "made" / "site") == sorted([MANIFEST, "index.html", "boards/one.html"])
    assert (tmp_path / "made" / "site" / MANIFEST).read_text() == "boards/one.html\nindex.html\n"


def test_an_earlier_site_goes_with_all_its_files(tmp_path: Path) -> None:
    write_site(tmp_path / "site", FILES)
    write_site(tmp_path / "site", [("index.html", b"second")])

    assert files_in(tmp_path / "site") == [MANIFEST, "index.html"]
    assert (tmp_path / "site" / "index.html").read_bytes() == b"second"
    assert [one.name for one in tmp_path.iterdir()] == ["site"]


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    write_site(tmp_path, FILES)
    assert "index.html" in files_in(tmp_path)


@pytest.mark.parametrize("has_site", [False, True])
def test_a_folder_with_other_things_is_refused_and_left_as_it_is(tmp_path: Path, has_site: bool) -> None:
    if has_site:
        write_site(tmp_path / "site", FILES)
    (tmp_path / "site" / "boards").mkdir(parents=True, exist_ok=True)
    (tmp_path / "site" / "boards" / "thesis.txt").write_text("years of work")
    before = files_in(tmp_path)

    with pytest.raises(
        SiteError, match=r"'.*site' has other things in it, such as 'boards/thesis.txt'; expected"
    ):
        write_site(tmp_path / "site", FILES)
    assert files_in(tmp_path) == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(SiteError, match=r"site' is no folder; expected one to write to\. Name another"):
        check_target(tmp_path / "site")


def test_a_site_that_cannot_be_made_leaves_the_earlier_one(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[str, bytes]]:
        yield "index.html", b"second"
        raise OSError(28, "No space left on device")

    write_site(tmp_path / "site", FILES)
    with pytest.raises(SiteError, match=r"cannot be written \(No space left on device\)"):
        write_site(tmp_path / "site", failing())
    assert (tmp_path / "site" / "index.html").read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == ["site"]


def test_a_site_that_cannot_take_its_place_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_site(tmp_path / "site", FILES)
    rename = Path.rename

    def refuse_new(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(SiteError, match="Permission denied"):
        write_site(tmp_path / "site", [("index.html", b"second")])
    assert (tmp_path / "site" / "index.html").read_bytes() == b"first"


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "site").symlink_to("real")

    write_site(tmp_path / "site", FILES)

    assert (tmp_path / "site").is_symlink()
    assert (tmp_path / "real" / "index.html").is_file()


def test_without_a_manifest_every_file_is_foreign() -> None:
    assert foreign_file(["index.html"], "") == "index.html"
    assert foreign_file(["index.html", MANIFEST], "index.html\n") is None
    assert foreign_file([], "") is None
