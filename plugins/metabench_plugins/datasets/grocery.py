"""Dataset `grocery`: photographs of fruit, vegetables and cartons, taken with a phone in shops.

Upstream has 81 fine classes in 43 coarse ones and lists for supervised training, validation and testing;
here the lists are merged, and the fine classes are split: 41 for meta_train, 15 for meta_val, 25 for
meta_test. The split was drawn (`draw_split`) over the coarse classes, so that no two kinds of apple or of
milk stand on two sides of it.

Expected: `metabench evaluate protonet centroid --benchmark grocery-5w1s --budget 5m`, two CPU cores: ProtoNet
66.63 % [65.68, 67.58], the untrained floor 37.16 % [36.51, 37.81], 600 episodes.
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from metabench.data.archive import read_members
from metabench.data.recipe import SPLITS, ClassExamples, Recipe, Source
from metabench.errors import DataError
from metabench.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.recipe import Split

SPLIT_FILE = Path(__file__).with_name("grocery.json")
SPLIT_SEED = 0
SPLIT_SIZES: tuple[int, ...] = (41, 15, 25)  # fine classes, in the order of SPLITS

_COMMIT = "fc80ba90f803d79d0383df52c5a4ac5de99ff6fc"
_LISTS = ("dataset/train.txt", "dataset/val.txt", "dataset/test.txt")
_NAMES = "dataset/classes.csv"
_MAX_FILE_BYTES = 2**22  # a photograph takes about 20 kB


def build(files: Mapping[str, Path], split_file: Path = SPLIT_FILE) -> Iterator[ClassExamples]:
    """Read the photographs.

    Args:
        files: The archive, by `Source.path`.
        split_file: Split to coarse class to fine classes.

    Yields:
        "<Coarse>/<Fine>" in the order of the names, each with its photographs in the order of their
        paths: (n_examples, 3, 84, 84).

    Raises:
        DataError: The archive or a file in it cannot be read, or a class has no photograph.
    """
    import numpy as np  # noqa: PLC0415 - listing datasets decodes nothing

    (archive,) = files.values()
    class_of = read_lists(archive)
    split_of = {
        f"{coarse}/{fine}": split
        for split, groups in read_split(split_file).items()
        for coarse, fine_classes in groups.items()
        for fine in fine_classes
    }
    photographs = decode_listed(archive, class_of)
    for name in sorted(split_of):
        members = sorted(path for path, its_class in class_of.items() if its_class == name)
        if not members:
            raise _unusable(f"lists no photograph of class {name!r}", "every class of the split is expected")
        yield ClassExamples(name, split_of[name], np.stack([photographs[path] for path in members]))


def read_split(split_file: Path) -> dict[Split, dict[str, list[str]]]:
    """Read the split: split to coarse class to fine classes."""
    return cast("dict[Split, dict[str, list[str]]]", json.loads(split_file.read_text(encoding="utf-8")))


def draw_split(sizes: Mapping[str, int], seed: int) -> dict[Split, list[str]]:
    """Draw a split of coarse classes: in an order that the seed gives, each goes where it first fits.

    The order is that of hashes, so that no version of a random generator can change it.

    Args:
        sizes: Fine classes in each coarse class.
        seed: Another one draws another split.

    Returns:
        Split to coarse classes, sorted; their fine classes fill `SPLIT_SIZES`.
    """
    drawn: dict[Split, list[str]] = {split: [] for split in SPLITS}
    room = dict(zip(SPLITS, SPLIT_SIZES, strict=True))
    for coarse in sorted(sizes, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()):
        split = next(split for split in SPLITS if room[split] >= sizes[coarse])
        room[split] -= sizes[coarse]
        drawn[split].append(coarse)
    return {split: sorted(members) for split, members in drawn.items()}


def read_lists(archive: Path) -> dict[str, str]:
    """Read what is to be seen where: path of a photograph to "<Coarse>/<Fine>".

    Raises:
        DataError: A list is not there or cannot be understood.
    """
    tables = {
        _inside(name): content
        for suffix in (".txt", ".csv")
        for name, content in read_members(archive, suffix, max_member_bytes=_MAX_FILE_BYTES)
        if _inside(name) in (*_LISTS, _NAMES)
    }
    if missing := [name for name in (_NAMES, *_LISTS) if name not in tables]:
        raise _unusable(f"has no file {missing[0]!r}", "lists and names of the classes are expected")
    name_of = _parse(_NAMES, tables[_NAMES], {})
    return {path: name for table in _LISTS for path, name in _parse(table, tables[table], name_of).items()}


def _parse(table: str, content: bytes, name_of: Mapping[str, str]) -> dict[str, str]:
    """Read one of the tables: number of a class to its name, or path of a photograph to it."""
    try:
        lines = list(csv.reader(content.decode().splitlines(), skipinitialspace=True))
        if table == _NAMES:  # it has a line of headings
            return {number: f"{coarse}/{fine}" for fine, number, coarse, *_ in lines[1:]}
        return {f"dataset/{path}": name_of[number] for path, number, _ in lines}
    except (ValueError, KeyError, csv.Error) as error:
        raise _unusable(f"has file {table!r} that cannot be read ({error})", "a table is expected") from error


def decode_listed(archive: Path, paths: Mapping[str, object]) -> dict[str, NDArray[np.uint8]]:
    """Decode the photographs at these paths, each (3, 84, 84).

    Raises:
        DataError: One is not there or damaged.
    """
    from metabench_plugins.datasets import _photographs  # noqa: PLC0415 - listing datasets decodes nothing

    decoded = {
        _inside(name): _photographs.decode(name, content)
        for name, content in read_members(archive, ".jpg", max_member_bytes=_MAX_FILE_BYTES)
        if _inside(name) in paths
    }
    if missing := sorted(set(paths) - set(decoded)):
        raise _unusable(
            f"has no photograph {missing[0]!r} and lacks {len(missing)} in all",
            "all that it lists are expected",
        )
    return decoded


def _inside(name: str) -> str:
    """The path below the archive's one folder, which is named after whatever made the archive."""
    return name.partition("/")[2]


def _unusable(got: str, expected: str) -> DataError:
    return DataError(f"Archive 'GroceryStoreDataset.zip' {got}; {expected}. Fetch it again.")


GROCERY = Recipe(
    name="grocery",
    title="Photographs of 81 groceries in shops, 84x84 colour; split by kind",
    modality="image",
    backbone="conv4",
    licence="MIT, 2019 Marcus Klasson",
    citation=(
        "M. Klasson, C. Zhang, H. Kjellström. A hierarchical grocery store image dataset with visual and "
        "semantic labels. WACV 2019."
    ),
    sources=(
        # Packed anew for whoever asks, so that neither its size nor its checksum is known beforehand.
        Source(
            "grocery/GroceryStoreDataset.zip",
            f"https://codeload.github.com/marcusklasson/GroceryStoreDataset/zip/{_COMMIT}",
            size=None,
            checksum=None,
        ),
    ),
    content_hash="5fae753bda0c3f3ef3eae44976043a52d71691c086ebb186908192ae693904e0",
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `grocery`."""
    return [GROCERY]
