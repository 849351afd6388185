"""Conv4: shapes, the order of its layers, and what it refuses."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from metabench.api.backbone import BackboneSetting
from metabench.api.options import OptionError, declared_options, resolve_options
from metabench_plugins.backbones.conv4 import Conv4


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def make(shape=(1, 28, 28), **options):
    return Conv4(BackboneSetting(resolve_options(declared_options(Conv4), options), shape))


@pytest.mark.parametrize(
    ("shape", "width", "n_features"),
    [
        ((1, 28, 28), 32, 32),
        ((1, 28, 28), 64, 64),
        ((3, 32, 32), 32, 128),
        ((3, 84, 84), 32, 800),
        ((3, 84, 84), 64, 1600),
        ((1, 16, 16), 1, 1),
        ((2, 16, 47), 8, 16),
        ((4, 33, 16), 8, 16),
    ],
)
def test_features_are_as_many_as_it_says(shape, width, n_features):
    backbone = make(shape, width=width)

    assert backbone.n_features == n_features
    assert backbone(torch.rand(3, *shape)).shape == (3, n_features)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 40, 64)])
def test_the_map_that_it_tells_of_is_what_it_flattens(shape):
    backbone, images = make(shape, width=6), torch.rand(2, *shape)

    maps = backbone.blocks(images)
    assert backbone.map_shape == tuple(maps.shape[1:])
    assert torch.equal(backbone(images).view(2, *backbone.map_shape), maps)


def test_its_numbers_are_those_of_the_papers_order_of_layers():
    """ReLU before pooling, with functions in place of modules."""
    backbone = make((2, 20, 33), width=6).double()
    images = torch.rand(5, 2, 20, 33, dtype=torch.float64)
    expected, answer = images, backbone(images)
    for block in backbone.blocks:
        expected = functional.conv2d(expected, block[0].weight, padding=1)
        mean = expected.mean((0, 2, 3), keepdim=True)
        variance = ((expected - mean) ** 2).mean((0, 2, 3), keepdim=True)
        expected = (expected - mean) / (variance + 1e-5).sqrt()
        expected = functional.max_pool2d(functional.relu(expected), 2)

    torch.testing.assert_close(answer, expected.flatten(1))


def test_pooling_before_relu_gives_the_same_numbers():
    ours = make().eval()
    papers = nn.Sequential(*(nn.Sequential(block[0], block[1], block[3], block[2]) for block in ours.blocks))
    images = torch.rand(4, 1, 28, 28)

    assert torch.equal(ours(images), papers(images).flatten(1))


def test_the_weights_have_the_shapes_of_four_blocks():
    weights = {name: tuple(weight.shape) for name, weight in make((3, 32, 32), width=8).named_parameters()}

    assert [shape for shape in weights.values() if len(shape) == 4] == [(8, 3, 3, 3), *[(8, 8, 3, 3)] * 3]
    assert sum(len(shape) == 1 for shape in weights.values()) == 8
    assert len(weights) == 12


def test_in_evaluation_an_image_is_seen_alone():
    backbone = make()
    backbone(torch.rand(20, 1, 28, 28))
    backbone.eval()
    images = torch.rand(6, 1, 28, 28)

    alone = torch.cat([backbone(one[None]) for one in images])
    torch.testing.assert_close(backbone(images), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "shape", [(1, 15, 28), (3, 28, 15), (1, 8, 8), (1, 0, 0), (28, 28), (128,), (), (1, 1, 28, 28)]
)
def test_examples_that_are_no_images_or_too_small_are_refused(shape):
    with pytest.raises(
        ValueError,
        match=(
            r"conv4 is given examples of shape \(.*\); expected images \(channels, height, width\) of at "
            r"least 16x16 pixels\. Choose another backbone\."
        ),
    ) as refused:
        make(shape)
    assert str(shape) in str(refused.value)


def test_a_width_of_nothing_is_refused():
    with pytest.raises(OptionError, match=r"^Option 'width' is 0; expected at least 1\."):
        make(width=0)
