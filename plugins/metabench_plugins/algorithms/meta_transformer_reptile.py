"""Meta-Transformer by Reptile: a transformer's weights move to where training on an episode ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from metabench.api import EpisodicBatchNorm2d, Inputs, option
from metabench_plugins.algorithms.reptile import Reptile

if TYPE_CHECKING:
    from torch import Tensor


class MetaTransformerReptile(Reptile):
    """Reptile (Nichol et al. 2018, algorithm 2) of a transformer on images and on texts.

    Its features are normalised before the last layer, by the statistics of the support set: beside what they
    have in common, those of an untrained transformer hardly differ between examples, and a few steps on an
    episode would learn little else. Still it needs far more episodes than `meta-transformer`, as no loss
    tells it to generalise from the support.

    Source: Nichol et al., "On First-Order Meta-Learning Algorithms", arXiv 2018. It trains no transformer.

    Differs from the paper: as `reptile` does, with an inner learning rate of 0.005, 20 classes in an episode
    of meta-training, however many one of the benchmark has, and one episode per step of the initial weights.

    Expected: omniglot-5w1s, cct: 95.03 % [94.63, 95.44], by `metabench evaluate meta-transformer-reptile
    --benchmark omniglot-5w1s --budget 5m` on two CPU cores; `meta-transformer` has 97.50. clinc150-10w1s,
    transformer: 55.71 % [54.99, 56.44], by `metabench evaluate meta-transformer-reptile --benchmark
    clinc150-10w1s --budget 5m`; `meta-transformer` has 55.31 there.
    """

    default_backbones: ClassVar[Mapping[str, str]] = {"image": "cct", "text": "transformer"}
    parts: ClassVar[tuple[str, ...]] = ("backbone.", "norm.", "head.")

    inner_lr: float = option(5e-3, "learning rate of Adam inside an episode", at_least=0)

    meta_batch: int = option(1, "episodes per step of the initial weights", at_least=1)
    train_n_way: int = option(20, "classes per meta-training episode; 0: as in the benchmark", at_least=0)

    def setup(self) -> None:
        """Put a BatchNorm between the backbone and the linear classifier."""
        super().setup()
        self.norm = EpisodicBatchNorm2d(self.backbone.n_features)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs (n, …) → logits (n, most ways that an episode can have)."""
        maps_of_one_pixel = self.backbone(inputs)[..., None, None]
        logits: Tensor = self.head(self.norm(maps_of_one_pixel).flatten(1))
        return logits
