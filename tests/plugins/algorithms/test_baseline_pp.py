"""Baseline++: cosines by hand, in pre-training and in an episode."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from metabench_plugins.algorithms.baseline_pp import BaselinePlusPlus, CosineClassifier
from metabench_plugins.algorithms.protonet import ProtoNet

DOUBLE = {"dtype": torch.float64}


def cosine(one, other):
    return sum(one * other) / math.sqrt(sum(one * one) * sum(other * other))


def test_the_classifier_of_pretraining_gives_scaled_cosines():
    classifier, features = CosineClassifier(5, 7, scale=3.0), torch.randn(4, 5)
    logits = classifier(features)
    vectors = classifier.vectors.detach().double().numpy()

    for i, c in np.ndindex(4, 7):
        expected = 3.0 * cosine(features[i].double().numpy(), vectors[c])
        assert logits[i, c].item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_it_is_what_pretraining_trains(toy):
    classifier = toy.learner(BaselinePlusPlus, scale=7.0).classifier(11)

    assert isinstance(classifier, CosineClassifier)
    assert (classifier.vectors.shape, classifier.scale) == ((11, 4), 7.0)


def test_class_vectors_begin_at_the_means_of_the_classes(toy):
    """So that without a step it answers as a nearest class mean does, by cosine."""
    learner = toy.learner(BaselinePlusPlus, inner_lr=0.0, scale=7.0)
    protonet = toy.learner(ProtoNet, distance="cosine", cosine_scale=7.0)
    protonet.load_state_dict(learner.state_dict())
    episodes = toy.episodes()

    torch.testing.assert_close(learner.answer(episodes).float(), protonet.answer(episodes))


def test_answers_are_those_of_steps_by_hand(toy):
    learner = toy.learner(BaselinePlusPlus, inner_lr=0.4, inner_steps=5, scale=6.0).double()
    episodes = toy.episodes(n=3, **DOUBLE)
    with torch.no_grad():
        support, query = learner.backbone(episodes.support), learner.backbone(episodes.query)

    def cosines(vectors, features):
        return functional.cosine_similarity(features[:, None], vectors[None], dim=2)

    answer = learner.answer(episodes)
    for e, labels in enumerate(episodes.support_labels):

        def loss(vectors, e=e, labels=labels):
            scores = 6.0 * cosines(vectors, support[e])
            return (scores.logsumexp(1) - scores.gather(1, labels[:, None])[:, 0]).mean()

        vectors = torch.stack([support[e][labels == way].mean(0) for way in range(3)])
        vectors = vectors / vectors.square().sum(1, keepdim=True).sqrt()
        for _ in range(5):
            vectors = vectors - 0.4 * torch.func.grad(loss)(vectors)
        torch.testing.assert_close(answer[e], 6.0 * cosines(vectors, query[e]))
