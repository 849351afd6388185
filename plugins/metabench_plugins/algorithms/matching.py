"""Matching Networks: the labels of the support, weighted by attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option
from metabench_plugins.algorithms._support_order import shuffled_support
from metabench_plugins.algorithms.protonet import cosine_similarities


class MatchingNet(Algorithm):
    """Answer with the labels of the support, weighted by how near each example is. Vinyals et al. 2016.

    With `fce` on, support and query are embedded in the context of the whole support set (full context
    embeddings, appendix A).

    Source: Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016.

    Differs from the paper: cosines are multiplied before the softmax, which could hardly be sure of anything
    else; 30 classes in a meta-training episode where the paper has those of the benchmark; Adam with cosine
    decay; nothing is tuned further in an episode.

    Expected: omniglot-5w1s, conv4: 97.42 % [97.09, 97.76], by `metabench evaluate matching --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores (paper, fully trained: 98.1); clinc150-10w1s, bilstm: 62.58 %
    [61.94, 63.22], by `metabench evaluate matching --benchmark clinc150-10w1s --budget 5m`.
    """

    features_only = True

    fce: bool = option(False, "embed support and query in the context of the support set")
    fce_steps: int = option(3, "times that a query reads the support set, for fce=true", at_least=1)
    scale: float = option(20.0, "factor of the cosines under the softmax", at_least=1e-6)

    outer_lr: float = option(
        5e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_way: int = option(30, "classes per meta-training episode; 0: as in the benchmark", at_least=0)
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)

    def setup(self) -> None:
        """Make the LSTMs of the full context embeddings, where they are wanted."""
        if self.fce:
            self.context = FullContext(self.backbone.n_features, self.fce_steps)

    def loss(self, episodes: Episodes) -> Tensor:
        """Negative log-likelihood of the queries (section 2.2)."""
        # The context of the support is read one by one.
        episodes = shuffled_support(episodes) if self.fce else episodes
        return functional.nll_loss(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes: Episodes) -> Tensor:
        """Logarithms of the class probabilities (equation 1), (n_episodes, n_query_total, n_way)."""
        support, query = episodes.support, episodes.query
        assert isinstance(support, Tensor)
        assert isinstance(query, Tensor)
        if self.fce:
            support, query = self.context(support, query)
        # The attention kernel, section 2.1.1.
        attention = (self.scale * cosine_similarities(query, support)).log_softmax(2)
        return log_class_sums(attention, episodes.support_labels, episodes.n_way)


def log_class_sums(attention: Tensor, labels: Tensor, n_way: int) -> Tensor:
    """Sum the attention to the examples of each class (equation 1), in logarithms.

    Args:
        attention: (n_episodes, n_query_total, n_support), logarithms of weights.
        labels: (n_episodes, n_support), int64 in 0 … n_way − 1.
        n_way: Classes per episode.

    Returns:
        (n_episodes, n_query_total, n_way), logarithms of probabilities.
    """
    others = functional.one_hot(labels, n_way) == 0
    return attention[..., None].masked_fill(others[:, None], -torch.inf).logsumexp(2)


class FullContext(nn.Module):
    """Embed each example in the context of the whole support set (appendix A).

    Args:
        n_features: Of an example, before and after.
        steps: Times that a query reads the support.
    """

    def __init__(self, n_features: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.support_lstm = nn.LSTM(n_features, n_features, batch_first=True, bidirectional=True)
        # What has been read goes in next to the query: as good as a second hidden state.
        self.query_lstm = nn.LSTMCell(2 * n_features, n_features)

    def forward(self, support: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Both (n_episodes, n_examples, n_features) → the same, in context."""
        support = self.embed_support(support)
        return support, self.embed_query(query, support)

    def embed_support(self, support: Tensor) -> Tensor:
        """Add what an LSTM finds that reads the support forwards and backwards (appendix A.2)."""
        forwards, backwards = self.support_lstm(support)[0].chunk(2, dim=2)
        embedded: Tensor = support + forwards + backwards
        return embedded

    def embed_query(self, query: Tensor, support: Tensor) -> Tensor:
        """Read the support again and again, each time by attention (appendix A.1)."""
        hidden, cell = torch.zeros_like(query), torch.zeros_like(query)
        for _ in range(self.steps):
            read = (hidden @ support.mT).softmax(2) @ support
            states = (hidden.flatten(0, 1), cell.flatten(0, 1))
            states = self.query_lstm(torch.cat([query, read], dim=2).flatten(0, 1), states)
            hidden, cell = (state.view_as(query) for state in states)
            hidden = hidden + query
        return hidden
