"""Bag: the mean of the embeddings of a text's tokens, the simplest text backbone."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from metabench.api import Backbone, Inputs, Tokenizer, option, trim_padding


class Bag(Backbone):
    """Average learned embeddings over the tokens of a text. Iyyer et al. 2015, section 2, without layers.

    Source: Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods for Text Classification", ACL
    2015.

    Differs from the paper: embeddings start at random, and no layers stand above the mean.
    """

    modality = "text"
    tokenizer: ClassVar[Tokenizer] = Tokenizer("bpe", n_tokens=1000, length=32)

    width: int = option(256, "size of an embedding", at_least=1)

    def setup(self, example_shape: tuple[int, ...]) -> None:  # noqa: ARG002 - texts of any length
        """Make the embeddings."""
        self.embedding = nn.Embedding(self.n_tokens, self.width, padding_idx=0)
        self.n_features = self.width

    def forward(self, inputs: Inputs) -> Tensor:
        """Token ids (n, length) with their mask → features (n, width)."""
        assert isinstance(inputs, dict)
        texts = trim_padding(inputs)
        mask = texts["mask"][..., None].to(self.embedding.weight.dtype)
        total: Tensor = (self.embedding(texts["ids"]) * mask).sum(1)
        return total / mask.sum(1)
