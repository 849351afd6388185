"""Dataset `hwu64`: requests to a robot at home, 64 intents of 18 domains.

The 11,036 requests that Liu et al. (2019) took for their comparison (their first fold of ten, training
and test together), as they are published with five divisions of the intents by whole domains:
`hwu64` is the first, `hwu64-fold2` … `hwu64-fold5` are the others. The intents are divided unevenly, into
16 to 30 for meta_train, 11 to 23 for meta_val and 19 to 29 for meta_test. Classes are "domain/intent".
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe, Source
from metabench.hooks import hookimpl
from metabench_plugins.datasets._utterances import fold_name, group, read_folds, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples

FOLDS_FILE = Path(__file__).with_name("hwu64_folds.json")
# Of all folds alike: the hash is that of the classes, in whatever split.
CONTENT_HASH = "acd4b3ef7c37015b75d19a6158a150b79791c36e232414a31294270b1fe9bb34"
# The commit whose files and folds the results on them are published for.
_COMMIT = "6352ababa740133708daed815666b5bf39850d98"


def build(files: Mapping[str, Path], *, fold: str) -> Iterator[ClassExamples]:
    """Read the requests of each intent.

    Args:
        files: The file, by `Source.path`.
        fold: "1" … "5".
    """
    (file,) = files.values()
    return group("hwu64", read_jsonl("hwu64", file, "sentence", "label"), read_folds(FOLDS_FILE)[fold])


def _recipe(fold: str) -> Recipe:
    return Recipe(
        name=fold_name("hwu64", fold),
        title=f"Requests to a robot at home, 64 intents of 18 domains; published fold {fold} of 5",
        modality="text",
        backbone="bilstm",
        licence="CC BY 4.0, 2019 Xingkun Liu and others",
        citation=(
            "X. Liu, A. Eshghi, P. Swietojanski, V. Rieser. Benchmarking natural language understanding "
            "services for building conversational agents. IWSDS 2019. Folds: T. Dopierre, C. Gravier, "
            "W. Logerais. ProtAugment: intent detection meta-learning through unsupervised diverse "
            "paraphrasing. ACL 2021."
        ),
        sources=(
            Source(
                "hwu64/full.jsonl",
                f"https://raw.githubusercontent.com/tdopierre/ProtAugment/{_COMMIT}/data/HWU64/full.jsonl",
                size=851_795,
                checksum="sha256:a4c337fc8d12a5b62715d80e6df3b51bea20d137da0a833e8eb584e90c429d13",
            ),
        ),
        content_hash=CONTENT_HASH,
        build=partial(build, fold=fold),
    )


HWU64 = tuple(map(_recipe, "12345"))


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare the five folds."""
    return list(HWU64)
