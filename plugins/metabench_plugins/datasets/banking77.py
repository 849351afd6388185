"""Dataset `banking77`: questions to a bank, 77 intents of one domain.

Five published divisions of the intents into 25 for meta_train, 25 for meta_val and 27 for meta_test:
`banking77` is the first, `banking77-fold2` … `banking77-fold5` are the others. Upstream's training and
test files are merged, in this order; white space around a question is taken off. Questions that stand
there twice are kept.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe, Source
from metabench.hooks import hookimpl
from metabench_plugins.datasets._utterances import fold_name, group, read_csv, read_folds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples

FOLDS_FILE = Path(__file__).with_name("banking77_folds.json")
# Of all folds alike: the hash is that of the classes, in whatever split.
CONTENT_HASH = "b9af0163a469f10625df43ed36356013b2f5dca4fa7dec8243aac6e123f6a49d"


def build(files: Mapping[str, Path], *, fold: str) -> Iterator[ClassExamples]:
    """Read the questions of each intent.

    Args:
        files: Training and test file, by `Source.path`.
        fold: "1" … "5".
    """
    labelled = (one for file in files.values() for one in read_csv("banking77", file, "text", "category"))
    return group("banking77", labelled, read_folds(FOLDS_FILE)[fold])


def _source(file: str, size: int, sha256: str) -> Source:
    """Name a file of the official repository."""
    url = f"https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/{file}"
    return Source(f"banking77/{file}", url, size, f"sha256:{sha256}")


def _recipe(fold: str) -> Recipe:
    return Recipe(
        name=fold_name("banking77", fold),
        title=f"Questions to a bank, 77 intents of one domain; published fold {fold} of 5",
        modality="text",
        backbone="bilstm",
        licence="CC BY 4.0, 2020 PolyAI",
        citation=(
            "I. Casanueva et al. Efficient intent detection with dual sentence encoders. NLP for ConvAI "
            "2020. Folds: T. Dopierre, C. Gravier, W. Logerais. ProtAugment: intent detection meta-learning "
            "through unsupervised diverse paraphrasing. ACL 2021."
        ),
        sources=(
            _source("train.csv", 839_073, "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b"),
            _source("test.csv", 239_961, "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d"),
        ),
        content_hash=CONTENT_HASH,
        build=partial(build, fold=fold),
    )


BANKING77 = tuple(map(_recipe, "12345"))


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare the five folds."""
    return list(BANKING77)
