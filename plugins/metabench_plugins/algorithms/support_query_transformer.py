"""Support-and-query transformer: encode, relate support and query by self-attention, predict."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option
from metabench_plugins.algorithms._attention import attention_layers
from metabench_plugins.algorithms.protonet import class_means, squared_distances

# States that are related at once; it bounds the memory that large episodes take.
_STATES_AT_ONCE = 1 << 15


class SupportQueryTransformer(Algorithm):
    """Let support and query look at each other, then take the nearest class mean.

    Three parts: the backbone encodes each example; layers of multi-head self-attention (Vaswani et al.
    2017, section 3.2) relate the whole support and one query, so that each is seen in the light of the
    other; class means of what becomes of the support predict (Snell et al. 2017, equation 2). Each query
    is related with a support of its own, so none sees another.

    Sources: Vaswani et al., "Attention Is All You Need", NeurIPS 2017; Snell et al., "Prototypical Networks
    for Few-shot Learning", NeurIPS 2017. No single paper has this method.

    Differs from the papers: what the layers add to features starts at 0, so that training starts as that of
    `protonet`; see `attention_layers` for the layers.

    Expected: omniglot-5w1s, conv4: 97.66 % [97.34, 97.98], by `metabench evaluate support-query-transformer
    --benchmark omniglot-5w1s --budget 5m` on two CPU cores. Within this budget it is worse than `protonet`,
    paired on the same episodes: −0.33 [−0.51, −0.14], `metabench compare`. clinc150-10w1s, bilstm: 61.81 %
    [61.17, 62.45], by `metabench evaluate support-query-transformer --benchmark clinc150-10w1s --budget 5m`.
    There, too, it is worse than `protonet`: −3.72 [−4.21, −3.24].
    """

    features_only = True

    layers: int = option(2, "layers of attention", at_least=1)
    heads: int = option(4, "heads of each layer; they divide the backbone's features", at_least=1)

    outer_lr: float = option(
        5e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_way: int = option(30, "classes per meta-training episode; 0: as in the benchmark", at_least=0)
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)
    # Without it, training on texts breaks down after a while.
    clip_norm: float = option(1.0, "largest norm of the gradient; 0: any", at_least=0)

    def setup(self) -> None:
        """Make the layers."""
        layers = attention_layers(self.backbone.n_features, self.heads, self.layers)
        for layer in layers:
            for last in (layer.self_attn.out_proj, layer.linear2):
                nn.init.zeros_(last.weight)
                nn.init.zeros_(last.bias)
        self.relate = nn.ModuleList(layers)

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries."""
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes: Episodes) -> Tensor:
        """Negative squared distances of related queries to means of related supports.

        Returns:
            Logits, (n_episodes, n_query_total, n_way).
        """
        assert isinstance(episodes.query, Tensor)
        at_once = max(1, _STATES_AT_ONCE // (len(episodes) * (episodes.n_support + 1)))
        parts = torch.split(episodes.query, at_once, dim=1)
        return torch.cat([self._answer(episodes, part) for part in parts], dim=1)

    def _answer(self, episodes: Episodes, query: Tensor) -> Tensor:
        """Logits (n_episodes, n, n_way) of some queries (n_episodes, n, n_features)."""
        assert isinstance(episodes.support, Tensor)
        n_query = query.shape[1]
        support = episodes.support.repeat_interleave(n_query, dim=0)
        states = torch.cat([support, query.flatten(0, 1)[:, None]], dim=1)
        for layer in self.relate:
            states = layer(states)
        labels = episodes.support_labels.repeat_interleave(n_query, dim=0)
        prototypes = class_means(states[:, :-1], labels, episodes.n_way)
        return squared_distances(states[:, -1:], prototypes).neg().view(-1, n_query, episodes.n_way)
