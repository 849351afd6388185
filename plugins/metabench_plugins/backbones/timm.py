"""timm: a pretrained image model of the library of that name, `timm:MODEL`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from metabench.api import Inputs, option
from metabench_plugins.backbones._maps import image_shape
from metabench_plugins.backbones._pretrained import (
    PretrainedBackbone,
    check_complete,
    load_library,
    load_model,
)

_COLOURS = 3


class Timm(PretrainedBackbone):
    """A pretrained image model of the library timm below a learned linear map. Wightman 2019.

    `timm:resnet18.a1_in1k` is that model of the Hugging Face hub once `hf download timm/resnet18.a1_in1k`
    has put it on this machine, `timm:FOLDER` one that timm has saved, and `timm:FILE` the weights of
    the architecture named by `--set timm.architecture=resnet18`. Nothing is downloaded in a run.

    Source: Wightman, "PyTorch Image Models", 2019, for the library; a model has a paper of its own.

    Images are scaled to the size, and by the mean and deviation of colours, that the model was trained with;
    grey ones get three equal colours. Features are what its classifier would see.
    """

    modality = "image"
    pretraining = "that of the model which the name tells"

    side: int = option(0, "pixels of each side that images are scaled to; 0: as in pretraining", at_least=0)
    architecture: str = option("", "timm's name of the architecture, for a model that is a single file")
    mean: Tensor
    std: Tensor

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Load the model for images of shape (channels, height, width), grey or coloured.

        Raises:
            ValueError: The examples are no such images, timm is not installed, or there is no such model.
        """
        channels, *_ = image_shape("timm", example_shape)
        if channels not in (1, _COLOURS):
            raise ValueError(
                f"timm is given images of {channels} channels; expected 1 or {_COLOURS}. "
                "Choose another backbone."
            )
        if self.model_path is not None and self.model_path.is_file() and not self.architecture:
            raise ValueError(
                f"model {str(self.model_path)!r} is a single file; expected the name of its architecture "
                "beside it. Add `--set timm.architecture=NAME`."
            )
        network = load_model(self.model_path, partial(self._load, load_library("timm")))
        told = network.pretrained_cfg
        assert isinstance(told, dict)
        self.size = (self.side, self.side) if self.side else tuple(told["input_size"][1:])
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(told[name])[:, None, None], persistent=False)
        self.keep(network, torch.zeros(1, *example_shape))

    def _load(self, library: ModuleType, model: Path) -> nn.Module:
        """The model without its classifier."""
        if model.is_dir():
            network = library.create_model(f"local-dir:{model}", pretrained=True, num_classes=0)
        else:
            network = library.create_model(self.architecture, num_classes=0)
            # Not strict, as those of a classifier are one too many.
            read = library.models.load_checkpoint(network, str(model), strict=False)
            check_complete(read.missing_keys)
        assert isinstance(network, nn.Module)
        return network

    def encode(self, inputs: Inputs) -> Tensor:
        """Images (n, channels, height, width) → features (n, n_features) of the model."""
        assert isinstance(inputs, Tensor)
        if inputs.shape[2:] != self.size:
            inputs = functional.interpolate(inputs, self.size, mode="bicubic", antialias=True).clamp(0, 1)
        # Fused attention, which timm asks for, cannot be differentiated twice, which MAML does.
        with sdpa_kernel(SDPBackend.MATH):
            features: Tensor = self.network((inputs - self.mean) / self.std)
        return features
