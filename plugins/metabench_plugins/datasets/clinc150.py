"""Dataset `clinc150`: requests to an assistant, 150 intents of ten domains with 150 requests each.

Five published divisions of the intents into 50 for meta_train, 50 for meta_val and 50 for meta_test:
`clinc150` is the first, `clinc150-fold2` … `clinc150-fold5` are the others. Upstream's training,
validation and test files are merged, in this order; requests out of scope belong to no intent and are
left out. Four requests have two intents each, and are kept with both.

Expected: `metabench evaluate protonet centroid --benchmark clinc150-5w1s --budget 5m`, two CPU cores:
ProtoNet 75.92 % [75.07, 76.77], the untrained floor 60.95 % [60.19, 61.71], 600 episodes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe, Source
from metabench.hooks import hookimpl
from metabench_plugins.datasets._utterances import fold_name, group, read_folds, read_json, unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples
    from metabench_plugins.datasets._utterances import Labelled

FOLDS_FILE = Path(__file__).with_name("clinc150_folds.json")
_PARTS = ("train", "val", "test")

# Of all folds alike: the hash is that of the classes, in whatever split.
CONTENT_HASH = "d63b077bcf82c93613526b9ff05dd8127a37e594dd1d5e3e8f4cb66fd2b64ec5"


def build(files: Mapping[str, Path], *, fold: str) -> Iterator[ClassExamples]:
    """Read the requests of each intent.

    Args:
        files: The file, by `Source.path`.
        fold: "1" … "5".
    """
    (file,) = files.values()
    return group("clinc150", _read(file), read_folds(FOLDS_FILE)[fold])


def _read(file: Path) -> Iterator[Labelled]:
    told = read_json("clinc150", file)
    for part in _PARTS:
        for row in told.get(part, ()):
            match row:
                case [str(text), str(intent)]:
                    yield intent, text
                case _:
                    raise unexpected("clinc150", f"has {row!r} in {part!r}")


def _recipe(fold: str) -> Recipe:
    return Recipe(
        name=fold_name("clinc150", fold),
        title=f"Requests to an assistant, 150 intents of ten domains; published fold {fold} of 5",
        modality="text",
        backbone="bilstm",
        licence="CC BY 3.0, 2019 Clinc, Inc.",
        citation=(
            "S. Larson et al. An evaluation dataset for intent classification and out-of-scope prediction. "
            "EMNLP 2019. Folds: T. Dopierre, C. Gravier, W. Logerais. ProtAugment: intent detection "
            "meta-learning through unsupervised diverse paraphrasing. ACL 2021."
        ),
        sources=(
            Source(
                "clinc150/data_full.json",
                "https://raw.githubusercontent.com/clinc/oos-eval/master/data/data_full.json",
                size=2_495_390,
                checksum="sha256:36923c3705a59e08fe9c3883d8bc2dd966ef93e22cb78ac41171782a698d56e0",
            ),
        ),
        content_hash=CONTENT_HASH,
        build=partial(build, fold=fold),
    )


CLINC150 = tuple(map(_recipe, "12345"))


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare the five folds."""
    return list(CLINC150)
