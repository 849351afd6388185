"""What a dataset is, as a declaration: its files, its licence, its classes and their split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Split = Literal["meta_train", "meta_val", "meta_test"]
Modality = Literal["image", "text"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class Source:
    """One file that a dataset is built from.

    Attributes:
        path: Where the file lies in a mirror, e.g. "omniglot/images_background.zip".
        url: The official address.
        size: Bytes at the official address; None where upstream tells no size.
        checksum: "sha256:…" or "md5:…" at the official address; None where upstream tells none, so that
            the content hash is what identifies the dataset. A mirror may have packed the same content
            anew: the identity of a dataset is its decoded content.
        other_urls: Further addresses of the same file, tried in order after `url`.
    """

    path: str
    url: str
    size: int | None
    checksum: str | None
    other_urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassExamples:
    """One class, decoded.

    Attributes:
        name: Unique in the dataset, e.g. "Bengali/character01/rot090".
        split: The class split it belongs to.
        examples: In canonical order: images as (n_examples, channels, height, width), uint8, or texts.
    """

    name: str
    split: Split
    examples: NDArray[np.uint8] | tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """How a dataset comes about.

    Attributes:
        name: The name on the command line.
        title: One line for lists.
        modality: What the examples are.
        backbone: The backbone that a run takes when none is named.
        licence: Licence and its holder.
        citation: What a paper that uses the data cites.
        sources: The files it is built from; none for embedded data.
        content_hash: Hash of the decoded content that the pinned versions give, if recorded.
        build: Local files by `Source.path` → the classes, sorted by name.
    """

    name: str
    title: str
    modality: Modality
    backbone: str
    licence: str
    citation: str
    sources: tuple[Source, ...]
    content_hash: str | None
    build: Callable[[Mapping[str, Path]], Iterator[ClassExamples]]
