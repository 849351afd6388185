"""Benchmarks of texts made ready, within a dataset and across two."""

import numpy as np
import pytest

from metabench.data.places import Places
from metabench.data.recipe import SPLITS, ClassExamples, Recipe
from metabench.errors import UsageError
from metabench.results.arena import make_ready, told_benchmark
from metabench.spec.benchmark import standard_benchmark
from metabench.spec.protocol import Protocol
from metabench.spec.tokenizer import Tokenizer

PROTOCOL = Protocol(2, 1, 2)


def recipe(name: str, modality: str = "text") -> Recipe:
    """Six classes of three texts, or images, with words that no other dataset has."""

    def build(_files):
        for number in range(6):
            label, split = f"class{number}", SPLITS[number // 2]
            texts = tuple(f"{name} {name}{number} {text}" for text in range(3))
            images = np.zeros((3, 1, 2, 2), dtype=np.uint8)
            yield ClassExamples(label, split, texts if modality == "text" else images)

    return Recipe(name, "", modality, "bag", "", "", (), None, build)


RECIPES = {"one": recipe("one"), "two": recipe("two"), "pictures": recipe("pictures", "image")}


@pytest.fixture
def ready(tmp_path):
    def make(dataset: str, source: str | None = None):
        places = Places(tmp_path, None)
        return make_ready(standard_benchmark(dataset, PROTOCOL, source), RECIPES, places), places

    return make


def test_a_benchmark_is_the_same_through_every_tokenizer(ready):
    arena, places = ready("one")
    words, pieces = (arena.tokenized(Tokenizer(kind, length=8), places) for kind in ("word", "bpe"))

    assert arena.dataset.example_shape == ()
    assert words.part == pieces.part == arena.part
    assert words.episodes is arena.episodes
    assert words.dataset.example_shape == (8,)
    assert words.dataset.n_tokens != pieces.dataset.n_tokens


def test_across_domains_words_of_the_target_are_unknown(ready):
    arena, places = ready("two", source="one")
    opened = arena.tokenized(Tokenizer(length=3), places).dataset

    # Only "one" and the numbers of texts stand in meta_train, besides [PAD] and [UNK].
    known = set(np.unique(opened.pools["meta_train"].numbers))
    seen = opened.pools["meta_test"].numbers
    assert set(np.unique(seen)) <= known | {1}
    assert (np.asarray(seen)[:, 0] == 1).all()
    assert (arena.part.dataset.name, arena.part.source.name) == ("two", "one")


@pytest.mark.parametrize("source", [None, "one"])
def test_a_benchmark_is_known_again_from_what_records_tell(ready, source):
    arena, _ = ready("two", source)

    assert told_benchmark(arena.part) == standard_benchmark("two", PROTOCOL, source)


def test_texts_and_images_do_not_mix(ready):
    with pytest.raises(UsageError, match="Dataset 'pictures' has images, 'one' has texts"):
        ready("pictures", source="one")
