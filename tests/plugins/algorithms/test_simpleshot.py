"""SimpleShot: the transformations by hand, and that an ordinary classifier is what is trained."""

import math

import numpy as np
import pytest
import torch

from metabench.api import Episodes
from metabench.api.options import OptionError, declared_options, resolve_options
from metabench_plugins.algorithms.simpleshot import SimpleShot

CENTRES = torch.tensor([[2.0, 0, 0, 1, 0], [0, 2, 0, 0, 1], [0, 0, 2, 1, 1], [1, 1, 0, 0, 2]])


class Session:
    """Minibatches of four classes, for a number of steps."""

    n_classes = 4
    device = torch.device("cpu")

    def __init__(self, n_steps):
        self.n_steps = n_steps
        self.rng = torch.Generator().manual_seed(0)
        self.progress = 0.0

    def steps(self):
        for step in range(self.n_steps):
            self.progress = step / self.n_steps
            yield step

    def minibatch(self, size):
        labels = torch.randint(4, (size,), generator=self.rng)
        return CENTRES[labels] + 0.3 * torch.randn(size, 5, generator=self.rng), labels


def distances_by_hand(learner, support, labels, query):
    """For one episode of two ways, with the transformations of section 3.2."""

    def transformed(row):
        row = np.array(row)
        if learner.transform == "cl2n":
            row = row - learner.mean.numpy()
        return row if learner.transform == "un" else row / math.sqrt(row @ row)

    means = []
    for way in range(2):
        members = [transformed(row) for row, label in zip(support, labels, strict=True) if label == way]
        means.append(sum(members) / len(members))
    return [[((transformed(one) - mean) ** 2).sum() for mean in means] for one in query]


@pytest.mark.parametrize("transform", ["un", "l2n", "cl2n"])
def test_distances_are_those_of_transformed_features(toy, transform):
    learner = toy.learner(SimpleShot, transform=transform)
    learner.mean.copy_(torch.tensor([1.0, 0.5, -0.5, 2.0]))
    support, labels, query = torch.randn(5, 4), [0, 1, 0, 0, 1], torch.randn(3, 4)
    episodes = Episodes(support[None], torch.tensor([labels]), query[None], None, 2)

    np.testing.assert_allclose(
        -learner.predict(episodes)[0].numpy(),
        distances_by_hand(learner, support.numpy(), labels, query.numpy()),
        rtol=1e-4,
    )


@pytest.mark.parametrize(("modality", "transform"), [("image", "l2n"), ("text", "cl2n")])
def test_unless_told_it_takes_what_suits_the_modality(toy, modality, transform):
    learner, told = toy.learner(SimpleShot), toy.learner(SimpleShot, transform=transform)
    learner.backbone.modality = modality
    for one in (learner, told):
        one.mean.copy_(torch.tensor([1.0, 0.5, -0.5, 2.0]))
    features = torch.randn(3, 4)

    assert learner.transform == "auto"
    assert torch.equal(learner.transformed(features), told.transformed(features))


def test_each_transformation_has_an_answer_of_its_own(toy):
    """The query (1, 1): as it is, by its angle, and from the mean."""
    support, query = torch.tensor([[[0.0, 1.0, 0, 0], [9, 8, 0, 0]]]), torch.tensor([[[1.0, 1.0, 0, 0]]])
    episodes = Episodes(support, torch.tensor([[0, 1]]), query, None, 2)
    answers = {}
    for transform in ("un", "l2n", "cl2n"):
        learner = toy.learner(SimpleShot, transform=transform)
        learner.mean.copy_(torch.tensor([2.0, 2.0, 0, 0]))
        answers[transform] = learner.predict(episodes).argmax().item()

    assert answers == {"un": 0, "l2n": 1, "cl2n": 0}


def test_a_classifier_of_all_classes_is_trained_and_left_behind(toy):
    learner = toy.learner(SimpleShot, outer_lr=0.03, mean_momentum=0.1)
    names = set(learner.state_dict())
    learner.meta_train(Session(150))
    with torch.no_grad():
        features = learner.backbone(CENTRES)
    distances = torch.cdist(features, features) + 10 * torch.eye(4)

    assert set(learner.state_dict()) == names == {"mean", "backbone.layer.weight", "backbone.layer.bias"}
    # Only a few classes are told apart by tanh units that all say yes or no.
    assert distances.min() > 1.0
    torch.testing.assert_close(learner.mean, features.mean(0), rtol=0, atol=0.15)


def test_the_mean_moves_by_its_share_of_each_minibatch(toy):
    learner = toy.learner(SimpleShot, outer_lr=0.0, mean_momentum=0.25, batch_size=7)
    session = Session(3)
    expected = torch.zeros(4)
    with torch.no_grad():
        for _ in range(3):
            expected = 0.75 * expected + 0.25 * learner.backbone(session.minibatch(7)[0]).mean(0)
    learner.meta_train(Session(3))

    torch.testing.assert_close(learner.mean, expected)


def test_options_of_a_loop_over_episodes_are_not_to_be_had():
    with pytest.raises(OptionError, match=r"^Unknown option 'train_n_way'\."):
        resolve_options(declared_options(SimpleShot), {"train_n_way": 5})
