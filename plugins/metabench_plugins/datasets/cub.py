"""Dataset `cub`: photographs of 200 kinds of birds, in the split of Chen et al. (2019).

100 kinds for meta_train, 50 for meta_val and 50 for meta_test: upstream's training and test photographs are
merged. The largest square about the centre of the whole photograph is taken and resized to 84x84. The
published bounding boxes are not used, since they tell where the bird is; papers that crop by them report
higher numbers, which do not compare.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.archive import read_tar_members
from metabench.data.recipe import ClassExamples, Recipe, Source
from metabench.errors import DataError
from metabench.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

SPLIT_FILE = Path(__file__).with_name("cub.json")

_LIST = "CUB_200_2011/images.txt"
_PHOTOGRAPH = re.compile(r"CUB_200_2011/images/(?P<path>\d{3}\.[^/]+/[^/.][^/]*\.jpg)")
_MAX_MEMBER_BYTES = 2**28  # the answers about attributes take 96 MB


def build(files: Mapping[str, Path], split_file: Path = SPLIT_FILE) -> Iterator[ClassExamples]:
    """Read the photographs.

    Args:
        files: The archive, by `Source.path`.
        split_file: Split to classes.

    Yields:
        "NNN.Kind" in the order of the names, each with its photographs in the order of their file names:
        (n_examples, 3, 84, 84).

    Raises:
        DataError: The archive or a photograph cannot be read, or one that it lists is not there.
    """
    import numpy as np  # noqa: PLC0415 - listing datasets decodes nothing

    from metabench_plugins.datasets._class_split import read_split  # noqa: PLC0415 - with the others

    (archive,) = files.values()
    split = read_split(split_file)
    photographs = read_photographs(archive)
    members: dict[str, list[NDArray[np.uint8]]] = {}
    for path in sorted(photographs):
        members.setdefault(path.partition("/")[0], []).append(photographs[path])
    if differing := set(split) ^ set(members):
        raise _unusable(archive, f"and the class split differ in {min(differing)!r}", "200 kinds are")
    for name in sorted(split):
        yield ClassExamples(name, split[name], np.stack(members[name]))


def read_photographs(archive: Path) -> dict[str, NDArray[np.uint8]]:
    """Decode the photographs that the archive lists: "NNN.Kind/<file>" to (3, 84, 84).

    Raises:
        DataError: The archive or a photograph cannot be read, or one that it lists is not there.
    """
    from metabench_plugins.datasets import _photographs  # noqa: PLC0415 - listing datasets decodes nothing

    photographs, listed = {}, None
    for name, content in read_tar_members(archive, max_member_bytes=_MAX_MEMBER_BYTES):
        if place := _PHOTOGRAPH.fullmatch(name):
            photographs[place["path"]] = _photographs.decode(name, content)
        elif name == _LIST:
            listed = [line.partition(" ")[2] for line in content.decode(errors="replace").splitlines()]
    if listed is None:
        raise _unusable(archive, f"has no file {_LIST!r}", "the list of the photographs is")
    if missing := sorted(set(listed) - set(photographs)):
        got = f"has no photograph {missing[0]!r} and lacks {len(missing)} in all"
        raise _unusable(archive, got, "all that it lists are")
    return {path: photographs[path] for path in listed}


def _unusable(archive: Path, got: str, expected: str) -> DataError:
    message = f"Archive {archive.name!r} {got}; {expected} expected."
    return DataError(f"{message} Fetch it from its official address.")


CUB = Recipe(
    name="cub",
    title="Photographs of 200 kinds of birds, 84x84 colour; split of Chen et al.",
    modality="image",
    backbone="conv4",
    licence="Rights of the photographs are their owners'; non-commercial research and education only",
    citation=(
        "C. Wah, S. Branson, P. Welinder, P. Perona, S. Belongie. The Caltech-UCSD Birds-200-2011 dataset. "
        "Technical report CNS-TR-2011-001, California Institute of Technology, 2011. Split: W.-Y. Chen et "
        "al. A closer look at few-shot classification. ICLR 2019."
    ),
    sources=(
        Source(
            "cub/CUB_200_2011.tgz",
            "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",
            size=1_150_585_339,
            checksum="sha256:0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
        ),
    ),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `cub`."""
    return [CUB]
