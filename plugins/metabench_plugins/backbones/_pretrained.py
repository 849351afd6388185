"""What wrappers of pretrained models share: a network, kept or tuned, below a map that is learned."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Self

import torch
from torch import Tensor, nn

from metabench.api import Backbone, Inputs, option


class PretrainedBackbone(Backbone):
    """A pretrained network below a linear map that is learned and starts as the identity.

    Unless it is tuned, the network is kept as it is and is no part of the learner's state: who builds one
    has its weights already. Tuned or not, it runs as in evaluation: BatchNorm applies the statistics of its
    pretraining, so that each example is answered alone, and nothing is dropped.

    A subclass makes the network in `setup` and hands it to `keep`, and runs it in `encode`.
    """

    takes_model = True
    network: nn.Module

    tuned: bool = option(False, "train the network too, not only the map behind it")

    def keep(self, network: nn.Module, example: Inputs) -> None:
        """Take the network, find out how many features it gives, and put a map behind it.

        Args:
            network: Pretrained.
            example: Some input.
        """
        if self.tuned:
            self.network = network
        else:
            # Not registered, so that its weights are no state.
            self.__dict__["network"] = network
        network.eval()
        with torch.set_grad_enabled(self.tuned):
            features = self.encode(example)
        if self.tuned:
            _leave_unused(network, features)
        self.n_features = features.shape[1]
        self.map = nn.Linear(self.n_features, self.n_features, bias=False)
        nn.init.eye_(self.map.weight)

    @abstractmethod
    def encode(self, inputs: Inputs) -> Tensor:
        """Run the network: inputs of n examples → features (n, n_features)."""

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs of n examples → features (n, n_features)."""
        with torch.set_grad_enabled(self.tuned and torch.is_grad_enabled()):
            features = self.encode(inputs)
        mapped: Tensor = self.map(features)
        return mapped

    def train(self, mode: bool = True) -> Self:
        """Set the mode of everything but the network, which stays in evaluation."""
        super().train(mode)
        self.network.eval()
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move or cast the network too where it is not registered."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if not self.tuned:
            self.network._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def load_library(name: str) -> ModuleType:
    """Import a library that is an extra of the same name.

    Raises:
        ValueError: It is not installed, or not as this PyTorch needs it.
    """
    try:
        return import_module(name)
    except Exception as error:  # a library that was built for another PyTorch raises whatever it meets
        raise ValueError(
            f"the library {name} cannot be imported ({type(error).__name__}: {error}); expected it beside "
            f"this PyTorch. Run `pip install 'metabench[{name}]'`."
        ) from error


def load_model(model: Path | None, load: Callable[[Path], nn.Module]) -> nn.Module:
    """Load a network from the file or folder that the user has named.

    Raises:
        ValueError: None is named, or it holds no such model.
    """
    if model is None:
        raise ValueError("no pretrained model is named; expected BACKBONE:MODEL. Name one.")
    try:
        return load(model)
    except Exception as error:  # libraries raise whatever they meet in a strange file
        raise ValueError(
            f"model {str(model)!r} cannot be loaded ({type(error).__name__}: {_first_line(error)}); "
            "expected one that the library has saved. Name another model."
        ) from error


def check_complete(missing: Collection[str]) -> None:
    """Refuse a model that libraries would fill up with random weights.

    Args:
        missing: Names of the weights that are not in its files.

    Raises:
        ValueError: There are some.
    """
    if missing:
        raise ValueError(f"{len(missing)} weights are not in it, such as {min(missing)!r}")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _leave_unused(network: nn.Module, features: Tensor) -> None:
    """Let nobody train weights that no feature depends on, such as those of a head."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    gradients = torch.autograd.grad(features.sum(), weights, allow_unused=True)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.requires_grad_(gradient is not None)
