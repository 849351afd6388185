"""Meta-Transformer: a transformer meta-trained by MAML, with step sizes that are learned layer by layer."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from metabench.api import option
from metabench_plugins.algorithms._adaptation import Loss, Weights, descend
from metabench_plugins.algorithms._zero_head import ZeroHeadClassifier


class MetaTransformer(ZeroHeadClassifier):
    """MAML (Finn et al. 2017, equation 1) of a transformer on images and on texts.

    An episode begins with a last layer of zeros. The first step moves it alone, as then nothing reaches the
    layers below; the steps after it move all weights. Step sizes are learned, one for each weight tensor
    (Antoniou et al. 2019, section 4, "LSLR").

    LayerNorm in place of BatchNorm leaves no statistics that queries could reach.

    Differs from the papers: step sizes stay positive and are shared by the steps; meta-training episodes
    have more classes than those of the benchmark.
    """

    head_lr: float = option(5.0, "first step size of the last layer; it is learned", at_least=1e-6)
    inner_lr: float = option(0.01, "first step size of all other weights; they are learned", at_least=1e-6)
    inner_steps: int = option(1, "gradient steps on all weights, after that on the last layer", at_least=0)
    second_order: bool = option(True, "differentiate through the inner steps")

    outer_lr: float = option(
        1e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_way: int = option(20, "classes per meta-training episode; 0: as in the benchmark", at_least=0)
    train_n_query: int = option(3, "query examples per class; 0: as in the benchmark", at_least=0)
    clip_norm: float = option(1.0, "largest norm of the gradient; 0: any", at_least=0)

    def setup(self) -> None:
        """Give each weight of the classifier a step size."""
        super().setup()
        sizes = [self.head_lr if name.startswith("head.") else self.inner_lr for name in self.initial_weights]
        self.log_step_sizes = nn.Parameter(torch.tensor(sizes).log())

    def adapt(self, support_loss: Loss, *, training: bool) -> Weights:
        """Take a step of the last layer, then steps of all weights."""
        start, second_order = self.initial_weights, training and self.second_order
        rates = dict(zip(start, self.log_step_sizes.exp(), strict=True))
        step = partial(descend, loss=support_loss, rate=rates, second_order=second_order)
        head = step({name: start[name] for name in self.head_weights}, steps=1)
        with torch.enable_grad():
            # Copies, as the last layer has become a function of the others: no gradient is to go that way.
            weights = {name: weight.clone() for name, weight in start.items()} | head
        return step(weights, steps=self.inner_steps)
