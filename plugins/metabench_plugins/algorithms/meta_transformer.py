"""Meta-Transformer: a transformer meta-trained by MAML, with step sizes that are learned layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import torch
from torch import nn

from metabench.api import Episodes, option
from metabench_plugins.algorithms._adaptation import AdaptedClassifier, Weights, descend


class MetaTransformer(AdaptedClassifier):
    """MAML (Finn et al. 2017, equation 1) of a transformer on images and on texts.

    An episode begins with a last layer of zeros (the zeroing trick of Kao et al. 2022): features of an
    untrained transformer hardly differ between examples, and one that is carried from episode to episode
    would outweigh what differs. The first step moves it alone, as then nothing reaches the layers below; the
    steps after it move all weights. Step sizes are learned, one for each weight tensor (Antoniou et al.
    2019, section 4, "LSLR").

    LayerNorm in place of BatchNorm leaves no statistics that queries could reach.

    Sources: Finn et al., "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017; Kao
    et al., "MAML is a Noisy Contrastive Learner in Classification", ICLR 2022; Antoniou et al., "How to Train
    Your MAML", ICLR 2019. None of them trains a transformer, and none has all of these parts.

    Differs from the papers: step sizes stay positive and are shared by the steps; meta-training episodes have
    20 classes, however many those of the benchmark have; one episode a step, with three queries per class;
    Adam's learning rate decays, and the norm of its gradient is bounded by 1. Of MAML++ only the step sizes
    are taken.

    Expected: omniglot-5w1s, cct: 97.50 % [97.17, 97.82], by `metabench evaluate meta-transformer --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores; clinc150-10w1s, transformer: 55.31 % [54.58, 56.03], by
    `metabench evaluate meta-transformer --benchmark clinc150-10w1s --budget 5m`.
    """

    default_backbones: ClassVar[Mapping[str, str]] = {"image": "cct", "text": "transformer"}

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
        """Leave the last layer at zero, and give each weight of the classifier a step size."""
        super().setup()
        for weight in self.head.parameters():
            nn.init.zeros_(weight).requires_grad_(False)
        sizes = [self.head_lr if name.startswith("head.") else self.inner_lr for name in self.initial_weights]
        self.log_step_sizes = nn.Parameter(torch.tensor(sizes).log())

    @property
    def initial_weights(self) -> Weights:
        """Where adaptation starts: the backbone's trainable weights, and zeros."""
        return super().initial_weights | self._empty_head()

    def adapt(self, episode: Episodes, *, training: bool) -> Weights:
        """Take a step of the last layer, then steps of all weights."""
        start, second_order = self.initial_weights, training and self.second_order
        rates = dict(zip(start, self.log_step_sizes.exp(), strict=True))
        step = partial(descend, loss=self.support_loss(episode), rate=rates, second_order=second_order)
        head = step({name: start[name] for name in start if name.startswith("head.")}, steps=1)
        with torch.enable_grad():
            # Copies, as the last layer has become a function of the others: no gradient is to go that way.
            weights = {name: weight.clone() for name, weight in start.items()} | head
        return step(weights, steps=self.inner_steps)

    def _empty_head(self) -> Weights:
        """Zeros of which gradients can be taken, whatever mode gradients are in."""
        named = self.head.named_parameters(prefix="head")
        return {name: torch.zeros_like(weight).requires_grad_() for name, weight in named}
