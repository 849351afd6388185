"""BiLSTM: a text read forwards and backwards, and the maximum over places."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from metabench.api import Backbone, Inputs, Tokenizer, option, trim_padding


class BiLSTM(Backbone):
    """A bidirectional LSTM whose states are maximised over the text. Conneau et al. 2017, section 3.2.2.

    Source: Conneau et al., "Supervised Learning of Universal Sentence Representations from Natural Language
    Inference Data", EMNLP 2017.

    Differs from the paper: embeddings start at random, and sizes are those that reach most within the budgets
    of a CPU (2,048 states each way in the paper).
    """

    modality = "text"
    tokenizer: ClassVar[Tokenizer] = Tokenizer("bpe", n_tokens=1000, length=32)

    width: int = option(128, "size of an embedding", at_least=1)
    states: int = option(128, "states of each direction", at_least=1)

    def setup(self, example_shape: tuple[int, ...]) -> None:  # noqa: ARG002 - texts of any length
        """Make embeddings and the LSTM."""
        self.embedding = nn.Embedding(self.n_tokens, self.width, padding_idx=0)
        self.lstm = nn.LSTM(self.width, self.states, batch_first=True, bidirectional=True)
        self.n_features = 2 * self.states

    def forward(self, inputs: Inputs) -> Tensor:
        """Token ids (n, length) with their mask → features (n, 2 · states)."""
        assert isinstance(inputs, dict)
        texts = trim_padding(inputs)
        mask = texts["mask"]
        # Packed, so that the way back begins at the last token and not in the padding.
        lengths = mask.sum(1).cpu()
        packed = pack_padded_sequence(
            self.embedding(texts["ids"]), lengths, batch_first=True, enforce_sorted=False
        )
        # The LSTM of cuDNN has no second derivatives, which MAML takes, and none at all in evaluation.
        with torch.backends.cudnn.flags(enabled=False):
            packed = self.lstm(packed)[0]
        states, _ = pad_packed_sequence(packed, batch_first=True, total_length=mask.shape[1])
        features: Tensor = states.masked_fill(~mask[..., None], -torch.inf).amax(1)
        return features
