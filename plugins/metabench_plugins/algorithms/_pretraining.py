"""Supervised pre-training: a classifier of all classes of meta_train, kept for the features below it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option

if TYPE_CHECKING:
    from metabench.api import Session


@dataclass(frozen=True)
class Pretraining:
    """How a backbone is pre-trained.

    Attributes:
        lr: Learning rate of Adam at the start; a cosine takes it to 0 at the end.
        batch_size: Examples per optimiser step.
        share: Part of the budget after which pre-training ends.
        warm_up: Part of pre-training in which the rate rises from 0 to that of the cosine.
        clip_norm: Largest norm of the gradient; 0: any.
    """

    lr: float
    batch_size: int
    share: float = 1.0
    warm_up: float = 0.0
    clip_norm: float = 0.0

    def rate(self, progress: float) -> float:
        """The learning rate when a part of the budget, 0 … `share`, is spent."""
        part = progress / self.share
        rise = min(1.0, part / self.warm_up) if self.warm_up else 1.0
        return self.lr * rise * 0.5 * (1 + math.cos(math.pi * part))


def pretrain(learner: Algorithm, classifier: nn.Module, session: Session, how: Pretraining) -> None:
    """Minimise the cross-entropy of a classifier on the learner's backbone with Adam.

    Args:
        learner: Its backbone is trained.
        classifier: Features (n, n_features) → logits (n, session.n_classes); trained along, and no part of
            what is committed unless it is a part of the learner.
        session: Gives minibatches; validates and commits the learner on the way.
        how: Rates and sizes.
    """
    weights = [*learner.backbone.parameters(), *classifier.parameters()]
    optimiser = torch.optim.Adam(weights, lr=how.lr)
    for _ in session.steps():
        if session.progress >= how.share:
            break
        for group in optimiser.param_groups:
            group["lr"] = how.rate(session.progress)
        learner.train()
        inputs, labels = session.minibatch(how.batch_size)
        optimiser.zero_grad()
        torch.autograd.backward(functional.cross_entropy(classifier(learner.backbone(inputs)), labels))
        if how.clip_norm:
            nn.utils.clip_grad_norm_(weights, how.clip_norm)
        optimiser.step()


class PretrainedAlgorithm(Algorithm):
    """Pre-trains on the classes of meta_train; a subclass says in `predict` what an episode makes of that."""

    batch_size: int = option(128, "examples per optimiser step", at_least=2)
    outer_lr: float = option(
        1e-2, "learning rate of Adam after its rise, decayed to 0 by a cosine", at_least=0
    )
    warm_up: float = option(
        0.2, "part of meta-training in which the learning rate rises", at_least=0, at_most=1
    )
    # Of a loop over episodes, which there is not.
    meta_batch = 1
    train_n_way = train_n_shot = train_n_query = 0
    clip_norm = 0.0

    def classifier(self, n_classes: int) -> nn.Module:
        """What is trained on the backbone: features (n, n_features) → logits (n, n_classes)."""
        return nn.Linear(self.backbone.n_features, n_classes)

    def meta_train(self, session: Session) -> None:
        """Pre-train with the whole budget."""
        classifier = self.classifier(session.n_classes).to(session.device)
        pretrain(self, classifier, session, Pretraining(self.outer_lr, self.batch_size, warm_up=self.warm_up))

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries; meta-training minimises that of the classifier instead."""
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())
