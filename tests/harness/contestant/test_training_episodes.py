"""Options that ask for more than meta_train has are refused before a contestant is ready."""

from functools import partial

import numpy as np
import pytest
import torch

from metabench.api.session import LabelledPool
from metabench.contestant.build import build_learner
from metabench.contestant.train import train
from metabench.contestant.training_episodes import check_training_episodes
from metabench.spec.option import OptionError

# The benchmark of the learners here has 3 ways, 1 shot and 2 queries.
SIZES = [6, 4, 5]


@pytest.fixture
def check(assign, write_plugin):
    """Check a learner with some options on classes of some sizes."""

    def checker(sizes=SIZES, **options):
        starts = np.cumsum([0, *sizes])
        pool = LabelledPool(torch.zeros(starts[-1], 2, 3), starts)
        check_training_episodes(build_learner(assign(algorithm=write_plugin(**options))), pool)

    return checker


@pytest.mark.parametrize(
    "options",
    [
        {"train_n_way": 2},
        {"train_n_way": 99},
        {"train_n_query": 3},
        {"train_n_shot": 2},
        {"train_n_shot": 3, "train_n_query": 1},
    ],
)
def test_what_can_be_drawn_is_left_alone(check, options):
    check(**options)


def test_what_no_option_asks_for_is_left_to_the_draw(check):
    check(sizes=[2, 2])


def test_one_way_is_refused(check):
    with pytest.raises(
        OptionError,
        match=r"^Option 'train_n_way' is 1; expected at least 2 of the 3 classes of meta_train\. "
        r"Set it to 0 for 3, as in the benchmark\.$",
    ):
        check(train_n_way=1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"train_n_query": 4}, r"1 \+ 4"),
        ({"train_n_shot": 3}, r"3 \+ 2"),
        ({"train_n_shot": 50, "train_n_query": 60}, r"50 \+ 60"),
    ],
)
def test_more_examples_than_the_smallest_class_has_are_refused(check, options, told):
    with pytest.raises(
        OptionError,
        match=rf"^Options 'train_n_shot' and 'train_n_query' ask for {told} examples of a class; the "
        r"smallest class of meta_train has 4\. Set them to at most 4 together\.$",
    ):
        check(**options)


def test_a_contestant_refuses_before_it_is_ready(channels, play, assign, write_plugin, examples):
    starts = np.arange(7, dtype=np.int64) * 4
    arrays = {"meta_train.examples": examples, "meta_train.starts": starts}
    arrays |= {"meta_val.examples": examples, "meta_val.starts": starts}
    assignment = assign(algorithm=write_plugin(train_n_query=4))
    ours, player = play(partial(train, channels[1], assignment, arrays))

    with pytest.raises(OptionError, match=r"1 \+ 4 examples"):
        player.hear(ours)
