"""SNAIL: an episode is a sequence, read by temporal convolutions and causal attention."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Episodes, option
from metabench_plugins.algorithms._in_context import InContextLearner, feature_embedding


class SNAIL(InContextLearner):
    """Read the labelled support, then one query, and say its label at the end. Mishra et al. 2018.

    Each query ends a sequence of its own. As nothing looks ahead, those of an episode have the support's
    part in common, which is computed once: all queries stand at the time after the support, and see the
    support and themselves.

    Source: Mishra et al., "A Simple Neural Attentive Meta-Learner", ICLR 2018.

    Differs from the paper: dilations of 1, 2, 4, … where its pseudo-code begins with 2, which would keep
    neighbours apart; the queries and keys of each attention start alike, so that it begins with comparing
    and soon learns to copy labels; features and embeddings are normalised; many episodes are made of the
    features of one that has more classes; sizes and rates suit short budgets. What is longer than an
    episode of the benchmark is left to attention, as convolutions do not reach so far.

    Expected: omniglot-5w1s, conv4: 94.12 % [93.61, 94.63], by `metabench evaluate snail --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores (paper, fully trained: 99.07). It is slow to find out what
    labels are for. clinc150-10w1s, bilstm: 49.83 % [49.11, 50.55], by `metabench evaluate snail --benchmark
    clinc150-10w1s --budget 5m`; there is time for about 1,000 episodes, which bring it 1.45 [0.60, 2.30]
    above a bag of words, `centroid` on `bag`.
    """

    embedding_width: int = option(64, "size of the embedding of features", at_least=2)
    filters: int = option(128, "outputs of each temporal convolution", at_least=1)

    outer_lr: float = option(
        1e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )

    def setup(self) -> None:
        """Make the blocks of appendix A for sequences as long as those of the benchmark."""
        super().setup()
        length = self.n_way * self.n_shot + 1
        self.embed = feature_embedding(self.backbone.n_features, self.embedding_width)
        width = self.embedding_width + self.most_way
        blocks: list[nn.Module] = []
        for keys, values, has_convolutions in ((64, 32, True), (256, 128, True), (512, 256, False)):
            blocks.append(CausalAttention(width, keys, values))
            width += values
            for dilation in _dilations(length) if has_convolutions else ():
                blocks.append(DenseBlock(width, dilation, self.filters))
                width += self.filters
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(width, self.most_way)

    def predict(self, episodes: Episodes) -> Tensor:
        """What stands at the times of the queries: logits (n_episodes, n_query_total, n_way)."""
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        n_support, n_query = episodes.n_support, episodes.query.shape[1]
        examples = self.embed(torch.cat([episodes.support, episodes.query], dim=1))
        labels = functional.one_hot(episodes.support_labels, self.most_way).to(examples.dtype)
        states = torch.cat([examples, functional.pad(labels, (0, 0, 0, n_query))], dim=2)
        for block in self.blocks:
            states = block(states, n_support)
        logits: Tensor = self.head(states[:, n_support:])
        return logits[..., : episodes.n_way]


def _dilations(length: int) -> list[int]:
    """1, 2, 4, … until the whole sequence is within reach."""
    return [2**power for power in range(math.ceil(math.log2(length)))]


def _times(states: Tensor, n_support: int) -> Tensor:
    """When each state stands: 0 … n_support − 1 of the support, n_support of every query."""
    return torch.arange(states.shape[1], device=states.device).clamp_max(n_support)


class DenseBlock(nn.Module):
    """A causal convolution over two times, `dilation` apart, with a gate (section 3, figure 2a)."""

    def __init__(self, width: int, dilation: int, filters: int) -> None:
        super().__init__()
        self.dilation = dilation
        # The two taps of the convolution, for values and gates.
        self.now, self.before = nn.Linear(width, 2 * filters), nn.Linear(width, 2 * filters, bias=False)

    def forward(self, states: Tensor, n_support: int) -> Tensor:
        """Add filters to states.

        Args:
            states: (n_episodes, n_support + n_query_total, width).
            n_support: Of the states, those of the support, in order of time.

        Returns:
            (n_episodes, n_support + n_query_total, width + filters).
        """
        # Before the first time there are zeros.
        shifted = functional.pad(self.before(states[:, :n_support]), (0, 0, self.dilation, 0))
        values, gates = (self.now(states) + shifted[:, _times(states, n_support)]).chunk(2, dim=2)
        return torch.cat([states, values.tanh() * gates.sigmoid()], dim=2)


class CausalAttention(nn.Module):
    """Attention of each state to itself and to those of earlier times (section 3, figure 2b)."""

    def __init__(self, width: int, keys: int, values: int) -> None:
        super().__init__()
        self.to_queries, self.to_keys = nn.Linear(width, keys), nn.Linear(width, keys)
        self.to_values = nn.Linear(width, values)
        # Alike at first: it begins with comparing, and soon learns to copy labels.
        self.to_keys.load_state_dict(self.to_queries.state_dict())

    def forward(self, states: Tensor, n_support: int) -> Tensor:
        """Add what is read to the states; shapes as those of `DenseBlock`."""
        times = _times(states, n_support)
        allowed = times[None] < times[:, None]
        allowed.fill_diagonal_(fill_value=True)
        read = functional.scaled_dot_product_attention(
            self.to_queries(states), self.to_keys(states), self.to_values(states), attn_mask=allowed
        )
        return torch.cat([states, read], dim=2)
