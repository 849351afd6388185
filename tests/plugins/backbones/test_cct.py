"""CCT: its numbers against functions of torch, its sizes, and that images do not meet."""

import pytest
import torch
from torch.nn import functional

from metabench_plugins.backbones.cct import CCT


# A layer of width w has 12w² + 13w weights, as ViT's. Around the layers stand the convolutions, 9 · in · out,
# with 2 · out of their norms each, w of each place, 2w of the last norm and w + 1 of the importance.
@pytest.mark.parametrize(
    ("shape", "options", "n_weights"),
    [
        (
            (1, 28, 28),
            {},
            9 * (32 + 32 * 32 + 32 * 64) + 2 * (32 + 32 + 64) + 64 * 16 + 2 * 49_984 + 128 + 65,
        ),
        (
            (3, 30, 13),
            {"width": 8, "layers": 1, "convolutions": 2},
            9 * (3 * 32 + 32 * 8) + 2 * (32 + 8) + 8 * (8 * 4) + (12 * 64 + 13 * 8) + 16 + 9,
        ),
    ],
)
def test_its_number_of_weights_is_that_of_its_parts(shape, options, n_weights, count):
    assert count(CCT, shape, **options) == n_weights


def test_its_numbers_are_those_of_the_definition(make):
    backbone = make(CCT, (2, 10, 7), width=8, layers=1, heads=2, convolutions=2).eval()
    with torch.no_grad():
        for norm in (backbone.stem[0][1], backbone.stem[1][1], backbone.norm):
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    images = torch.rand(3, 2, 10, 7)

    maps = images
    for convolution, norm, *_ in backbone.stem:
        maps = functional.conv2d(maps, convolution.weight, padding=1)
        mean, variance = maps.mean((1, 2, 3), keepdim=True), maps.var((1, 2, 3), correction=0, keepdim=True)
        scaled = (maps - mean) / (variance + 1e-5).sqrt()
        scaled = scaled * norm.weight[:, None, None] + norm.bias[:, None, None]
        maps = functional.max_pool2d(scaled.clamp(min=0), 2, ceil_mode=True)
    states = torch.stack([maps[..., row, column] for row in range(3) for column in range(2)], dim=1)
    states = backbone.norm(backbone.blocks(states + backbone.places))
    scores = torch.exp(states @ backbone.importance.weight[0] + backbone.importance.bias)
    expected = torch.einsum("nt,ntw->nw", scores / scores.sum(1, keepdim=True), states)

    torch.testing.assert_close(backbone(images), expected)


def test_an_image_is_seen_alike_alone_and_among_others(make):
    backbone = make(CCT, (1, 28, 28)).train()
    images = torch.rand(4, 1, 28, 28)

    torch.testing.assert_close(backbone(images)[:1], backbone(images[:1]))


def test_where_something_stands_matters(make):
    backbone = make(CCT, (1, 16, 16), width=8, layers=1).eval()
    images = torch.rand(2, 1, 16, 16)

    assert not torch.allclose(backbone(images), backbone(images.roll(8, 2)), atol=1e-5)


def test_a_width_that_its_heads_cannot_share_is_refused(make):
    with pytest.raises(ValueError, match=r"^width of cct is 10; expected a multiple of heads \(4\)\. Set"):
        make(CCT, width=10)
