"""What a plugin's author imports: bases, episodes, options, the meta-training session; and `results`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.api.algorithm import Algorithm
from metabench.api.backbone import Backbone
from metabench.api.episodes import Episodes, Inputs
from metabench.api.normalisation import EpisodicBatchNorm2d, statistics_from_first
from metabench.api.options import option
from metabench.api.padding import trim_padding
from metabench.api.session import Session
from metabench.spec.tokenizer import Tokenizer

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

__all__ = [
    "Algorithm",
    "Backbone",
    "Episodes",
    "EpisodicBatchNorm2d",
    "Inputs",
    "Session",
    "Tokenizer",
    "option",
    "results",
    "statistics_from_first",
    "trim_padding",
]


def results(folder: str | PathLike[str]) -> pd.DataFrame:
    """The results of a folder as a tidy frame, for notebooks; see `metabench.results.frame.results_frame`.

    Args:
        folder: Of results, as `metabench evaluate` writes it.

    Raises:
        UsageError: There is no such folder.
        ResultError: It cannot be read.
    """
    # The rooms of the results come later than this one, and contestants need none of them.
    from metabench.results.frame import results_frame  # noqa: PLC0415

    return results_frame(folder)
