"""MANN: one time by hand, number by number; where is written; and queries against single steps."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from metabench_plugins.algorithms.mann import MANN, Memory, least_used

SIZES = {"embedding_width": 4, "n_hidden": 5, "n_rows": 6, "row_width": 3, "n_heads": 2}


@pytest.fixture
def learner(toy):
    return toy.learner(MANN, **SIZES).double()


def random_memory(n=2):
    """As it may be in the middle of a sequence: some rows are long, some short, one is empty."""
    rng = torch.Generator().manual_seed(1)

    def randn(*shape):
        return torch.randn(n, *shape, generator=rng, dtype=torch.float64)

    return Memory(
        rows=randn(6, 3) * torch.tensor([0.0, 0.01, 0.1, 0.3, 1.0, 3.0])[:, None],
        usage=randn(6).square(),
        read_weights=randn(2, 6).softmax(2),
        read=randn(6),
        hidden=randn(5),
        cell=randn(5),
    )


def reads_by_hand(keys, rows, strength):
    """Equations 2 and 3: a softmax of cosines; rows shorter than a half count as if they were a half."""
    weights = np.zeros((len(keys), len(rows)))
    for head, key in enumerate(keys):
        for row, content in enumerate(rows):
            length = max(math.sqrt((content**2).sum()), 0.5)
            weights[head, row] = math.exp(strength * (key * content).sum() / length)
        weights[head] /= weights[head].sum()
    return weights


def writes_by_hand(gates, memory):
    """Equations 6 and 7, and the rows that are erased."""
    usage = memory.usage.numpy()
    least = sorted(range(len(usage)), key=lambda row: usage[row])[: len(gates)]
    weights = np.zeros((len(gates), len(usage)))
    for head, row in np.ndindex(weights.shape):
        fresh = 1.0 if row == least[head] else 0.0
        weights[head, row] = gates[head] * memory.read_weights[head, row].item() + (1 - gates[head]) * fresh
    return weights, least


@pytest.mark.parametrize(("strength", "decay"), [(1.0, 0.99), (10.0, 0.5)])
def test_a_time_reads_and_writes_as_the_equations_say(toy, strength, decay):
    learner = toy.learner(MANN, **SIZES, strength=strength, usage_decay=decay).double()
    memory, given = random_memory(), torch.randn(2, 8, dtype=torch.float64)
    with torch.no_grad():
        after = learner.step(given, memory)
        keys = learner.to_keys(after.hidden).view(2, 2, 3).numpy()
        gates = 1 / (1 + np.exp(-learner.to_gates(after.hidden).numpy()))

    for n in range(2):
        one = Memory(*(part[n] for part in vars(memory).values()))
        unit = np.array([key / math.sqrt((key**2).sum()) for key in keys[n]])
        reads = reads_by_hand(unit, one.rows.numpy(), strength)
        writes, erased = writes_by_hand(gates[n], one)
        rows = one.rows.numpy().copy()
        rows[erased] = 0.0
        for head, row in np.ndindex(writes.shape):
            rows[row] += writes[head, row] * unit[head]  # equation 8
        usage = decay * one.usage.numpy() + reads.sum(0) + writes.sum(0)  # equation 5
        expected = (rows, usage, reads, (reads @ one.rows.numpy()).ravel())
        found = (after.rows, after.usage, after.read_weights, after.read)
        for part, value in zip(found, expected, strict=True):
            np.testing.assert_allclose(part[n].numpy(), value, rtol=1e-9, atol=1e-12)


def test_the_controller_sees_what_was_read_last(learner):
    memory, given = random_memory(), torch.randn(2, 8, dtype=torch.float64)
    hidden, cell = learner.controller(torch.cat([given, memory.read], 1), (memory.hidden, memory.cell))
    after = learner.step(given, memory)

    assert torch.equal(after.hidden, hidden)
    assert torch.equal(after.cell, cell)


def test_each_head_has_one_of_the_least_used_rows():
    usage = torch.tensor([[3.0, 1.0, 2.0, 0.5], [0.0, 0.0, 0.0, 0.0]])

    assert least_used(usage, 2).tolist() == [
        [[0, 0, 0, 1], [0, 1, 0, 0]],
        [[1, 0, 0, 0], [0, 1, 0, 0]],
    ]


def test_rows_are_written_in_turn_and_the_oldest_is_overwritten(toy):
    """While gates are closed to what was read, and reading is the same everywhere."""
    learner = toy.learner(MANN, **{**SIZES, "n_heads": 1}, strength=0.0, usage_decay=0.5).double()
    torch.nn.init.constant_(learner.to_gates.bias, -1e9)
    memory, order = learner.blank(torch.zeros(1, 1, dtype=torch.float64)), []
    for _ in range(8):
        before, memory = memory, learner.step(torch.randn(1, 8, dtype=torch.float64), memory)
        order += (before.rows != memory.rows).any(2).nonzero()[:, 1].tolist()

    assert order == [0, 1, 2, 3, 4, 5, 0, 1]


def test_a_query_reads_what_the_support_has_left(toy, learner):
    """Its answer is that of a sequence of its own: labelled support, then the query without a label."""
    episodes = toy.episodes(dtype=torch.float64, n_way=2)
    learner.eval()
    answer = learner.answer(episodes)
    with torch.no_grad():
        for e, q in ((0, 0), (0, 3), (1, 2)):
            memory = learner.blank(torch.zeros(1, 1, dtype=torch.float64))
            for example, label in zip(episodes.support[e], episodes.support_labels[e], strict=True):
                embedded = learner.embed_features(learner.backbone(example))
                given = torch.cat([embedded, learner.embed_labels.weight[label]])
                memory = learner.step(given[None], memory)
            embedded = learner.embed_features(learner.backbone(episodes.query[e, q]))
            given = torch.cat([embedded, torch.zeros(4), memory.read[0]])
            hidden, _ = learner.controller(given[None], (memory.hidden, memory.cell))
            keys = functional.normalize(learner.to_keys(hidden).view(2, 3), dim=1)
            reads = reads_by_hand(keys.numpy(), memory.rows[0].numpy(), learner.strength)
            read = torch.from_numpy(reads) @ memory.rows[0]
            expected = learner.head(torch.cat([hidden[0], read.flatten()]))[:2]
            torch.testing.assert_close(answer[e, q], expected)


def test_more_heads_than_rows_are_refused(toy):
    with pytest.raises(ValueError, match=r"^n_heads of mann is 7; expected at most n_rows \(6\)\. Set more"):
        toy.learner(MANN, **{**SIZES, "n_heads": 7})
