"""Dataset `liu54`: requests to a robot at home, 54 intents across domains, of very uneven sizes.

All 25,478 annotated requests of Liu et al. (2019), as they are published with five divisions of the
intents into three times 18: `liu54` is the first, `liu54-fold2` … `liu54-fold5` are the others. An intent
is what is asked for in whatever domain, so `query` has 5,920 requests and `volume_other` has 24.
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

FOLDS_FILE = Path(__file__).with_name("liu54_folds.json")
# Of all folds alike: the hash is that of the classes, in whatever split.
CONTENT_HASH = "db046b1b3f9897c4553e49e7752b3b180393619f1adeb5fb127927cad22bdcfa"
# The commit whose files and folds the results on them are published for.
_COMMIT = "6352ababa740133708daed815666b5bf39850d98"


def build(files: Mapping[str, Path], *, fold: str) -> Iterator[ClassExamples]:
    """Read the requests of each intent.

    Args:
        files: The file, by `Source.path`.
        fold: "1" … "5".
    """
    (file,) = files.values()
    return group("liu54", read_jsonl("liu54", file, "sentence", "label"), read_folds(FOLDS_FILE)[fold])


def _recipe(fold: str) -> Recipe:
    return Recipe(
        name=fold_name("liu54", fold),
        title=f"Requests to a robot at home, 54 intents across domains; published fold {fold} of 5",
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
                "liu54/full.jsonl",
                f"https://raw.githubusercontent.com/tdopierre/ProtAugment/{_COMMIT}/data/Liu/full.jsonl",
                size=1_802_881,
                checksum="sha256:d4860503f63e87874c6b385e5e70bcc38d4d247f03a86d99047de7a182923b38",
            ),
        ),
        content_hash=CONTENT_HASH,
        build=partial(build, fold=fold),
    )


LIU54 = tuple(map(_recipe, "12345"))


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare the five folds."""
    return list(LIU54)
