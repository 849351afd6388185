"""Parquet files as the Hugging Face hub serves them."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from metabench.data.parquet import hub_source, read_rows
from metabench.errors import DataError

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("METABENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    table = pa.table({"text": ["hi", "grüß dich", None], "label": [0, 1, 1], "more": [0.5, 1.5, 2.5]})
    parquet.write_table(table, tmp_path / "train.parquet")
    return tmp_path / "train.parquet"


def test_a_file_of_the_hub_is_named_by_its_commit() -> None:
    source = hub_source("mteb/banking77", REVISION, "data/train.parquet", size=5, checksum="sha256:00")

    assert source.path == "mteb/banking77/data/train.parquet"
    assert source.url == (
        f"https://huggingface.co/datasets/mteb/banking77/resolve/{REVISION}/data/train.parquet"
    )
    assert (source.size, source.checksum) == (5, "sha256:00")


@pytest.mark.parametrize("revision", ["main", REVISION[:39], REVISION.upper(), REVISION + "\n", ""])
def test_a_branch_is_refused(revision: str) -> None:
    with pytest.raises(DataError, match=r"Revision '.*' of 'a/b' is no commit; expected 40 hexadecimal"):
        hub_source("a/b", revision, "train.parquet")


def test_rows_come_one_after_the_other(sentences: Path) -> None:
    assert list(read_rows([sentences, sentences], ["label", "text"])) == 2 * [
        {"label": 0, "text": "hi"},
        {"label": 1, "text": "grüß dich"},
        {"label": 1, "text": None},
    ]


def test_no_row_is_lost_where_a_file_is_read_in_parts(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"label": range(1000)}), tmp_path / "many.parquet", row_group_size=300)

    assert [row["label"] for row in read_rows([tmp_path / "many.parquet"], ["label"])] == list(range(1000))


def test_images_are_decoded(tmp_path: Path) -> None:
    import datasets

    png = io.BytesIO()
    Image.new("RGB", (3, 2), (255, 0, 7)).save(png, "PNG")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    rows = {"image": [{"bytes": png.getvalue(), "path": None}], "label": [4]}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "a.parquet")

    (row,) = read_rows([tmp_path / "a.parquet"], ["image", "label"])

    assert (row["image"].size, row["image"].getpixel((0, 0)), row["label"]) == ((3, 2), (255, 0, 7), 4)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>sign in</html>"])
def test_a_file_that_is_no_parquet_is_named(tmp_path: Path, content: bytes, capfd) -> None:
    (tmp_path / "bad.parquet").write_bytes(content)

    with pytest.raises(DataError, match=r"\AFile 'bad\.parquet' cannot be read [^\n]*expected a Parquet"):
        list(read_rows([tmp_path / "bad.parquet"], ["text"]))
    assert capfd.readouterr() == ("", "")


def test_a_truncated_file_is_named(sentences: Path) -> None:
    sentences.write_bytes(sentences.read_bytes()[:-40])

    with pytest.raises(DataError, match=r"File 'train\.parquet' cannot be read"):
        list(read_rows([sentences], ["text"]))


def test_a_file_that_is_damaged_within_is_named(sentences: Path) -> None:
    content = bytearray(sentences.read_bytes())
    content[4:40] = bytes(36)
    sentences.write_bytes(content)

    with pytest.raises(DataError, match=r"\AFile 'train\.parquet' cannot be read \([^\n]+\); expected"):
        list(read_rows([sentences], ["text"]))


def test_a_column_that_is_not_there(sentences: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read .*nope.* with the columns text, nope\. Fetch"):
        list(read_rows([sentences], ["text", "nope"]))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.parquet"):
        list(read_rows([tmp_path / "none.parquet"], ["text"]))


LEAVES_NOTHING = """
import sys
from pathlib import Path
from metabench.data.parquet import read_rows
print(len(list(read_rows([Path(sys.argv[1])], ["text"]))))
"""


def test_nothing_is_written_anywhere(tmp_path: Path, sentences: Path, home: Path):
    (tmp_path / "user").mkdir()
    environment = {**os.environ, "HOME": str(tmp_path / "user"), "HF_HUB_OFFLINE": "1"}
    for name in ("XDG_CACHE_HOME", "HF_HOME", "HF_DATASETS_CACHE"):
        environment.pop(name, None)

    done = subprocess.run(
        [sys.executable, "-c", LEAVES_NOTHING, str(sentences)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == ("3\n", "")
    assert not list((tmp_path / "user").iterdir())
    assert not home.exists()
