"""MAML: learn initial weights from which a few gradient steps solve an episode."""

from __future__ import annotations

from metabench.api import Episodes, option
from metabench_plugins.algorithms._adaptation import (
    AdaptedClassifier,
    Weights,
    descend,
    step_count,
    step_size,
)


class MAML(AdaptedClassifier):
    """Adapt all weights to the support set by gradient descent, and train where it starts. Finn et al. 2017.

    Source: Finn et al., "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017,
    algorithm 2.

    Differs from the paper: one inner step of 0.1 on images, five of 2 on texts, where the paper, on Omniglot
    with 5 classes, has one of 0.4 in training and three in testing; two episodes a step where it has 32
    there; three queries per class; Adam's learning rate decays, and the norm of its gradient is bounded;
    BatchNorm takes its statistics from the support set alone, in the query pass too, where the original
    normalises the queries by each other and so is transductive.

    Expected: omniglot-5w1s, conv4: 93.36 % [92.89, 93.84], by `metabench evaluate maml --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores (paper, fully trained: 98.7, Table 1, with BatchNorm over the
    queries); clinc150-10w1s, bilstm: 63.13 % [62.50, 63.76], by `metabench evaluate maml --benchmark
    clinc150-10w1s --budget 5m`.
    """

    inner_lr: float = option(0.0, "step size inside an episode; 0: 0.1 on images, 2 on texts", at_least=0)
    inner_steps: int = option(0, "gradient steps inside an episode; 0: 1 on images, 5 on texts", at_least=0)
    second_order: bool = option(True, "differentiate through the inner steps")

    outer_lr: float = option(
        2e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_query: int = option(3, "query examples per class; 0: as in the benchmark", at_least=0)
    meta_batch: int = option(2, "episodes per optimiser step", at_least=1)
    clip_norm: float = option(10.0, "largest norm of the gradient; 0: any", at_least=0)

    def adapt(self, episode: Episodes, *, training: bool) -> Weights:
        """Take the inner gradient steps (section 2.2); the outer gradient is that of equation 1."""
        return descend(
            self.initial_weights,
            self.support_loss(episode),
            rate=step_size(self.inner_lr, self.backbone.modality),
            steps=step_count(self.inner_steps, self.backbone.modality),
            second_order=training and self.second_order,
        )
