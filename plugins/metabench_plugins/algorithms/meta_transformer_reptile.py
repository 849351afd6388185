"""Meta-Transformer by Reptile: a transformer's weights move to where training on an episode ends."""

from __future__ import annotations

from metabench.api import option
from metabench_plugins.algorithms._zero_head import ZeroHeadClassifier
from metabench_plugins.algorithms.reptile import Reptile


class MetaTransformerReptile(ZeroHeadClassifier, Reptile):
    """Reptile (Nichol et al. 2018, algorithm 2) of a transformer on images and on texts.

    Only the backbone is carried from episode to episode; the last layer begins at zero in each.

    Differs from the paper: as `reptile` does, with a smaller inner learning rate.
    """

    inner_lr: float = option(2e-3, "learning rate of Adam inside an episode", at_least=0)
