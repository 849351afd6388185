"""What turns inputs into features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metabench.api.episodes import Inputs


@dataclass(frozen=True)
class BackboneSetting:
    """What a backbone is built for.

    Attributes:
        options: Value of every declared option.
        example_shape: Shape of one example, e.g. (channels, height, width).
    """

    options: Mapping[str, bool | int | float | str]
    example_shape: tuple[int, ...]


class Backbone(nn.Module, ABC):
    """Base of all backbones; a subclass writes `setup` and `forward`.

    Attributes:
        modality: What its inputs are: "image".
        pretraining: What its weights were trained on before; "none" if nothing.
        n_features: Features per example; `setup` sets it.
    """

    modality: ClassVar[str] = "image"
    pretraining: ClassVar[str] = "none"
    n_features: int

    def __init__(self, setting: BackboneSetting) -> None:
        super().__init__()
        self.__dict__.update(setting.options)
        self.setup(setting.example_shape)

    @abstractmethod
    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make the layers and set `n_features`.

        Args:
            example_shape: Shape of one example, e.g. (channels, height, width).
        """

    @abstractmethod
    def forward(self, inputs: Inputs) -> Tensor:
        """Compute features.

        Args:
            inputs: (n_examples, …); images are float in 0 … 1.

        Returns:
            (n_examples, n_features), float.
        """
