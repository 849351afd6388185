"""What a plugin's author imports: bases, episodes, options, the meta-training session."""

from metabench.api.algorithm import Algorithm
from metabench.api.backbone import Backbone
from metabench.api.episodes import Episodes, Inputs
from metabench.api.normalisation import EpisodicBatchNorm2d, statistics_from_first
from metabench.api.options import option
from metabench.api.padding import trim_padding
from metabench.api.session import Session
from metabench.spec.tokenizer import Tokenizer

__all__ = [
    "Algorithm",
    "Backbone",
    "Episodes",
    "EpisodicBatchNorm2d",
    "Inputs",
    "Session",
    "Tokenizer",
    "option",
    "statistics_from_first",
    "trim_padding",
]
