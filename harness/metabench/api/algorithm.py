"""The base of all algorithms, with the loop that meta-trains most of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from metabench.api.episodes import join_inputs, map_inputs
from metabench.api.options import option
from metabench.errors import InvalidOutputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metabench.api.backbone import Backbone
    from metabench.api.episodes import Episodes, Inputs
    from metabench.api.session import Session


@dataclass(frozen=True)
class AlgorithmSetting:
    """What an algorithm is built for.

    Attributes:
        options: Value of every declared option.
        backbone: Turns inputs into features.
        n_way: Classes per episode of the benchmark; where they vary, of meta-training as a rule.
        n_shot: Support examples per class there.
        n_query: Query examples per class there.
        most_way: The most classes of any episode; 0: n_way.
    """

    options: Mapping[str, bool | int | float | str]
    backbone: Backbone
    n_way: int
    n_shot: int
    n_query: int
    most_way: int = 0


class Algorithm(nn.Module, ABC):
    """Base of all algorithms; a subclass writes `loss` and `predict`, and `setup` if it has layers.

    Attributes:
        features_only: The algorithm looks at each example through the backbone alone. Episodes then
            arrive with features in place of inputs, and each test example is embedded once.
        transductive: It declares that a query's answer depends on the other queries of its episode. The
            audit finds out whether it does.
        modalities: Of the inputs that it can take, whatever backbone it stands on.
        default_backbones: By modality, the installed backbone that it stands on unless the user names
            another; where it has none, that is the dataset's own.
        backbone: Turns inputs into features; its weights are trained along.
        n_way: Classes per episode of the benchmark; where they vary, of meta-training as a rule.
        n_shot: Support examples per class there.
        n_query: Query examples per class there.
        most_way: The most classes of any episode, which a layer with an output per class must have.
    """

    features_only: ClassVar[bool] = False
    transductive: ClassVar[bool] = False
    modalities: ClassVar[tuple[str, ...]] = ("image", "text")
    default_backbones: ClassVar[Mapping[str, str]] = {}
    backbone: Backbone
    n_way: int
    n_shot: int
    n_query: int
    most_way: int

    outer_lr: float = option(
        1e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    meta_batch: int = option(1, "episodes per optimiser step", at_least=1)
    train_n_way: int = option(0, "classes per meta-training episode; 0: as in the benchmark", at_least=0)
    train_n_shot: int = option(0, "support examples per class; 0: as in the benchmark", at_least=0)
    train_n_query: int = option(0, "query examples per class; 0: as in the benchmark", at_least=0)
    clip_norm: float = option(0.0, "largest norm of the gradient; 0: any", at_least=0)

    def __init__(self, setting: AlgorithmSetting) -> None:
        super().__init__()
        self.__dict__.update(setting.options)
        self.backbone = setting.backbone
        self.n_way, self.n_shot, self.n_query = setting.n_way, setting.n_shot, setting.n_query
        self.most_way = max(setting.most_way, setting.n_way)
        self.setup()

    def setup(self) -> None:
        """Make the layers that the algorithm adds to the backbone."""

    @abstractmethod
    def loss(self, episodes: Episodes) -> Tensor:
        """Compute what meta-training minimises.

        Args:
            episodes: Labelled episodes.

        Returns:
            A scalar, the mean over the episodes.
        """

    @abstractmethod
    def predict(self, episodes: Episodes) -> Tensor:
        """Answer the queries of episodes from their supports.

        Called in evaluation mode and without gradients; a method that adapts by gradients enables them.

        Args:
            episodes: Episodes without query labels.

        Returns:
            Logits, (n_episodes, n_query_total, n_way).
        """

    def meta_train(self, session: Session) -> None:
        """Minimise `loss` with Adam over meta-training episodes until the budget is spent.

        A method that needs another loop overrides this and draws from the session what it needs.
        """
        optimiser = torch.optim.Adam(self.parameters(), lr=self.outer_lr)
        for _ in session.steps():
            for group in optimiser.param_groups:
                group["lr"] = self.outer_lr * 0.5 * (1 + math.cos(math.pi * session.progress))
            self.train()
            episodes = session.episodes(
                self.meta_batch, n_way=self.train_n_way, n_shot=self.train_n_shot, n_query=self.train_n_query
            )
            optimiser.zero_grad()
            torch.autograd.backward(_as_loss(self.loss(self.seen(episodes))))
            if self.clip_norm:
                nn.utils.clip_grad_norm_(self.parameters(), self.clip_norm)
            optimiser.step()

    def seen(self, episodes: Episodes) -> Episodes:
        """The episodes as `loss` and `predict` get them: features where the algorithm wants no more."""
        if not self.features_only:
            return episodes
        features = self._embed(join_inputs(episodes.support, episodes.query, dim=1), len(episodes))
        first, rest = features[:, : episodes.n_support], features[:, episodes.n_support :]
        return replace(episodes, support=first, query=rest)

    def answer(self, episodes: Episodes) -> Tensor:
        """Call `predict` as testing does: in evaluation mode, without labels and gradients.

        Raises:
            InvalidOutputError: It gives no tensor.
        """
        # Each part by itself: a method may keep some in evaluation mode while it trains the rest.
        training = [part for part in self.modules() if part.training]
        self.eval()
        try:
            with torch.no_grad():
                return as_logits(self.predict(self.seen(episodes.unlabelled())))
        finally:
            for part in training:
                part.training = True

    def _embed(self, inputs: Inputs, n_episodes: int) -> Tensor:
        """(n_episodes, n_examples, …) → (n_episodes, n_examples, n_features), in one pass."""
        features: Tensor = self.backbone(map_inputs(lambda tensor: tensor.flatten(0, 1), inputs))
        return features.view(n_episodes, -1, *features.shape[1:])


def as_logits(given: object) -> Tensor:
    """What `predict` has given, if that can be logits.

    Raises:
        InvalidOutputError: It is no tensor.
    """
    if not isinstance(given, Tensor):
        raise InvalidOutputError(
            f"predict gives a {type(given).__name__}; expected a tensor of logits. Return one."
        )
    return given


def _as_loss(given: object) -> Tensor:
    """What `loss` has given, if it can be minimised."""
    wanted = "expected a scalar tensor, the mean over the episodes"
    if not isinstance(given, Tensor):
        raise InvalidOutputError(f"loss gives a {type(given).__name__}; {wanted}")
    if given.numel() != 1:
        raise InvalidOutputError(f"loss gives a tensor of shape {tuple(given.shape)}; {wanted}")
    if not given.requires_grad:
        raise InvalidOutputError(f"loss gives a tensor without gradients; {wanted}, made from parameters")
    return given
