"""What all image backbones have in common: an image's features are its own, and can be learned by MAML."""

import pytest
import torch
from torch.func import functional_call

from metabench.api import EpisodicBatchNorm2d, statistics_from_first
from metabench.api.algorithm import AlgorithmSetting
from metabench.api.episodes import Episodes
from metabench.api.options import declared_options, resolve_options
from metabench_plugins.algorithms.maml import MAML
from metabench_plugins.backbones.cct import CCT
from metabench_plugins.backbones.conv4 import Conv4
from metabench_plugins.backbones.resnet12 import ResNet12
from metabench_plugins.backbones.resnet18 import ResNet18
from metabench_plugins.backbones.vit import ViT
from metabench_plugins.backbones.wrn import WideResNet

# Each as small as its options let it be.
SMALL = {
    Conv4: {"width": 8},
    ResNet12: {"widths": "64-128-256-512"},
    ResNet18: {},
    WideResNet: {"depth": 10, "width": 1},
    ViT: {"width": 16, "layers": 2, "heads": 2},
    CCT: {"width": 16, "layers": 1, "heads": 2},
}
RESIDUAL = (ResNet12, ResNet18, WideResNet)

every_backbone = pytest.mark.parametrize("kind", list(SMALL))


@pytest.fixture
def small(make):
    def build(kind, shape=(1, 28, 28), **options):
        return make(kind, shape, **{**SMALL[kind], **options})

    return build


@every_backbone
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 84, 84), (2, 17, 40)])
def test_features_are_as_many_as_it_says(kind, small, shape):
    backbone = small(kind, shape)
    features = backbone(torch.rand(2, *shape))

    assert kind.modality == "image"
    assert kind.pretraining == "none"
    assert features.shape == (2, backbone.n_features)
    assert features.isfinite().all()


@pytest.mark.parametrize("kind", RESIDUAL)
@pytest.mark.parametrize("shape", [(1, 28, 28), (2, 17, 45)])
def test_features_are_the_last_map_or_its_average(kind, small, shape):
    averaged, whole = small(kind, shape).eval(), small(kind, shape, average=False).eval()
    whole.load_state_dict(averaged.state_dict())
    images = torch.rand(2, *shape)

    maps = whole(images).view(2, *whole.map_shape)
    assert whole.n_features == maps[0].numel()
    assert torch.equal(maps, whole.layers(images))
    assert averaged.map_shape is None
    torch.testing.assert_close(averaged(images), maps.flatten(2).mean(2))


@every_backbone
def test_in_evaluation_an_image_is_seen_alone_and_always_alike(kind, small):
    backbone = small(kind)
    backbone(torch.rand(20, 1, 28, 28))
    backbone.eval()
    images = torch.rand(6, 1, 28, 28)

    together = backbone(images)
    assert torch.equal(backbone(images), together)
    alone = torch.cat([backbone(one[None]) for one in images])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@every_backbone
def test_with_statistics_of_the_support_a_query_is_seen_alone(kind, small):
    """In every BatchNorm there is: one of another kind would still look at the queries."""
    backbone = small(kind).eval()
    images = torch.rand(8, 1, 28, 28)

    with statistics_from_first(backbone, 5):
        together = backbone(images)
        alone = [backbone(torch.cat([images[:5], one[None]]))[5] for one in images[5:]]

    torch.testing.assert_close(together[5:], torch.stack(alone), rtol=1e-4, atol=1e-4)
    layers = [part for part in backbone.modules() if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)]
    assert all(isinstance(layer, EpisodicBatchNorm2d) for layer in layers)
    assert (not layers) == (kind in (ViT, CCT))


@every_backbone
def test_gradients_reach_every_weight(kind, small):
    # Even sides above the smallest, so that no map is a single place that BatchNorm makes constant.
    backbone = small(kind, (3, 40, 40))
    backbone(torch.rand(4, 3, 40, 40)).square().sum().backward()

    assert [name for name, weight in backbone.named_parameters() if not weight.grad.any()] == []


@every_backbone
def test_bf16_gives_about_the_same_features(kind, small):
    backbone, images = small(kind).eval(), torch.rand(4, 1, 28, 28)
    exact = backbone(images)

    with torch.autocast("cpu", torch.bfloat16):
        rough = backbone(images).float()

    assert (rough - exact).norm() < 0.05 * exact.norm()


def learner(backbone):
    options = resolve_options(declared_options(MAML), {"inner_lr": 0.05, "clip_norm": 0.0})
    return MAML(AlgorithmSetting(options, backbone, n_way=2, n_shot=2, n_query=1))


def episodes(dtype):
    support, query = torch.rand(1, 4, 1, 28, 28, dtype=dtype), torch.rand(1, 2, 1, 28, 28, dtype=dtype)
    return Episodes(support, torch.tensor([[0, 0, 1, 1]]), query, torch.tensor([[0, 1]]), 2)


@every_backbone
def test_maml_learns_with_it(kind, small):
    one = learner(small(kind)).train()
    loss = one.loss(episodes(torch.float32))
    loss.backward()

    assert loss.isfinite()
    assert all(weight.grad.isfinite().all() for weight in one.parameters())
    assert one.answer(episodes(torch.float32)).shape == (1, 2, 2)


@pytest.mark.parametrize(("kind", "weight"), [(WideResNet, "layers.2.second.weight"), (ViT, "places")])
def test_gradients_through_the_inner_steps_are_right(kind, weight, small):
    """Second-order MAML: the derivative along a direction against a difference of losses."""
    one, few = learner(small(kind)).double().eval(), episodes(torch.float64)
    start = one.backbone.get_parameter(weight)
    (gradient,) = torch.autograd.grad(one.loss(few), start)
    direction = torch.randn_like(start) / start.numel() ** 0.5

    step = 1e-5
    origin = start.detach().clone()
    values = []
    for sign in (1, -1):
        start.data = origin + sign * step * direction
        values.append(one.loss(few).detach())

    expected = (values[0] - values[1]) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-3, atol=1e-8)


@every_backbone
def test_other_weights_can_be_put_in_its_place(kind, small):
    backbone, other = small(kind).eval(), small(kind).eval()
    images = torch.rand(2, 1, 28, 28)

    answer = functional_call(backbone, dict(other.named_parameters()), (images,))
    assert torch.equal(answer, other(images))
    assert not torch.equal(answer, backbone(images))


@every_backbone
@pytest.mark.parametrize("shape", [(28, 28), (32,), (), (1, 1, 28, 28), (1, 0, 28)])
def test_examples_that_are_no_images_are_refused(kind, small, shape):
    with pytest.raises(ValueError, match=r"is given examples of shape \(.*\); expected images \(channels,"):
        small(kind, shape)
