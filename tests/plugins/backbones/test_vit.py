"""ViT: its numbers, its sizes, and how it reads an image."""

import pytest
import torch
from torch import nn

from metabench_plugins.backbones.vit import ViT


# A layer has 4w² + 4w in attention, 8w² + 5w in its other part, 4w in LayerNorms. Around the layers stand
# w(cp² + 1) of the patches' embedding, w(n + 1) of places, w of the class token, 2w of the last LayerNorm.
# ViT-B/16, 86 million in the paper with its classifier: 590,592 + 151,296 + 768 + 12 · 7,087,872 + 1,536.
@pytest.mark.parametrize(
    ("shape", "options", "n_weights"),
    [
        ((3, 224, 224), {"patch": 16, "width": 768, "layers": 12, "heads": 12}, 85_798_656),
        ((1, 28, 28), {"width": 16, "layers": 2}, 16 * 50 + 16 * 17 + 16 + 2 * 3280 + 32),
        ((3, 32, 32), {"width": 16, "layers": 1, "heads": 1}, 16 * 148 + 16 * 26 + 16 + 3280 + 32),
    ],
)
def test_it_has_the_papers_number_of_weights(shape, options, n_weights, count):
    assert count(ViT, shape, **options) == n_weights


def test_its_numbers_are_those_of_torchs_layers(make):
    backbone = make(ViT, (2, 12, 8), patch=4, width=12, layers=2, heads=3).eval()
    images = torch.rand(3, 2, 12, 8)
    patches = torch.stack(
        [images[:, :, top : top + 4, left : left + 4].flatten(1) for top in (0, 4, 8) for left in (0, 4)],
        dim=1,
    )
    weight = backbone.embedding.weight.flatten(1)
    tokens = patches @ weight.T + backbone.embedding.bias
    states = torch.cat([backbone.class_token.expand(3, 1, 12), tokens], dim=1) + backbone.places
    for block in backbone.blocks:
        layer = nn.TransformerEncoderLayer(
            12, 3, 48, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        parts = {
            "self_attn.in_proj_": block.attended,
            "self_attn.out_proj.": block.joined,
            "linear1.": block.layer[0],
            "linear2.": block.layer[2],
            "norm1.": block.attention_norm,
            "norm2.": block.layer_norm,
        }
        named = {
            f"{name}{key}": value for name, part in parts.items() for key, value in part.named_parameters()
        }
        layer.load_state_dict(named)
        states = layer(states)

    torch.testing.assert_close(backbone(images), backbone.norm(states[:, 0]), rtol=1e-4, atol=1e-5)


def test_an_image_that_is_no_whole_number_of_patches_is_filled_up_with_zeros(make):
    backbone = make(ViT, (1, 10, 13), patch=4, width=8, layers=1, heads=1).eval()
    images = torch.rand(2, 1, 10, 13)
    filled = torch.zeros(2, 1, 12, 16)
    filled[:, :, :10, :13] = images

    assert backbone.places.shape == (13, 8)
    assert torch.equal(backbone(images), backbone(filled))


def test_the_order_of_patches_matters(make):
    backbone = make(ViT, (1, 8, 8), patch=4, width=8, layers=1, heads=1).eval()
    images = torch.rand(2, 1, 8, 8)

    assert not torch.allclose(backbone(images), backbone(images.roll(4, 2)), atol=1e-6)


def test_a_width_that_its_heads_cannot_share_is_refused(make):
    with pytest.raises(ValueError, match=r"^width of vit is 10; expected a multiple of heads \(4\)\. Set"):
        make(ViT, width=10)
