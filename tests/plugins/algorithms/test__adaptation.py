"""Adaptation by gradients: the steps, and what all methods have in common that take them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from metabench.api.backbone import BackboneSetting
from metabench.contestant.state import from_bytes, to_bytes
from metabench_plugins.algorithms._adaptation import descend
from metabench_plugins.algorithms.anil import ANIL
from metabench_plugins.algorithms.attention_maml import AttentionMAML
from metabench_plugins.algorithms.fomaml import FOMAML
from metabench_plugins.algorithms.maml import MAML
from metabench_plugins.algorithms.meta_lstm import MetaLSTM
from metabench_plugins.algorithms.meta_sgd import MetaSGD
from metabench_plugins.algorithms.metagan_maml import MetaGANMAML
from metabench_plugins.algorithms.platipus import PLATIPUS
from metabench_plugins.algorithms.reptile import Reptile
from metabench_plugins.algorithms.reptile_transductive import ReptileTransductive
from metabench_plugins.backbones.bag import Bag

INDUCTIVE = [MAML, FOMAML, ANIL, MetaSGD, Reptile, PLATIPUS, MetaLSTM, AttentionMAML, MetaGANMAML]
EVERY = [*INDUCTIVE, ReptileTransductive]
OF_ONE_STEP_SIZE = [ANIL, AttentionMAML, FOMAML, MAML, MetaGANMAML, MetaSGD, PLATIPUS]
# Those whose loss has a gradient.
DIFFERENTIATED = [MAML, FOMAML, ANIL, MetaSGD, PLATIPUS, MetaLSTM, MetaGANMAML]

IMAGES = {"shape": (1, 16, 16), "n": 2}


def start():
    return {"a": torch.tensor([1.0, -2.0], requires_grad=True), "b": torch.tensor(3.0, requires_grad=True)}


def bowl(weights):
    """Half the squares of a, and two squares of b: gradients a and 4 b."""
    return 0.5 * weights["a"].square().sum() + 2 * weights["b"].square()


def test_steps_have_one_size_or_one_for_each_number():
    one_size = descend(start(), bowl, rate=0.1, steps=2, second_order=False)
    sizes = {"a": torch.tensor([0.5, 1.0]), "b": torch.tensor(-0.25)}
    each = descend(start(), bowl, rate=sizes, steps=1, second_order=False)

    torch.testing.assert_close(one_size["a"], 0.81 * start()["a"])
    torch.testing.assert_close(one_size["b"], 0.36 * start()["b"])
    assert each["a"].tolist() == [0.5, 0.0]
    assert each["b"].item() == 6.0


@pytest.mark.parametrize("algorithm", EVERY)
@pytest.mark.parametrize(
    ("most_way", "train_n_way", "expected"), [(3, 0, 0), (3, 2, 2), (6, 0, 6), (6, 4, 6), (6, 9, 9)]
)
def test_where_ways_vary_an_episode_of_meta_training_has_the_most(
    toy, algorithm, most_way, train_n_way, expected
):
    learner = toy.learner(algorithm, n_way=3, most_way=most_way, train_n_way=train_n_way)

    assert learner.train_n_way == expected


@pytest.mark.parametrize(("second_order", "slopes"), [(True, (0.9, 0.6)), (False, (1.0, 1.0))])
def test_gradients_are_constants_in_first_order(second_order, slopes):
    weights = start()
    after = descend(weights, bowl, rate=0.1, steps=1, second_order=second_order)
    (after["a"].sum() + after["b"]).backward()

    torch.testing.assert_close(weights["a"].grad, torch.full((2,), slopes[0]))
    torch.testing.assert_close(weights["b"].grad, torch.tensor(slopes[1]))


def test_steps_leave_where_they_start_as_it_was():
    weights = start()
    with torch.no_grad():
        descend(weights, bowl, rate=0.1, steps=3, second_order=False)

    assert weights["a"].tolist() == [1.0, -2.0]
    assert weights["a"].grad is None


def uneven(episodes):
    """Three ways with one, two and three examples of a support of six, mixed."""
    return replace(episodes, support_labels=torch.tensor([2, 0, 1, 2, 1, 2]).repeat(len(episodes), 1))


@pytest.mark.parametrize("algorithm", INDUCTIVE)
def test_an_answer_depends_on_its_own_query_and_support_alone(toy, algorithm):
    learner = toy.learner(algorithm, backbone=toy.Conv4, shape=IMAGES["shape"]).double()
    episodes = toy.episodes(**IMAGES, dtype=torch.float64)
    together = learner.answer(episodes)

    backwards = learner.answer(replace(episodes, query=episodes.query.flip(1)))
    torch.testing.assert_close(backwards.flip(1), together)
    louder = torch.cat([episodes.query[:, :1], 100 * episodes.query[:, 1:]], dim=1)
    torch.testing.assert_close(learner.answer(replace(episodes, query=louder))[:, :1], together[:, :1])
    alone = learner.answer(replace(episodes, query=episodes.query[:, :1]))
    torch.testing.assert_close(alone, together[:, :1])
    torch.testing.assert_close(learner.answer(episodes.at(slice(1, 2))), together[1:])


@pytest.mark.parametrize("algorithm", EVERY)
def test_it_answers_any_ways_and_shots(toy, algorithm):
    learner = toy.learner(algorithm, n_way=5, n_shot=1)
    few, many = toy.episodes(n_way=2, n_shot=4), toy.episodes(n_way=5, n_shot=3, n_query=1)

    for episodes, shape in ((few, (2, 4, 2)), (many, (2, 5, 5)), (uneven(toy.episodes()), (2, 6, 3))):
        answer = learner.answer(episodes)
        assert answer.shape == shape
        assert bool(answer.isfinite().all())


@pytest.mark.parametrize("algorithm", EVERY)
def test_answers_come_from_the_support(toy, algorithm):
    learner, episodes = toy.learner(algorithm), toy.episodes()
    renamed = replace(episodes, support_labels=(episodes.support_labels + 1) % 3)

    assert not torch.allclose(learner.answer(renamed), learner.answer(episodes), atol=1e-3)


@pytest.mark.parametrize("algorithm", EVERY)
def test_predicting_changes_nothing(toy, algorithm):
    learner = toy.learner(algorithm, backbone=toy.Conv4, shape=IMAGES["shape"])
    episodes = toy.episodes(**IMAGES)
    before = {name: value.clone() for name, value in learner.state_dict().items()}

    torch.manual_seed(1)
    first = learner.answer(episodes)
    drawn = torch.rand(1)
    second = learner.answer(episodes)

    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), drawn)
    assert torch.equal(first, second)
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert all(weight.grad is None for weight in learner.parameters())
    assert all(part.training for part in learner.modules())


@pytest.mark.parametrize("algorithm", EVERY)
def test_its_state_is_all_that_it_knows(toy, algorithm):
    learner, other = toy.learner(algorithm), toy.learner(algorithm)
    from_bytes(other, np.array(to_bytes(learner)))

    assert torch.equal(other.answer(toy.episodes()), learner.answer(toy.episodes()))


@pytest.mark.parametrize("algorithm", DIFFERENTIATED)
def test_every_weight_gets_a_finite_gradient(toy, algorithm):
    learner = toy.learner(algorithm, inner_lr=0.3)
    for episodes in (toy.episodes(), uneven(toy.episodes())):
        learner.zero_grad()
        learner.loss(learner.seen(episodes)).backward()
        for name, weight in learner.named_parameters():
            assert weight.grad is not None, name
            assert bool(weight.grad.isfinite().all()), name
            assert bool((weight.grad != 0).any()), name


@pytest.mark.parametrize("algorithm", EVERY)
def test_texts_are_answered(toy, algorithm):
    class Texts(Bag):
        """Words of a small language."""

        def __init__(self, setting):
            super().__init__(BackboneSetting(setting.options, (6,), n_tokens=30))

    learner = toy.learner(algorithm, backbone=Texts)
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 30, (2, 6, 6), generator=rng)
    # The last places of every second text are padding.
    ids[:, ::2, 4:] = 0
    texts = {"ids": ids, "mask": ids != 0}
    episodes = replace(
        toy.episodes(), support=texts, query={name: one.flip(1) for name, one in texts.items()}
    )

    answer = learner.answer(episodes)
    assert answer.shape == (2, 6, 3)
    assert bool(learner.loss(learner.seen(episodes)).isfinite())


@pytest.mark.parametrize(
    ("algorithm", "name", "on_images", "on_texts"),
    [
        *(
            (one, "inner_lr", 0.1, 2.0)
            for one in (ANIL, AttentionMAML, FOMAML, MAML, MetaGANMAML, MetaSGD, PLATIPUS)
        ),
        *((one, "inner_steps", 1, 5) for one in (FOMAML, MAML, PLATIPUS)),
        *((one, "inner_steps", 1, 1) for one in (AttentionMAML, MetaGANMAML)),
        (MetaLSTM, "inner_lr", 0.1, 0.9),
    ],
)
@pytest.mark.parametrize("modality", ["image", "text"])
def test_what_is_not_told_suits_the_modality(toy, algorithm, name, on_images, on_texts, modality):
    class Modal(toy.Dense):
        """Of either modality."""

    Modal.modality = modality
    suits = on_images if modality == "image" else on_texts
    other = suits + 1 if name == "inner_steps" else 0.9 * suits

    def answer(**options):
        torch.manual_seed(0)
        return toy.learner(algorithm, backbone=Modal, **options).answer(toy.episodes())

    default = answer()
    assert torch.equal(default, answer(**{name: suits}))
    assert not torch.equal(default, answer(**{name: other}))


@pytest.mark.parametrize("algorithm", DIFFERENTIATED)
def test_it_learns_a_separable_problem(toy, algorithm):
    """Whether the first number is large or small, with either sign per episode. Chance is a half."""
    # Of four features, a generator soon learns to make any: let it count less.
    options = {"fake_weight": 0.3} if algorithm is MetaGANMAML else {}
    learner = toy.learner(algorithm, n_way=2, inner_lr=0.5, **options)
    before = toy.signed_accuracy(learner)
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.03)
    for step in range(80):
        optimiser.zero_grad()
        learner.loss(learner.seen(toy.signed(step))).backward()
        optimiser.step()

    assert before < 0.8
    assert toy.signed_accuracy(learner) > 0.9
