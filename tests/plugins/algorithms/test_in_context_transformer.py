"""In-context transformer: who sees whom, and the answer as that of one sequence per query."""

import pytest
import torch

from metabench_plugins.algorithms.in_context_transformer import InContextTransformer, hidden_states


@pytest.fixture
def learner(toy):
    return toy.learner(InContextTransformer, state_width=8, heads=2, layers=2).double()


def test_the_support_and_itself_are_all_that_a_state_sees():
    seen = (~hidden_states(2, 3)).int().tolist()

    assert seen == [
        [1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 0, 1, 0],
        [1, 1, 0, 0, 1],
    ]


def test_an_answer_is_read_off_the_query_after_attention_to_the_support(toy, learner):
    """Layer by layer, by the layers' own parts: the support by itself, then the query with it."""
    episodes = toy.episodes(dtype=torch.float64, n_way=2)
    learner.eval()
    answer = learner.answer(episodes)
    with torch.no_grad():
        for e, q in ((0, 0), (0, 3), (1, 2)):
            support, query = (
                learner.embed_features(learner.backbone(x))
                for x in (episodes.support[e], episodes.query[e, q])
            )
            support = (support + learner.embed_labels.weight[episodes.support_labels[e]])[None]
            query = query[None, None]
            for layer in learner.encoder:
                both = layer(torch.cat([support, query], dim=1))[:, -1:]
                support, query = layer(support), both
            expected = learner.head(query)[0, 0, :2]
            torch.testing.assert_close(answer[e, q], expected)


def test_each_layer_starts_with_comparing(learner):
    for layer in learner.encoder:
        queries, keys, values = layer.self_attn.in_proj_weight.chunk(3)
        assert torch.equal(queries, keys)
        assert not torch.equal(keys, values)
