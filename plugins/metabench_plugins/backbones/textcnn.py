"""TextCNN: convolutions over the embeddings of a text's tokens, and the maximum over places."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Backbone, Inputs, Tokenizer, option, trim_padding

_SPANS = (3, 4, 5)


class TextCNN(Backbone):
    """Convolutions over 3, 4 and 5 tokens, ReLU, and the maximum over the text. Kim 2014, section 2.

    Source: Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014.

    Differs from the paper: embeddings start at random (its "CNN-rand") and have 128 numbers where it has 300;
    neither dropout nor a bound on the norm of weights; convolutions begin before the first and end behind the
    last token, so that a text of one token has features, too.
    """

    modality = "text"
    tokenizer: ClassVar[Tokenizer] = Tokenizer("bpe", n_tokens=1000, length=32)

    width: int = option(128, "size of an embedding", at_least=1)
    channels: int = option(100, "features of each of the three spans", at_least=1)

    def setup(self, example_shape: tuple[int, ...]) -> None:  # noqa: ARG002 - texts of any length
        """Make embeddings and convolutions."""
        self.embedding = nn.Embedding(self.n_tokens, self.width, padding_idx=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(self.width, self.channels, span) for span in _SPANS)
        self.n_features = len(_SPANS) * self.channels

    def forward(self, inputs: Inputs) -> Tensor:
        """Token ids (n, length) with their mask → features (n, 3 · channels)."""
        assert isinstance(inputs, dict)
        texts = trim_padding(inputs)
        mask = texts["mask"][:, None]
        embedded = self.embedding(texts["ids"]).transpose(1, 2) * mask
        parts = []
        for span, convolution in zip(_SPANS, self.convolutions, strict=True):
            # Zeros on both sides: one output per token, whatever padding follows the text.
            padded = functional.pad(embedded, ((span - 1) // 2, span // 2))
            parts.append(convolution(padded).masked_fill(~mask, -torch.inf).amax(2))
        return torch.cat(parts, dim=1).relu()
