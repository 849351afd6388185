"""Meta-Transformer by Reptile: a transformer's weights move to where training on an episode ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from metabench.api import option
from metabench_plugins.algorithms.reptile import Reptile


class MetaTransformerReptile(Reptile):
    """Reptile (Nichol et al. 2018, algorithm 2) of a transformer on images and on texts.

    It needs far more episodes than `meta-transformer`, as no loss tells it to generalise from the support.

    Source: Nichol et al., "On First-Order Meta-Learning Algorithms", arXiv 2018. It trains no transformer.

    Differs from the paper: as `reptile` does, with an inner learning rate of 0.003.
    """

    default_backbones: ClassVar[Mapping[str, str]] = {"image": "cct", "text": "transformer"}

    inner_lr: float = option(3e-3, "learning rate of Adam inside an episode", at_least=0)
