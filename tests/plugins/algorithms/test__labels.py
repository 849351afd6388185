"""Labels of meta-training: what stays when they are spread, and that no output goes without."""

import numpy as np
import pytest
import torch

from metabench.api import session as session_module
from metabench.api.session import Allowance, LabelledPool, Session
from metabench_plugins.algorithms._labels import spread_labels
from metabench_plugins.algorithms.anil import ANIL
from metabench_plugins.algorithms.attention_maml import AttentionMAML
from metabench_plugins.algorithms.fomaml import FOMAML
from metabench_plugins.algorithms.in_context_transformer import InContextTransformer
from metabench_plugins.algorithms.maml import MAML
from metabench_plugins.algorithms.mann import MANN
from metabench_plugins.algorithms.meta_lstm import MetaLSTM
from metabench_plugins.algorithms.meta_sgd import MetaSGD
from metabench_plugins.algorithms.meta_transformer_reptile import MetaTransformerReptile
from metabench_plugins.algorithms.metagan_maml import MetaGANMAML
from metabench_plugins.algorithms.platipus import PLATIPUS
from metabench_plugins.algorithms.reptile import Reptile
from metabench_plugins.algorithms.reptile_transductive import ReptileTransductive
from metabench_plugins.algorithms.snail import SNAIL

# With an output for each label, and options that keep them small.
EVERY = [
    (ANIL, {}),
    (AttentionMAML, {"task_attention": True}),
    (AttentionMAML, {"task_attention": False}),
    (FOMAML, {}),
    (InContextTransformer, {"state_width": 8, "heads": 2, "layers": 1}),
    (MAML, {}),
    (MANN, {"embedding_width": 8, "n_hidden": 8, "n_rows": 12, "row_width": 4, "n_heads": 2}),
    (MetaGANMAML, {}),
    (MetaLSTM, {}),
    (MetaSGD, {}),
    (MetaTransformerReptile, {"train_n_way": 0}),
    (PLATIPUS, {}),
    (Reptile, {}),
    (ReptileTransductive, {}),
    (SNAIL, {"embedding_width": 8, "filters": 4}),
]
N_CLASSES, MOST_WAY = 3, 7


def test_classes_stay_apart_under_names_of_their_own(toy):
    episodes = toy.episodes(n=4)
    spread = spread_labels(episodes, 7)

    assert spread.n_way == 7
    for before, after in (
        (episodes.support_labels, spread.support_labels),
        (episodes.targets, spread.targets),
    ):
        for one, other in zip(before.tolist(), after.tolist(), strict=True):
            assert len(set(zip(one, other, strict=True))) == len(set(one)) == len(set(other))
    for support, query, old_support, old_query in zip(
        spread.support_labels, spread.targets, episodes.support_labels, episodes.targets, strict=True
    ):
        names = dict(zip(old_support.tolist(), support.tolist(), strict=True))
        assert [names[label] for label in old_query.tolist()] == query.tolist()
    assert torch.equal(spread.support, episodes.support)
    assert torch.equal(spread.query, episodes.query)


def test_each_name_comes_as_often(toy):
    spread = spread_labels(toy.episodes(n=2000), 5)

    # Of 2,000 episodes with three of five names, 1,200 have each: four standard deviations are 88.
    for name in range(5):
        assert (spread.support_labels == name).any(1).sum().item() == pytest.approx(1200, abs=88)


def test_episodes_with_enough_classes_stay_as_they_are_and_draw_nothing(toy):
    episodes = toy.episodes(n_way=3)
    torch.manual_seed(1)
    drawn = torch.rand(1)
    torch.manual_seed(1)

    assert spread_labels(episodes, 3) is spread_labels(episodes, 2) is episodes
    assert torch.equal(torch.rand(1), drawn)


class Nobody:
    """Takes what a session hands over."""

    def commit(self, learner):
        pass

    def report(self, spent):
        pass


def pool(seed):
    rng = torch.Generator().manual_seed(seed)
    examples = torch.randn(10 * N_CLASSES, 5, generator=rng)
    return LabelledPool(examples, 10 * np.arange(N_CLASSES + 1, dtype=np.int64))


@pytest.mark.parametrize("n_way", [2, MOST_WAY], ids=["any ways", "fixed ways"])
@pytest.mark.parametrize(("algorithm", "options"), EVERY)
def test_every_output_is_learned_where_meta_train_has_fewer_classes(
    toy, monkeypatch, algorithm, options, n_way
):
    monkeypatch.setattr(session_module, "VALIDATION_EPISODES", 1)
    learner = toy.learner(algorithm, n_way=n_way, most_way=MOST_WAY, n_shot=1, n_query=1, **options)
    before = {name: one.clone() for name, one in learner.state_dict().items() if len(one.shape)}
    learner.meta_train(
        Session(
            learner, (pool(0), pool(1)), Allowance(None, 40), Nobody(), seed=0, device=torch.device("cpu")
        )
    )

    of_labels = [name for name, one in learner.named_parameters() if len(one) == MOST_WAY]
    assert of_labels
    for name in of_labels:
        moved = (learner.state_dict()[name] != before[name]).reshape(MOST_WAY, -1).any(1)
        assert bool(moved.all()), f"{name}: {moved.tolist()}"
