import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metabench.episodes.manifest import draw_all
from metabench.episodes.sampler import EpisodeIndices
from metabench.episodes.stream import named_stream
from metabench.errors import DataError
from metabench.referee.disguise import disguise, fingerprint, secret_stream
from metabench.spec.protocol import Protocol

PROTOCOL = Protocol(n_way=5, n_shot=2, n_query=3)
STARTS = np.arange(0, 201, 10)


N_EPISODES = 40


@pytest.fixture
def batches() -> tuple[EpisodeIndices, ...]:
    return draw_all(STARTS, PROTOCOL, named_stream("episodes"), N_EPISODES)


def joined(parts) -> np.ndarray:
    return np.concatenate(list(parts))


def test_a_right_answer_to_what_is_shown_is_right_when_it_is_revealed(batches):
    questions = disguise(batches, named_stream("secret"))
    class_of = STARTS.searchsorted(questions.examples, side="right") - 1
    for canonical, batch in zip(batches, questions.batches, strict=True):
        shown = np.zeros((*batch.query.shape, 5), np.float32)
        for episode in range(len(batch)):
            classes = class_of[batch.support[episode]]
            labels = dict(zip(classes, batch.support_labels[episode], strict=True))
            for k, example in enumerate(batch.query[episode]):
                shown[episode, k, labels[class_of[example]]] = 1
        assert np.array_equal(batch.reveal(shown).argmax(-1), canonical.query_labels)


def test_reveal_undoes_both_permutations(batches):
    batch = disguise(batches, named_stream("secret")).batches[0]
    logits = np.random.default_rng(0).normal(size=(len(batch), 15, 5)).astype(np.float32)
    shown = np.empty_like(logits)
    for episode, queries in enumerate(batch.query_order):
        for k, query in enumerate(queries):
            shown[episode, k, batch.label_order[episode]] = logits[episode, query]
    assert np.array_equal(batch.reveal(shown), logits)


def test_each_episode_is_shown_with_its_own_examples_and_a_permutation_of_its_labels(batches):
    questions = disguise(batches, named_stream("secret"))
    assert len(questions) == N_EPISODES
    for canonical, batch in zip(batches, questions.batches, strict=True):
        for part, shown in ((canonical.support, batch.support), (canonical.query, batch.query)):
            assert np.array_equal(np.sort(questions.examples[shown]), np.sort(part))
        assert np.array_equal(np.sort(batch.label_order), np.tile(np.arange(5), (len(batch), 1)))
        assert np.array_equal(
            np.sort(batch.support_labels), np.tile(np.repeat(np.arange(5), 2), (len(batch), 1))
        )


def test_nothing_of_the_canonical_order_remains(batches):
    questions = disguise(batches, named_stream("secret"))
    pairs = list(zip(batches, questions.batches, strict=True))
    chance = 1 / 5
    same_class = joined((shown.label_order == np.arange(5)).ravel() for _, shown in pairs)
    same_label = joined((one.support_labels == shown.support_labels).ravel() for one, shown in pairs)
    same_place = joined((shown.query_order == np.arange(15)).ravel() for _, shown in pairs)
    same_query = joined((one.query == questions.examples[shown.query]).ravel() for one, shown in pairs)
    assert abs(same_class.mean() - chance) < 0.1
    assert abs(same_label.mean() - chance) < 0.1
    assert abs(same_place.mean() - 1 / 15) < 0.05
    assert abs(same_query.mean() - 1 / 15) < 0.05
    n_shown = len(questions.examples)
    assert abs(np.corrcoef(questions.examples, np.arange(n_shown))[0, 1]) < 4 / np.sqrt(n_shown)


def test_no_two_episodes_are_permuted_alike_because_they_stand_at_one_place_of_their_batch(batches):
    first, second = disguise(batches, named_stream("secret")).batches[:2]
    assert not np.array_equal(first.label_order, second.label_order)
    assert not np.array_equal(first.query_order, second.query_order)


def test_the_first_questions_are_the_same_questions(batches):
    questions = disguise(batches, named_stream("secret"))
    few = questions.first(23)
    assert len(few) == 23
    assert few.examples is questions.examples
    for one, other in zip(few.batches, questions.batches, strict=False):
        assert np.array_equal(one.query, other.query[: len(one)])
        assert np.array_equal(one.label_order, other.label_order[: len(one)])


def test_single_questions_are_the_same_questions_wherever_they_stand(batches):
    questions = disguise(batches, named_stream("secret"))
    some = questions.only([0, 19, 20, 39])
    assert [len(batch) for batch in some.batches] == [1, 1, 1, 1]
    assert some.examples is questions.examples
    places = [(0, 0), (0, 19), (1, 0), (1, 19)]
    for one, (batch, index) in zip(some.batches, places, strict=True):
        for name in ("support", "support_labels", "query", "label_order", "query_order"):
            whole = getattr(questions.batches[batch], name)
            assert np.array_equal(getattr(one, name), whole[index : index + 1])


def test_a_fingerprint_tells_secrets_apart(tmp_path):
    secrets = [
        secret_stream(tmp_path / home, run) for home, run in (("one", "a"), ("one", "b"), ("two", "a"))
    ]
    assert len({fingerprint(one) for one in secrets}) == 3
    assert fingerprint(secrets[0]) == fingerprint(secret_stream(tmp_path / "one", "a"))
    assert all(str(word) not in fingerprint(secrets[0]) for word in secrets[0].key)


def test_the_same_key_and_identity_ask_the_same_and_any_other_asks_otherwise(batches, tmp_path):
    asked = [
        disguise(batches, secret_stream(tmp_path / home, identity))
        for home, identity in (("one", "run"), ("one", "run"), ("one", "other run"), ("two", "run"))
    ]
    orders = [joined(batch.label_order for batch in one.batches) for one in asked]
    assert np.array_equal(asked[0].examples, asked[1].examples)
    assert np.array_equal(orders[0], orders[1])
    for examples, order in zip([one.examples for one in asked[2:]], orders[2:], strict=True):
        assert not np.array_equal(orders[0], order)
        assert not np.array_equal(asked[0].examples, examples)


def test_the_key_is_readable_by_its_owner_alone(tmp_path):
    secret_stream(tmp_path / "home", "run")
    (key,) = (tmp_path / "home").iterdir()
    assert key.name == "machine.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32


def test_processes_that_begin_at_once_make_one_key(tmp_path):
    told = "import sys; from pathlib import Path; from metabench.referee.disguise import secret_stream; "
    told += "sys.stdin.read(1); print(secret_stream(Path(sys.argv[1]), 'run').key)"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", told, str(tmp_path / "home")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for maker in makers:
        maker.stdin.write("go")
        maker.stdin.flush()
    assert len({maker.communicate()[0] for maker in makers}) == 1
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["machine.key"]


def test_a_damaged_key_is_refused(tmp_path):
    Path(tmp_path / "machine.key").write_bytes(b"short")
    with pytest.raises(DataError, match=r"machine.key' has 5 bytes; expected 32\. Delete it"):
        secret_stream(tmp_path, "run")
