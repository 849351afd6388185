"""WRN: its numbers and its sizes, of WRN-28-10 and of smaller ones."""

import pytest
import torch
from torch.nn import functional

from metabench_plugins.backbones.wrn import WideResNet


# With b_0 = 16, b_i = 16 · width · 2^(i − 1) and n = (depth − 4) / 6, group i has
#   9·b_{i−1}·b_i + (2n − 1)·9·b_i² in convolutions,
#   b_{i−1}·b_i in its shortcut (at width 1 the first group has none),
#   2·b_{i−1} + (2n − 1)·2·b_i in BatchNorms,
# the stem 9·3·16 and the last BatchNorm 2·b_3.
# 28-10, 36.5 million in the paper: 432 + 1,640,672 + 6,968,000 + 27,862,400 + 1,280.
# 16-1: 432 + 9,344 + 32,992 + 131,520 + 128. 10-2: 432 + 14,432 + 57,536 + 229,760 + 256.
@pytest.mark.parametrize(
    ("depth", "width", "n_weights"), [(28, 10, 36_472_784), (16, 1, 174_416), (10, 2, 302_416)]
)
def test_it_has_the_papers_number_of_weights(depth, width, n_weights, count):
    assert count(WideResNet, (3, 32, 32), depth=depth, width=width) == n_weights


@pytest.mark.parametrize(
    ("shape", "map_shape"),
    [((3, 32, 32), (640, 8, 8)), ((3, 84, 84), (640, 21, 21)), ((1, 28, 29), (640, 7, 8))],
)
def test_the_map_has_the_shape_that_it_tells_of(make, shape, map_shape):
    with torch.device("meta"):
        backbone = make(WideResNet, shape, average=False)
        maps = backbone.layers(torch.rand(2, *shape))

    assert backbone.map_shape == map_shape
    assert maps.shape == (2, *map_shape)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("dropout", [lambda maps: maps, lambda maps: maps / 2 + 1], ids=["", "dropping"])
def test_its_numbers_are_those_of_plain_functions(make, monkeypatch, width, dropout):
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda _, maps: dropout(maps))
    backbone = make(WideResNet, (2, 13, 18), depth=16, width=width).double()
    images = torch.rand(3, 2, 13, 18, dtype=torch.float64)

    def ready(maps):
        mean = maps.mean((0, 2, 3), keepdim=True)
        variance = ((maps - mean) ** 2).mean((0, 2, 3), keepdim=True)
        return ((maps - mean) / (variance + 1e-5).sqrt()).clamp(min=0)

    first, *blocks = list(backbone.layers)[:-2]
    expected = functional.conv2d(images, first.weight, padding=1)
    for number, block in enumerate(blocks):
        stride = 2 if number in (2, 4) else 1
        before = ready(expected)
        inner = ready(functional.conv2d(before, block.first.weight, stride=stride, padding=1))
        if block.shortcut is not None:
            expected = functional.conv2d(before, block.shortcut.weight, stride=stride)
        expected = functional.conv2d(dropout(inner), block.second.weight, padding=1) + expected

    has_shortcut = [block.shortcut is not None for block in blocks]
    assert has_shortcut == [width > 1, False, True, False, True, False]
    torch.testing.assert_close(backbone(images), ready(expected).mean((2, 3)))


def test_training_drops_where_it_is_told_to(make):
    images = torch.rand(4, 1, 28, 28)
    plain = make(WideResNet, depth=10, width=1)
    dropping = make(WideResNet, depth=10, width=1, drop=0.5)

    assert torch.equal(plain(images), plain(images))
    assert not torch.equal(dropping(images), dropping(images))


@pytest.mark.parametrize("depth", [11, 27, 29])
def test_a_depth_that_no_such_network_has_is_refused(make, depth):
    with pytest.raises(
        ValueError, match=rf"^depth of wrn is {depth}; expected 6n \+ 4: 10, 16, 22, 28, … Set"
    ):
        make(WideResNet, depth=depth)
