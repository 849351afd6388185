"""DropBlock: what it drops, how much of it, and when."""

import pytest
import torch

from metabench_plugins.backbones._dropblock import DropBlock

ONES = torch.ones(400, 5, 11, 8)


def covers(height, width, side):
    """How many squares that lie on a map cover each of its places."""
    count = torch.zeros(height, width)
    for top in range(height - side + 1):
        for left in range(width - side + 1):
            count[top : top + side, left : left + side] += 1
    return count


@pytest.mark.parametrize(("rate", "side"), [(0.1, 5), (0.3, 3), (0.5, 2), (0.2, 1), (0.1, 8)])
def test_the_part_that_is_kept_is_that_of_the_formula(rate, side):
    """A place is kept if none of the squares that cover it begins: (1 − gamma)^squares."""
    _, _, height, width = ONES.shape
    squares = covers(height, width, side)
    n_begins = (height - side + 1) * (width - side + 1)
    gamma = rate / side**2 * height * width / n_begins
    # What equation 1 is made for: squares of that many places, if none overlap, drop the rate.
    assert gamma * n_begins * side**2 == pytest.approx(rate * height * width)

    kept = (DropBlock(rate, side)(ONES) > 0).float().mean((0, 1))

    # Where squares are large, the 2000 maps are few draws; each place is right within five deviations.
    expected = (1 - gamma) ** squares
    deviation = (expected * (1 - expected) / 2000).sqrt()
    assert ((kept - expected).abs() < 5 * deviation).all()


@pytest.mark.parametrize("side", [1, 2, 5])
def test_what_is_dropped_is_a_union_of_whole_squares(side):
    dropped = DropBlock(0.2, side)(ONES[:50]) == 0
    covered = torch.zeros_like(dropped)
    for top in range(dropped.shape[2] - side + 1):
        for left in range(dropped.shape[3] - side + 1):
            window = (..., slice(top, top + side), slice(left, left + side))
            covered[window] |= dropped[window].all(-1).all(-1)[..., None, None]

    assert dropped.any()
    assert torch.equal(covered, dropped)


def test_each_channel_of_each_example_has_squares_of_its_own():
    maps = (DropBlock(0.3, 3)(ONES[:20]) == 0).flatten(0, 1).flatten(1)

    assert len(maps.unique(dim=0)) > 90


def test_what_is_kept_is_scaled_to_the_same_sum():
    kept = DropBlock(0.4, 3)(ONES)

    assert kept.sum().item() == pytest.approx(ONES.numel(), rel=1e-5)
    assert len(kept.unique()) == 2


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (1, 6), (3, 5)])
def test_a_square_is_no_larger_than_the_map(height, width):
    side = min(5, height, width)
    maps = torch.ones(4000, 1, height, width)
    kept = (DropBlock(0.25, 5)(maps) > 0).float().mean((0, 1))

    gamma = 0.25 / side**2 * height * width / ((height - side + 1) * (width - side + 1))
    expected = (1 - gamma) ** covers(height, width, side)
    torch.testing.assert_close(kept, expected, rtol=0, atol=0.04)


def test_where_everything_is_dropped_there_is_nothing_but_zeros():
    assert torch.equal(DropBlock(1.0, 1)(ONES[:2]), torch.zeros_like(ONES[:2]))


def test_in_evaluation_and_at_rate_zero_maps_pass_as_they_are():
    maps = torch.rand(2, 3, 6, 6)

    assert torch.equal(DropBlock(0.5, 3).eval()(maps), maps)
    assert torch.equal(DropBlock(0.0, 3)(maps), maps)


def test_gradients_flow_through_what_is_kept():
    maps = torch.rand(3, 2, 6, 6, requires_grad=True)
    answer = DropBlock(0.3, 2)(maps)
    answer.sum().backward()

    torch.testing.assert_close(maps.grad * maps, answer)
