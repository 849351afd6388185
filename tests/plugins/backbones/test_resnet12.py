"""ResNet-12: its numbers, its sizes, and what is dropped in training."""

import pytest
import torch
from torch.nn import functional

from metabench.api.options import OptionError
from metabench_plugins.backbones._dropblock import DropBlock
from metabench_plugins.backbones.resnet12 import ResNet12


# A block from a to b channels has 9ab + 2·9b² in three convolutions, ab in its shortcut, 4·2b in BatchNorms.
# 64-160-320-640: 76,160 + 564,480 + 2,357,760 + 9,425,920.
# 64-128-256-512: 76,160 + 377,856 + 1,509,376 + 6,033,408.
@pytest.mark.parametrize(
    ("widths", "n_weights"), [("64-160-320-640", 12_424_320), ("64-128-256-512", 7_996_800)]
)
def test_it_has_the_papers_number_of_weights(widths, n_weights, count):
    assert count(ResNet12, (3, 84, 84), widths=widths) == n_weights


def test_the_whole_map_of_84_pixels_has_25_places(make):
    with torch.device("meta"):
        backbone = make(ResNet12, (3, 84, 84), average=False)
        features = backbone(torch.rand(2, 3, 84, 84))

    assert backbone.map_shape == (640, 5, 5)
    assert features.shape == (2, 16_000)


def test_its_numbers_are_those_of_plain_functions(make):
    backbone = make(ResNet12, (2, 19, 35), widths="64-128-256-512", drop=0.0).double()
    images = torch.rand(3, 2, 19, 35, dtype=torch.float64)

    def normalised(maps, layers, padding):
        maps = functional.conv2d(maps, layers[0].weight, padding=padding)
        mean = maps.mean((0, 2, 3), keepdim=True)
        return (maps - mean) / (((maps - mean) ** 2).mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()

    def bent(maps):
        return torch.where(maps > 0, maps, 0.1 * maps)

    expected = images
    for block in list(backbone.layers)[::3]:
        inner = bent(normalised(expected, block.first, 1))
        inner = bent(normalised(inner, block.second, 1))
        inner = normalised(inner, block.third, 1)
        expected = functional.max_pool2d(bent(inner + normalised(expected, block.shortcut, 0)), 2)

    torch.testing.assert_close(backbone(images), expected.mean((2, 3)))


def test_squares_are_dropped_behind_the_last_two_blocks_alone(make):
    backbone = make(ResNet12, drop=0.2, side=3)
    found = [(part.rate, part.side) for part in backbone.layers if isinstance(part, DropBlock)]
    order = [type(part).__name__ for part in backbone.layers]

    assert found == [(0.2, 1), (0.2, 1), (0.2, 3), (0.2, 3)]
    assert order == 4 * ["_Block", "MaxPool2d", "DropBlock"]


def test_training_drops_and_evaluation_does_not(make):
    backbone, images = make(ResNet12, widths="64-128-256-512"), torch.rand(4, 1, 28, 28)

    assert not torch.equal(backbone(images), backbone(images))
    backbone.eval()
    assert torch.equal(backbone(images), backbone(images))


def test_images_too_small_for_four_poolings_are_refused(make):
    with pytest.raises(ValueError, match=r"^resnet12 is given .* \(1, 28, 15\); .* at least 16x16 pixels\."):
        make(ResNet12, (1, 28, 15))


@pytest.mark.parametrize("option", [{"drop": 1.0}, {"drop": -0.1}, {"side": 0}, {"widths": "1-2-3-4"}])
def test_options_out_of_range_are_refused(make, option):
    with pytest.raises(OptionError, match=rf"^Option '{next(iter(option))}' is .*; expected "):
        make(ResNet12, **option)
