"""What turns inputs into features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from metabench.spec.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from metabench.api.episodes import Inputs


@dataclass(frozen=True)
class BackboneSetting:
    """What a backbone is built for.

    Attributes:
        options: Value of every declared option.
        example_shape: Shape of one example: (channels, height, width), or (length,) of a text.
        n_tokens: Of a text: token ids lie in 0 … n_tokens − 1, and 0 is padding.
        model: File or folder of the pretrained model that the user has named; None if there is none.
    """

    options: Mapping[str, bool | int | float | str]
    example_shape: tuple[int, ...]
    n_tokens: int = 0
    model: Path | None = None


class Backbone(nn.Module, ABC):
    """Base of all backbones; a subclass writes `setup` and `forward`.

    Attributes:
        modality: What its inputs are: "image" or "text".
        pretraining: What its weights were trained on before; "none" if nothing.
        takes_model: It runs with a pretrained model that the user names behind it, `NAME:MODEL`.
        tokenizer: Of a text backbone: how texts become token ids.
        model_path: File or folder of that model, to be read in `setup`; None if there is none.
        n_tokens: Of a text backbone: token ids lie in 0 … n_tokens − 1, and 0 is padding.
        n_features: Features per example; `setup` sets it.
        map_shape: (channels, height, width) of the map that is flattened to the features, for methods that
            look at places; None if the features are no such map. `setup` sets it.
    """

    modality: ClassVar[str] = "image"
    pretraining: ClassVar[str] = "none"
    takes_model: ClassVar[bool] = False
    tokenizer: ClassVar[Tokenizer | None] = None
    model_path: Path | None
    n_tokens: int
    n_features: int
    map_shape: tuple[int, int, int] | None = None

    def __init__(self, setting: BackboneSetting) -> None:
        super().__init__()
        self.__dict__.update(setting.options)
        self.n_tokens = setting.n_tokens
        self.model_path = setting.model
        self.setup(setting.example_shape)

    @abstractmethod
    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make the layers and set `n_features`.

        Args:
            example_shape: Shape of one example: (channels, height, width), or (length,) of a text.
        """

    @abstractmethod
    def forward(self, inputs: Inputs) -> Tensor:
        """Compute features.

        Args:
            inputs: Images, (n_examples, channels, height, width), float in 0 … 1. Or texts: a dict of
                `ids`, (n_examples, length), int64, and `mask`, likewise, bool, true where a token stands.

        Returns:
            (n_examples, n_features), float.
        """
