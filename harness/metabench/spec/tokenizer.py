"""How texts become numbers: what a text backbone declares, and trusted code does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

TokenizerKind = Literal["word", "bpe", "file"]

MOST_TOKENS = 1_000_000
MOST_LENGTH = 4096
_FILE = re.compile(r"\w+:[\w.-]+(/[\w.-]+)*")


@dataclass(frozen=True)
class Tokenizer:
    """Texts to token ids; 0 is padding.

    "word" and "bpe" are trained on the meta_train texts of a dataset and on no others. WordPiece is not
    offered: its trainer gives another vocabulary each time.

    Attributes:
        kind: "word": whole words, where those that meta_train has once become one token for all unknown
            ones. "bpe": pieces of words (Sennrich et al. 2016). "file": what a pretrained backbone needs.
        n_tokens: The most tokens to know; without meaning for "file".
        length: Tokens per text; longer texts are cut, shorter ones padded with token 0.
        lowercase: Upper and lower case are the same; without meaning for "file".
        file: Of "file": "package:path" of a tokenizer.json inside an installed package, or "model:path" in
            the model that the user names. If its padding is another token than 0, the two change places.
    """

    kind: TokenizerKind = "word"
    n_tokens: int = 8000
    length: int = 32
    lowercase: bool = True
    file: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained or read.

        Raises:
            ValueError: There is something of the kind.
        """
        if self.kind not in get_args(TokenizerKind):
            raise ValueError(
                f"kind of tokenizer {self.kind!r}; expected {', '.join(get_args(TokenizerKind))}"
            )
        for name, most in (("n_tokens", MOST_TOKENS), ("length", MOST_LENGTH)):
            if not 2 <= getattr(self, name) <= most:
                raise ValueError(f"{name} of a tokenizer is {getattr(self, name)}; expected 2 … {most}")
        if (self.kind == "file") != bool(self.file) or (self.file and not _FILE.fullmatch(self.file)):
            raise ValueError(
                f"file of a {self.kind!r} tokenizer is {self.file!r}; expected 'package:path' for 'file'"
            )
        if ".." in self.file:
            raise ValueError(f"file of a tokenizer is {self.file!r}; expected a path without '..'")
