"""Texts as Bao et al. (2020) publish them: one archive, a file of JSON lines for each dataset.

A line has the tokens of a text and the number of its class. Files of other datasets in the archive are
large, so the limit for a member is above the usual one; only the file that is asked for is unpacked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metabench.data.archive import read_members
from metabench.data.recipe import Source
from metabench_plugins.datasets._utterances import unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metabench_plugins.datasets._utterances import Labelled

SOURCE = Source(
    "distributional-signatures/data.zip",
    "https://people.csail.mit.edu/yujia/files/distributional-signatures/data.zip",
    size=None,
    checksum=None,
)
CITATION = (
    "Y. Bao, M. Wu, S. Chang, R. Barzilay. Few-shot text classification with distributional signatures. "
    "ICLR 2020."
)
# As in the experiments of the paper.
MOST_TOKENS = 500
_MAX_MEMBER_BYTES = 512 * 2**20


def read(dataset: str, archive: Path, member: str, class_names: tuple[str, ...]) -> Iterator[Labelled]:
    """Read class and text of each line; texts of no token are left out.

    Args:
        dataset: For messages.
        archive: data.zip.
        member: Name of the file in the archive, e.g. "huffpost.json".
        class_names: Name of each class by its number.

    Raises:
        DataError: The archive has no such file, or a line of it is no text.
    """
    found = [
        content
        for name, content in read_members(archive, member, max_member_bytes=_MAX_MEMBER_BYTES)
        if name.rpartition("/")[2] == member
    ]
    if len(found) != 1:
        raise unexpected(dataset, f"has {len(found)} files {member!r} in {archive.name!r}")
    for number, line in enumerate(found[0].splitlines(), start=1):
        try:
            row = json.loads(line)
            name, text = class_names[int(row["label"])], " ".join(row["text"][:MOST_TOKENS])
        except (ValueError, LookupError, TypeError) as error:
            raise unexpected(dataset, f"has line {number} of {member!r} that is no text ({error})") from error
        if text.strip():
            yield name, text
