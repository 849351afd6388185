"""MAML: learn initial weights from which a few gradient steps solve an episode."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from metabench.api import Algorithm, Episodes, Inputs, option, statistics_from_first
from metabench.api.episodes import join_inputs, map_inputs

Weights = dict[str, Tensor]


class MAML(Algorithm):
    """Adapt all weights to the support set by gradient descent, and train where it starts. Finn et al. 2017.

    Differs from the paper: one inner step of 0.1 where the paper has one of 0.4 in training and three in
    testing; BatchNorm takes its statistics from the support set alone, in the query pass too, where the
    original normalises the queries by each other and so is transductive. Episodes of a batch are adapted
    one after the other: on CPUs that is as fast as or faster than `vmap` over them.

    Expected: omniglot-5w1s, conv4, 5 minutes on two CPU cores: 92.11 % [91.56, 92.66] over 600 episodes,
    `metabench evaluate protonet maml --benchmark omniglot-5w1s --budget 5m` (paper, fully trained: 98.7,
    Table 1, with BatchNorm over the queries).
    """

    inner_lr: float = option(0.1, "step size inside an episode", at_least=0)
    inner_steps: int = option(1, "gradient steps inside an episode", at_least=1)
    second_order: bool = option(True, "differentiate through the inner steps")

    outer_lr: float = option(
        2e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_query: int = option(3, "query examples per class; 0: as in the benchmark", at_least=0)
    meta_batch: int = option(2, "episodes per optimiser step", at_least=1)
    clip_norm: float = option(10.0, "largest norm of the gradient; 0: any", at_least=0)

    def setup(self) -> None:
        """Put a linear classifier on the backbone."""
        self.head = nn.Linear(self.backbone.n_features, max(self.most_way, self.train_n_way))

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs (n, …) → logits (n, most ways that an episode can have)."""
        logits: Tensor = self.head(self.backbone(inputs))
        return logits

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries after adaptation, averaged over episodes (equation 1)."""
        losses = [
            functional.cross_entropy(self._solve(episode, second_order=self.second_order), episode.targets[0])
            for episode in episodes
        ]
        return torch.stack(losses).mean()

    def predict(self, episodes: Episodes) -> Tensor:
        """Adapt to each support set, then answer its queries."""
        return torch.stack([self._solve(episode, second_order=False).detach() for episode in episodes])

    def _solve(self, episode: Episodes, *, second_order: bool) -> Tensor:
        """Logits of one episode's queries after adaptation, (n_query_total, n_way)."""
        support, query = (map_inputs(lambda x: x[0], inputs) for inputs in (episode.support, episode.query))
        with statistics_from_first(self, episode.n_support):
            weights = self._adapt(
                support, episode.support_labels[0], episode.n_way, second_order=second_order
            )
            # The support goes along, since the statistics of BatchNorm are its own.
            both = join_inputs(support, query, dim=0)
            return self._logits(weights, both, episode.n_way)[episode.n_support :]

    def _adapt(self, support: Inputs, labels: Tensor, n_way: int, *, second_order: bool) -> Weights:
        """Take the inner gradient steps (section 2.2); the module's own weights stay as they are."""
        # Frozen ones are left out, and keep their values.
        weights: Weights = {name: one for name, one in self.named_parameters() if one.requires_grad}
        with torch.enable_grad():
            for _ in range(self.inner_steps):
                loss = functional.cross_entropy(self._logits(weights, support, n_way), labels)
                gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=second_order)
                weights = {
                    name: weight - self.inner_lr * gradient
                    for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
                }
        return weights

    def _logits(self, weights: Weights, inputs: Inputs, n_way: int) -> Tensor:
        logits: Tensor = functional_call(self, weights, (inputs,))
        return logits[:, :n_way]
