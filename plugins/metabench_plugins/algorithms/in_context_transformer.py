"""In-context transformer: labelled support and one query go in, the query's label comes out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Episodes, option
from metabench_plugins.algorithms._attention import attention_layers
from metabench_plugins.algorithms._in_context import InContextLearner, feature_embedding


class InContextTransformer(InContextLearner):
    """Read the support as the context in which a query is to be labelled. Müller et al. 2022.

    A prior-data fitted network: the support attends to itself, each query to the support and itself, and
    nothing tells of an order (section 4). What it learns from are episodes of meta_train (equation 2).

    Source: Müller et al., "Transformers Can Do Bayesian Inference", ICLR 2022.

    Differs from the paper: inputs are the features of a backbone that is trained along, normalised; the
    queries and keys of each layer start alike, so that it begins with comparing and soon learns to copy
    labels; many episodes are made of the features of one that has more classes; sizes and rates suit short
    budgets; see `attention_layers` for the layers.

    Expected: omniglot-5w1s, conv4: 96.23 % [95.85, 96.61], by `metabench evaluate in-context-transformer
    --benchmark omniglot-5w1s --budget 5m` on two CPU cores. clinc150-10w1s, bilstm: 53.76 % [53.07, 54.46],
    by `metabench evaluate in-context-transformer --benchmark clinc150-10w1s --budget 5m`.
    """

    state_width: int = option(128, "size of a state; a multiple of `heads`", at_least=2)
    layers: int = option(3, "layers of attention", at_least=1)
    heads: int = option(4, "heads of each layer", at_least=1)

    outer_lr: float = option(
        1e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )

    def setup(self) -> None:
        """Make embeddings, layers and the classifier."""
        super().setup()
        self.embed_features = feature_embedding(self.backbone.n_features, self.state_width)
        self.embed_labels = nn.Embedding(self.most_way, self.state_width)
        layers = attention_layers(self.state_width, self.heads, self.layers)
        for layer in layers:
            assert layer.self_attn.in_proj_weight is not None
            queries, keys, _ = layer.self_attn.in_proj_weight.detach().chunk(3)
            keys.copy_(queries)
        self.encoder = nn.ModuleList(layers)
        self.head = nn.Sequential(nn.LayerNorm(self.state_width), nn.Linear(self.state_width, self.most_way))

    def predict(self, episodes: Episodes) -> Tensor:
        """What stands at the places of the queries: logits (n_episodes, n_query_total, n_way)."""
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        n_support, n_query = episodes.n_support, episodes.query.shape[1]
        labels = functional.pad(self.embed_labels(episodes.support_labels), (0, 0, 0, n_query))
        states = self.embed_features(torch.cat([episodes.support, episodes.query], dim=1)) + labels
        hidden = hidden_states(n_support, n_query).to(states.device)
        for layer in self.encoder:
            states = layer(states, src_mask=hidden)
        logits: Tensor = self.head(states[:, n_support:])
        return logits[..., : episodes.n_way]


def hidden_states(n_support: int, n_query: int) -> Tensor:
    """Which states a state may not attend to: all but the support and itself.

    Returns:
        (n_support + n_query, n_support + n_query), true where the second is hidden from the first.
    """
    hidden = ~torch.eye(n_support + n_query, dtype=torch.bool)
    hidden[:, :n_support] = False
    return hidden
