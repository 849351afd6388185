"""Episodes as tensors: cut, joined and stripped of their labels without a mix-up."""

import pytest
import torch

from metabench.api.episodes import Episodes, join_inputs, map_inputs


def make(inputs=lambda x: x):
    """Three episodes of 2 ways, 2 shots and 3 queries; every value tells where it stands."""
    return Episodes(
        support=inputs(torch.arange(3 * 4 * 5).view(3, 4, 5)),
        support_labels=torch.tensor([[0, 0, 1, 1]] * 3),
        query=inputs(1000 + torch.arange(3 * 6 * 5).view(3, 6, 5)),
        query_labels=torch.tensor([[0, 1, 0, 1, 0, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]),
        n_way=2,
    )


def as_dict(tensor):
    return {"ids": tensor, "mask": tensor > 0}


def test_they_know_how_many_they_are():
    assert len(make()) == 3
    assert make().n_support == 4
    assert len(make(as_dict)) == 3


def test_they_come_one_by_one_each_as_a_batch_of_one():
    whole = make()
    singles = list(whole)

    assert [len(one) for one in singles] == [1, 1, 1]
    assert torch.equal(torch.cat([one.support for one in singles]), whole.support)
    assert torch.equal(torch.cat([one.query for one in singles]), whole.query)
    assert torch.equal(torch.cat([one.targets for one in singles]), whole.targets)
    assert torch.equal(torch.cat([one.support_labels for one in singles]), whole.support_labels)


def test_a_part_of_them_keeps_inputs_of_many_tensors():
    part = make(as_dict).at(slice(1, 3))

    assert len(part) == 2
    assert torch.equal(part.query["ids"], make().query[1:])
    assert torch.equal(part.support["mask"], make().support[1:] > 0)


def test_without_labels_everything_else_stays():
    labelled = make()
    bare = labelled.unlabelled()

    assert bare.query_labels is None
    assert bare.query is labelled.query
    assert [one.query_labels for one in bare] == [None] * 3
    assert labelled.query_labels is not None


def test_asking_for_labels_that_are_not_there_is_refused():
    with pytest.raises(ValueError, match=r"these episodes have no query labels; `predict` must do without"):
        _ = make().unlabelled().targets


def test_a_function_reaches_every_tensor():
    assert map_inputs(lambda x: x + 1, torch.tensor([1])).tolist() == [2]
    assert {
        name: x.tolist()
        for name, x in map_inputs(lambda x: x + 1, {"a": torch.tensor(1), "b": torch.tensor(2)}).items()
    } == {"a": 2, "b": 3}


@pytest.mark.parametrize("dim", [0, 1])
def test_inputs_are_joined_along_a_dimension(dim):
    first, second = torch.zeros(2, 2), torch.ones(2, 2)

    assert torch.equal(join_inputs(first, second, dim), torch.cat([first, second], dim))
    joined = join_inputs({"a": first}, {"a": second}, dim)
    assert torch.equal(joined["a"], torch.cat([first, second], dim))


def test_inputs_of_two_kinds_are_not_joined():
    with pytest.raises(TypeError, match="inputs of two kinds cannot be joined"):
        join_inputs(torch.zeros(1), {"a": torch.zeros(1)}, 0)
