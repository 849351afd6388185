"""The floor: first weights, nothing learned, nothing to set."""

import pytest
import torch

from metabench.api.options import OptionError, declared_options, resolve_options
from metabench_plugins.algorithms.centroid import Centroid
from metabench_plugins.algorithms.protonet import ProtoNet


class Session:
    """Counts commits; whatever else is asked of it is an error."""

    n_commits = 0

    def commit(self):
        self.n_commits += 1


def test_it_answers_as_protonet_does_from_its_first_weights(toy):
    centroid, protonet = toy.learner(Centroid), toy.learner(ProtoNet)
    protonet.load_state_dict(centroid.state_dict())
    episodes = toy.episodes()

    assert torch.equal(centroid.answer(episodes), protonet.answer(episodes))


def test_answers_are_distances_to_class_means_of_first_features(toy):
    learner, episodes = toy.learner(Centroid), toy.episodes()
    with torch.no_grad():
        support, query = (learner.backbone(x) for x in (episodes.support, episodes.query))

    answer = learner.answer(episodes)
    for e, labels in enumerate(episodes.support_labels):
        for way in range(3):
            distances = (query[e] - support[e][labels == way].mean(0)).square().sum(1)
            torch.testing.assert_close(answer[e, :, way], -distances)


def test_it_commits_once_and_learns_nothing(toy):
    learner, session = toy.learner(Centroid), Session()
    before = {name: value.clone() for name, value in learner.state_dict().items()}

    learner.meta_train(session)

    assert session.n_commits == 1
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


def test_it_has_no_options():
    assert declared_options(Centroid) == {}
    with pytest.raises(OptionError, match=r"^Unknown option 'outer_lr'\. Available: none\.$"):
        resolve_options(declared_options(Centroid), {"outer_lr": 0.1})
