"""Whether meta_train has the episodes that a learner's options ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.spec.option import OptionError

if TYPE_CHECKING:
    from metabench.api.algorithm import Algorithm
    from metabench.api.session import LabelledPool


def check_training_episodes(learner: Algorithm, meta_train: LabelledPool) -> None:
    """Refuse options by which no meta-training episode can be drawn, before the clock runs.

    What a benchmark asks for by itself is left to the draw: a method may never make one.

    Raises:
        OptionError: `train_n_way` is 1, or `train_n_shot` and `train_n_query` are more than a class has.
    """
    if learner.train_n_way == 1:
        raise OptionError(
            f"Option 'train_n_way' is 1; expected at least 2 of the {meta_train.n_classes} classes of "
            f"meta_train. Set it to 0 for {learner.n_way}, as in the benchmark."
        )
    if not learner.train_n_shot and not learner.train_n_query:
        return
    n_shot, n_query = learner.train_n_shot or learner.n_shot, learner.train_n_query or learner.n_query
    smallest = int(np.diff(meta_train.starts).min())
    if n_shot + n_query > smallest:
        raise OptionError(
            f"Options 'train_n_shot' and 'train_n_query' ask for {n_shot} + {n_query} examples of a class; "
            f"the smallest class of meta_train has {smallest}. Set them to at most {smallest} together."
        )
