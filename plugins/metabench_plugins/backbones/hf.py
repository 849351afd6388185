"""hf: a pretrained text model of the library transformers, `hf:MODEL`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import torch
from tokenizers import Tokenizer as Trained
from torch import Tensor, nn

from metabench.api import Inputs, Tokenizer, option, trim_padding
from metabench_plugins.backbones._pretrained import (
    PretrainedBackbone,
    check_complete,
    load_library,
    load_model,
)

_LENGTH = 64
_PADDINGS = ("[PAD]", "<pad>")


class HF(PretrainedBackbone):
    """A pretrained text model of the library transformers below a learned linear map. Wolf et al. 2020.

    `hf:sentence-transformers/all-MiniLM-L6-v2` is that model of the Hugging Face hub once `hf download
    sentence-transformers/all-MiniLM-L6-v2` has put it on this machine, `hf:FOLDER` one that
    `save_pretrained` wrote. Nothing is downloaded in a run. The folder holds the model's tokenizer.json, too:
    trusted code makes token ids of it, 64 of each text at most.

    Source: Wolf et al., "Transformers: State-of-the-Art Natural Language Processing", EMNLP 2020, for the
    library; a model has a paper of its own.

    Features are the mean over the tokens' last states, or the first token's. Of a model with encoder and
    decoder, the encoder is taken.
    """

    modality = "text"
    pretraining = "that of the model which the name tells"
    tokenizer: ClassVar[Tokenizer] = Tokenizer("file", length=_LENGTH, file="model:tokenizer.json")

    pooling: str = option(
        "mean", "whose state is a text's: the mean over its tokens or the first", choices=("mean", "first")
    )

    def setup(self, example_shape: tuple[int, ...]) -> None:  # noqa: ARG002 - texts of any length
        """Load the model.

        Raises:
            ValueError: transformers is not installed, or there is no such model.
        """
        network = load_model(self.model_path, partial(_load, load_library("transformers")))
        assert self.model_path is not None
        self.padding = _padding(self.model_path)
        ids = torch.ones(1, 2, dtype=torch.int64)
        self.keep(network, {"ids": ids, "mask": ids.bool()})

    def encode(self, inputs: Inputs) -> Tensor:
        """Token ids (n, length) with their mask → features (n, n_features) of the model."""
        assert isinstance(inputs, dict)
        texts = trim_padding(inputs)
        ids, mask = self._models_ids(texts["ids"]), texts["mask"]
        states: Tensor = self.network(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        if self.pooling == "first":
            return states[:, 0]
        weights = mask[..., None].to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)

    def _models_ids(self, ids: Tensor) -> Tensor:
        """The ids that the model knows: to the harness, padding is token 0, and token 0 what padding was."""
        padding = ids.new_tensor(self.padding)
        return torch.where(ids == 0, padding, torch.where(ids == padding, 0, ids))


def _padding(model: Path) -> int:
    """The id of padding, by the names under which the harness looks for it; a model's config may not say."""
    trained = Trained.from_file(str(model / "tokenizer.json"))
    return next(number for name in _PADDINGS if (number := trained.token_to_id(name)) is not None)


def _load(library: ModuleType, model: Path) -> nn.Module:
    # Attention written out: the fused one cannot be differentiated twice, which MAML does.
    network, told = library.AutoModel.from_pretrained(
        model,
        local_files_only=True,
        trust_remote_code=False,
        attn_implementation="eager",
        output_loading_info=True,
    )
    # Poolers are trained by some and left out by others; no feature depends on them.
    check_complete([name for name in told["missing_keys"] if "pooler" not in name])
    if network.config.is_encoder_decoder:
        network = network.get_encoder()
    assert isinstance(network, nn.Module)
    return network.float()
