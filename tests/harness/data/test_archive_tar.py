"""Reading tar archives from outside: what is read, and what is refused."""

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest

from metabench.data import archive
from metabench.data.archive import read_tar_members
from metabench.errors import DataError

MEMBERS = {"b/2.png": b"two" * 500, "a/1.png": b"", "a.txt": b"text"}


def member(name: str, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def write_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as target:
        for info, content in members:
            if info.isreg():
                info.size = len(content)
            target.addfile(info, io.BytesIO(content))
    return path


def plain_tar(path: Path, mode: str = "w") -> Path:
    members = [(member(name), content) for name, content in MEMBERS.items()]
    return write_tar(path, (member("b", type=tarfile.DIRTYPE), b""), *members, mode=mode)


def refusal(path: Path, **limits: int) -> str:
    with pytest.raises(DataError) as caught:
        list(read_tar_members(path, **limits))
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_reads_files_in_the_order_of_the_archive(tmp_path: Path, mode: str) -> None:
    path = plain_tar(tmp_path / "a.tar", mode)

    assert dict(read_tar_members(path)) == MEMBERS
    assert [name for name, _ in read_tar_members(path, ".png")] == ["b/2.png", "a/1.png"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_every_common_form_and_what_tar_makes_of_a_folder(tmp_path: Path, form: int) -> None:
    folder = tmp_path / "folder" / ("long" * 20) / ("name" * 20)
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"1")
    with tarfile.open(tmp_path / "a.tgz", "w:gz", format=form) as target:
        target.add(tmp_path / "folder", arcname="./")

    name = f"{'long' * 20}/{'name' * 20}/a.png"
    assert list(read_tar_members(tmp_path / "a.tgz")) == [(name, b"1")]


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil"])
def test_refuses_a_name_that_leads_out_of_the_archive(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / "a.tar", (member("good"), b"1"), (member(name), b"2"))

    assert repr(name) in refusal(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_refuses_a_link(tmp_path: Path, kind: bytes) -> None:
    link = member("link", type=kind, linkname="/etc/passwd")

    assert "'link', a link; files" in refusal(write_tar(tmp_path / "a.tar", (link, b"")))


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_refuses_what_is_neither_file_nor_folder(tmp_path: Path, kind: bytes) -> None:
    path = write_tar(tmp_path / "a.tar", (member("odd", type=kind), b""))

    assert "of an unusual type" in refusal(path)


def test_refuses_a_file_with_holes(tmp_path: Path) -> None:
    sparse = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,1"}
    info = member("a", pax_headers={**sparse, "GNU.sparse.realsize": "999"})
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as target:
        info.size = 1
        target.addfile(info, io.BytesIO(b"1"))

    assert "of an unusual type" in refusal(tmp_path / "a.tar")


@pytest.mark.parametrize("name", ["a", "./a", "x/../a"])
def test_refuses_a_name_that_stands_there_twice(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / "a.tar", (member("a"), b"1"), (member(name), b"2"))

    assert repr(name) in refusal(path)


def test_refuses_a_large_member(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tgz", (member("a"), bytes(100_001)), mode="w:gz")

    assert "'a' of 100001 bytes; at most 100000" in refusal(path, max_member_bytes=100_000)


def test_refuses_a_header_that_would_fill_the_memory(tmp_path: Path) -> None:
    info = member("a", pax_headers={"comment": "x" * 200_000})
    with tarfile.open(tmp_path / "a.tgz", "w:gz", format=tarfile.PAX_FORMAT) as target:
        target.addfile(info)

    assert "bytes of memory" in refusal(tmp_path / "a.tgz", max_member_bytes=100_000)


def test_refuses_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)

    assert "more than 2 members" in refusal(plain_tar(tmp_path / "a.tar"))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_reports_an_archive_that_is_cut_short_anywhere(tmp_path: Path, mode: str) -> None:
    path = plain_tar(tmp_path / "a.tar", mode)
    whole = path.read_bytes()
    padding = 2 * tarfile.BLOCKSIZE if mode == "w" else 1

    for kept in range(1, len(whole.rstrip(b"\0")) - padding, 97 if mode == "w" else 7):
        path.write_bytes(whole[:kept])
        assert "cannot be read" in refusal(path)


NO_ARCHIVES = {
    "nothing": b"",
    "the start of a zip": b"PK\3\4",
    "noise": random.Random(0).randbytes(2000),
    "nothing, compressed": gzip.compress(b"", mtime=0),
    "zeros": bytes(300),
}


@pytest.mark.parametrize("content", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_reports_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tgz").write_bytes(content)

    assert "a whole tar file is expected" in refusal(tmp_path / "a.tgz")


def test_reports_damaged_content(tmp_path: Path) -> None:
    path = plain_tar(tmp_path / "a.tgz", "w:gz")
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF  # in the checksum
    path.write_bytes(content)

    assert "CRC" in refusal(path)


def test_reports_a_missing_archive(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.tar")


def test_leaves_errors_of_its_caller_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"):
        next(int("mine") for _ in read_tar_members(plain_tar(tmp_path / "a.tar")))
