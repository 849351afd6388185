"""A classifier whose last layer is zero when an episode begins: what meta-transformers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import nn

from metabench_plugins.algorithms._adaptation import AdaptedClassifier, Weights


class ZeroHeadClassifier(AdaptedClassifier):
    """On a transformer, with a last layer that is made anew in each episode. Kao et al. 2022.

    A transformer's first features hardly differ between examples. A last layer that is carried from episode
    to episode would outweigh these differences; one that begins at zero prefers no class and sees nothing
    else. It makes the numbers of classes interchangeable as well.
    """

    default_backbones: ClassVar[Mapping[str, str]] = {"image": "cct", "text": "transformer"}

    def setup(self) -> None:
        """Put a last layer on the backbone and leave it at zero."""
        super().setup()
        for weight in self.head.parameters():
            nn.init.zeros_(weight).requires_grad_(False)

    @property
    def head_weights(self) -> Weights:
        """Where adaptation of the last layer starts."""
        return {
            f"head.{name}": torch.zeros_like(weight).requires_grad_()
            for name, weight in self.head.named_parameters()
        }

    @property
    def initial_weights(self) -> Weights:
        """Where adaptation starts: the backbone's trainable weights, and zeros."""
        return super().initial_weights | self.head_weights
