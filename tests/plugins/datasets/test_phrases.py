"""Everyday utterances: enough of them, domains apart, and no intent given away by its words."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from metabench.data.places import Places
from metabench.data.recipe import SPLITS, ClassExamples
from metabench.data.store import open_dataset
from metabench_plugins.datasets import phrases
from metabench_plugins.datasets.phrases import DOMAINS, PHRASES, read_sections

N_EPISODES = 300


THINGS = read_sections(Path(phrases.__file__).with_name("phrases") / "things.txt")


@pytest.fixture(scope="module")
def classes() -> list[ClassExamples]:
    return list(phrases.build({}))


def test_there_are_enough_intents_and_utterances(classes):
    assert len(classes) >= 60
    assert min(len(one.examples) for one in classes) >= 40


def test_whole_domains_are_kept_apart(classes):
    domains = {split: {one.name.split("/")[0] for one in classes if one.split == split} for split in SPLITS}

    assert [len(domains[split]) for split in SPLITS] == [5, 2, 3]
    assert len(set.union(*domains.values())) == len(DOMAINS) == 10


def test_every_intent_is_in_every_domain(classes):
    names = {tuple(one.name.split("/")) for one in classes}

    assert len(names) == len(DOMAINS) * len({intent for _, intent in names})


def test_wordings_are_kept_from_the_domains_that_are_learned_from(classes):
    seen, unseen = (
        {text for one in classes for text in worded(one) if (one.split == "meta_train") is learned}
        for learned in (True, False)
    )

    assert [len(part) for part in (seen - unseen, seen & unseen, unseen - seen)] == [96, 240, 96]


def worded(one: ClassExamples) -> set[str]:
    """The wordings of an intent: its texts without the thing that they are about."""
    longest_first = sorted(THINGS[one.name.split("/")[0]], key=len, reverse=True)
    return {re.sub("|".join(map(re.escape, longest_first)), "{}", text) for text in one.examples}


def test_every_thing_is_spoken_of_with_every_intent(classes):
    for one in classes:
        for thing in THINGS[one.name.split("/")[0]]:
            assert any(thing in text for text in one.examples), (one.name, thing)


def test_no_utterance_stands_there_twice(classes):
    plain = Counter(re.sub(r"\W+", " ", text).strip().lower() for one in classes for text in one.examples)

    assert [text for text, count in plain.items() if count > 1] == []


def test_the_recorded_content_is_built(tmp_path):
    dataset = open_dataset(PHRASES, Places(tmp_path, None))

    assert dataset.content_hash == PHRASES.content_hash
    assert dataset.duplicates == ()


def test_sections_are_read_with_their_entries(tmp_path: Path):
    file = tmp_path / "garden.txt"
    file.write_text("# plants\nan oak\n the mint \n\n# tools\nthe spade\n")

    assert read_sections(file) == {"plants": ["an oak", "the mint"], "tools": ["the spade"]}


def counts(classes: list[ClassExamples]) -> list[np.ndarray]:
    """Of each class, how often each utterance has each word, weighted by rarity, (n_texts, n_words)."""
    words = [[re.findall(r"\w+", text.lower()) for text in one.examples] for one in classes]
    number = {word: n for n, word in enumerate(sorted({w for own in words for text in own for w in text}))}
    tables = [np.zeros((len(own), len(number))) for own in words]
    for table, own in zip(tables, words, strict=True):
        for row, text in zip(table, own, strict=True):
            for word in text:
                row[number[word]] += 1
    n_with = sum((table > 0).sum(0) for table in tables)
    rarity = np.log(sum(map(len, tables)) / n_with)
    weighted = [table * rarity for table in tables]
    return [table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9) for table in weighted]


def accuracy(tables: list[np.ndarray], n_shot: int) -> float:
    """Of the nearest class mean of counted words, 5-way, 15 queries per class."""
    rng = np.random.default_rng(0)
    correct = []
    for _ in range(N_EPISODES):
        drawn = [
            tables[c][rng.permutation(len(tables[c]))[: n_shot + 15]]
            for c in rng.permutation(len(tables))[:5]
        ]
        means = np.stack([one[:n_shot].mean(0) for one in drawn])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        answers = np.stack([(one[n_shot:] @ means.T).argmax(1) for one in drawn])
        correct.append((answers == np.arange(5)[:, None]).mean())
    return float(np.mean(correct))


# It gets 25.6 % and 31.4 %. ProtoNet on bilstm, trained for 25 s: 56.7 % and 68.0 %, by
# `metabench evaluate protonet --benchmark phrases-5w1s --benchmark phrases-5w5s --budget 25s`.
@pytest.mark.parametrize(("n_shot", "bound"), [(1, 0.35), (5, 0.45)])
def test_counting_words_does_not_solve_it(classes, n_shot, bound):
    tables = counts([one for one in classes if one.split == "meta_test"])

    assert 0.2 < accuracy(tables, n_shot) < bound


def test_the_hook_declares_phrases():
    assert phrases.metabench_datasets() == [PHRASES]
    assert PHRASES.sources == ()
