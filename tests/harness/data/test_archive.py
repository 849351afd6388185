"""Reading zip archives from outside: what is read, and what is refused."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from metabench.data import archive
from metabench.data.archive import read_members
from metabench.errors import DataError


def write_zip(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members:
            target.writestr(name, content)
    return path


def refusal(path: Path, **limits: int) -> str:
    with pytest.raises(DataError) as caught:
        list(read_members(path, **limits))
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def test_reads_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "a.zip", [("b/2.png", b"two"), ("b/", b""), ("a/1.png", b""), ("a.txt", b"text")]
    )

    assert list(read_members(path, ".png")) == [("a/1.png", b""), ("b/2.png", b"two")]
    assert [name for name, _ in read_members(path)] == ["a.txt", "a/1.png", "b/2.png"]


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/evil", "C:/evil", "C:evil", "//host/share/evil", "..\\evil"]
)
def test_refuses_a_name_that_leads_out_of_the_archive(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "a.zip", [("good", b"1"), (name, b"2")])

    assert repr(name) in refusal(path)


def test_refuses_an_empty_name(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("#", b"1")])
    path.write_bytes(path.read_bytes().replace(b"#", b"\0"))

    assert "member ''" in refusal(path)


def test_accepts_dots_that_lead_nowhere(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a..b/.hidden/..c", b"1")])

    assert list(read_members(path)) == [("a..b/.hidden/..c", b"1")]


def test_refuses_a_link(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16

    assert "a link" in refusal(write_zip(tmp_path / "a.zip", [(link, b"/etc/passwd")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_a_name_that_stands_there_twice(tmp_path: Path) -> None:
    assert "'a' twice" in refusal(write_zip(tmp_path / "a.zip", [("a", b"1"), ("a", b"2")]))


def test_refuses_a_large_member_before_reading_any(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a", b"1"), ("b", bytes(1001))])

    assert "1001 bytes" in refusal(path, max_member_bytes=1000)
    with pytest.raises(DataError):
        next(read_members(path, max_member_bytes=1000))


def test_refuses_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)

    assert "3 members" in refusal(write_zip(tmp_path / "a.zip", [("a", b""), ("b", b""), ("c", b"")]))


def test_refuses_an_unusual_packing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_BZIP2) as target:
        target.writestr("a", b"1")

    assert "method 12" in refusal(tmp_path / "a.zip")


def test_reads_no_more_than_a_member_declares(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a", bytes(10_000_000))])
    declared = struct.pack("<L", 10_000_000)
    path.write_bytes(path.read_bytes().replace(declared, struct.pack("<L", 10)))

    assert "cannot be read" in refusal(path)


def test_reports_a_member_cut_short(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a", bytes(1000))])
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 1000), struct.pack("<L", 2000)))

    assert "cannot be read" in refusal(path)


def test_reports_a_truncated_archive(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a", bytes(range(256)))])
    path.write_bytes(path.read_bytes()[:-30])

    assert "cannot be read" in refusal(path)


def test_reports_damaged_content(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a", b"x" * 100)])
    content = bytearray(path.read_bytes())
    content[32] ^= 0xFF
    path.write_bytes(content)

    assert "cannot be read" in refusal(path)


def test_reports_an_encrypted_member(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a", b"secret")])
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)

    assert "encrypted" in refusal(path)


def test_reports_a_missing_archive(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.zip")


def test_leaves_errors_of_its_caller_alone(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a", b"1")])

    with pytest.raises(ValueError, match="mine"):
        next(int("mine") for _ in read_members(path))
