"""ResNet-18: its numbers and its sizes, with both stems."""

import pytest
import torch
from torch.nn import functional

from metabench_plugins.backbones.resnet18 import ResNet18


# A stage of two blocks from a to b has 9ab + 3·9b² in convolutions, 4·2b in BatchNorms and, where a is not b,
# ab + 2b in its shortcut: 147,968 + 525,568 + 2,099,712 + 8,393,728.
# The stem has 49·3·64 + 2·64, or 9·3·64 + 2·64.
# Of the 11,689,512 weights of the one for ImageNet, 513,000 are the classifier's.
@pytest.mark.parametrize(("stem", "n_weights"), [("7x7", 11_689_512 - 513_000), ("3x3", 11_168_832)])
def test_it_has_the_papers_number_of_weights(stem, n_weights, count):
    assert count(ResNet18, (3, 84, 84), stem=stem) == n_weights


@pytest.mark.parametrize(
    ("shape", "stem", "map_shape"),
    [
        ((3, 224, 224), "7x7", (512, 7, 7)),
        ((3, 84, 84), "7x7", (512, 3, 3)),
        ((3, 84, 84), "3x3", (512, 11, 11)),
        ((1, 28, 28), "7x7", (512, 1, 1)),
        ((1, 28, 28), "3x3", (512, 4, 4)),
        ((1, 33, 65), "7x7", (512, 2, 3)),
        ((1, 1, 1), "7x7", (512, 1, 1)),
    ],
)
def test_the_map_has_the_shape_that_it_tells_of(make, shape, stem, map_shape):
    with torch.device("meta"):
        backbone = make(ResNet18, shape, stem=stem, average=False)
        maps = backbone.layers(torch.rand(2, *shape))

    assert backbone.map_shape == map_shape
    assert maps.shape == (2, *map_shape)


@pytest.mark.parametrize("stem", ["7x7", "3x3"])
def test_its_numbers_are_those_of_plain_functions(make, stem):
    backbone = make(ResNet18, (2, 37, 20), stem=stem).double()
    images = torch.rand(3, 2, 37, 20, dtype=torch.float64)

    def normalised(maps, layers, stride=1):
        weight = layers[0].weight
        maps = functional.conv2d(maps, weight, stride=stride, padding=(weight.shape[-1] - 1) // 2)
        mean = maps.mean((0, 2, 3), keepdim=True)
        return (maps - mean) / (((maps - mean) ** 2).mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()

    first, *blocks = backbone.layers
    expected = normalised(images, first[0], stride=2 if stem == "7x7" else 1).clamp(min=0)
    if stem == "7x7":
        expected = functional.max_pool2d(expected, 3, stride=2, padding=1)
    for number, block in enumerate(blocks):
        stride = 2 if number in (2, 4, 6) else 1
        inner = normalised(expected, block.first, stride).clamp(min=0)
        around = normalised(expected, block.shortcut, stride) if number in (2, 4, 6) else expected
        expected = (normalised(inner, block.second) + around).clamp(min=0)

    torch.testing.assert_close(backbone(images), expected.mean((2, 3)))
