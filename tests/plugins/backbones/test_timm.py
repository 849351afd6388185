"""timm:MODEL: what timm is asked for, what the network sees and, where timm is installed, real models."""

import sys
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from metabench_plugins.backbones.timm import Timm

MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.25, 0.5]


class Network(nn.Module):
    """As timm makes them: it tells what it was pretrained on."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 7, 3)
        self.pretrained_cfg = {"input_size": (3, 20, 24), "mean": tuple(MEAN), "std": tuple(STD)}

    def forward(self, images):
        self.seen = images
        return self.layer(images).mean((2, 3))


@pytest.fixture
def stub(monkeypatch):
    """The two functions of timm that are used, and what they were called with."""
    calls = []

    def create_model(name, pretrained=False, num_classes=None):
        calls.append((name, pretrained, num_classes))
        if name == "unknown":
            raise RuntimeError("Unknown model (unknown)")
        return Network()

    def load_checkpoint(network, file, strict=True):
        calls.append((file, strict))
        return network.load_state_dict(load_file(file), strict=strict)

    models = SimpleNamespace(load_checkpoint=load_checkpoint)
    library = SimpleNamespace(create_model=create_model, models=models, calls=calls)
    monkeypatch.setitem(sys.modules, "timm", library)
    return library


@pytest.fixture
def weights(tmp_path):
    state = Network().state_dict() | {"head.weight": torch.zeros(2, 7)}
    save_file(state, tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_it_declares_what_it_is():
    assert (Timm.modality, Timm.takes_model, Timm.tokenizer) == ("image", True, None)
    assert Timm.pretraining != "none"


def test_a_folder_is_loaded_by_the_library_without_a_classifier(stub, make, tmp_path):
    backbone = make(Timm, (3, 20, 24), model=tmp_path)

    assert stub.calls == [(f"local-dir:{tmp_path}", True, 0)]
    assert backbone.n_features == 7


def test_a_file_gives_an_architecture_its_weights(stub, make, weights):
    backbone = make(Timm, (3, 20, 24), model=weights, architecture="resnet18")

    assert stub.calls == [("resnet18", False, 0), (str(weights), False)]
    assert torch.equal(backbone.network.layer.weight, load_file(weights)["layer.weight"])


@pytest.mark.parametrize(
    ("shape", "options", "size"), [((3, 20, 24), {}, (20, 24)), ((3, 28, 28), {"side": 32}, (32, 32))]
)
def test_the_network_sees_images_as_in_its_pretraining(stub, make, tmp_path, shape, options, size):
    backbone, images = make(Timm, shape, model=tmp_path, **options), torch.rand(2, *shape)
    features = backbone(images)

    if shape[1:] != size:
        images = functional.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 1)
    expected = torch.stack([(images[:, c] - MEAN[c]) / STD[c] for c in range(3)], dim=1)
    torch.testing.assert_close(backbone.network.seen, expected)
    torch.testing.assert_close(features, backbone.network(expected))


def test_a_grey_image_gets_three_equal_colours(stub, make, tmp_path):
    backbone, grey = make(Timm, (1, 28, 28), model=tmp_path), torch.rand(2, 1, 28, 28)

    torch.testing.assert_close(backbone(grey), backbone(grey.expand(-1, 3, -1, -1)))


class Attending(Network):
    """A network with the fused attention that timm asks for."""

    def forward(self, images):
        places = self.layer(images).flatten(2).mT[:, None].contiguous()
        return functional.scaled_dot_product_attention(places, places, places).mean((1, 2))


def test_attention_can_be_differentiated_twice(stub, make, tmp_path):
    stub.create_model = lambda *_, **__: Attending()
    backbone = make(Timm, (3, 8, 8), model=tmp_path, side=8, tuned=True).double()
    images = torch.rand(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradgradcheck(backbone, images)


@pytest.mark.parametrize("shape", [(2, 28, 28), (4, 28, 28)])
def test_images_without_colours_are_refused(stub, make, tmp_path, shape):
    with pytest.raises(ValueError, match=rf"^timm is given images of {shape[0]} channels; expected 1 or 3\."):
        make(Timm, shape, model=tmp_path)


def test_a_file_alone_is_refused(stub, make, weights):
    with pytest.raises(ValueError, match=r"is a single file; .* Add `--set timm\.architecture=NAME`\.$"):
        make(Timm, (3, 28, 28), model=weights)


def test_weights_that_are_not_the_architectures_are_refused(stub, make, weights):
    state = load_file(weights)
    del state["layer.bias"]
    save_file(state, weights)

    with pytest.raises(ValueError, match=r"\(ValueError: 1 weights are not in it, such as 'layer\.bias'\)"):
        make(Timm, (3, 28, 28), model=weights, architecture="resnet18")
    with pytest.raises(ValueError, match=r"\(RuntimeError: Unknown model \(unknown\)\); expected one that"):
        make(Timm, (3, 28, 28), model=weights, architecture="unknown")


@pytest.fixture(scope="module")
def timm():
    try:
        return import_module("timm")
    except Exception as error:
        pytest.skip(f"timm cannot be imported here ({type(error).__name__}: {error})")


@pytest.fixture(scope="module")
def saved(timm, tmp_path_factory):
    """A small model as timm saves it, and its weights as a file."""
    folder = tmp_path_factory.mktemp("timm model")
    network = timm.create_model("test_efficientnet")
    timm.models.save_for_hf(network, str(folder / "model"))
    save_file(network.state_dict(), folder / "weights.safetensors")
    return folder


@pytest.mark.parametrize("shape", [(3, 160, 160), (3, 84, 84), (1, 28, 28)])
def test_a_real_model_gives_what_it_gives_timm(timm, saved, make, shape):
    backbone, images = make(Timm, shape, model=saved / "model"), torch.rand(2, *shape)
    network = timm.create_model(f"local-dir:{saved / 'model'}", pretrained=True, num_classes=0).eval()
    told = timm.data.resolve_model_data_config(network)

    colours = images.expand(-1, 3, -1, -1)
    large = functional.interpolate(colours, told["input_size"][1:], mode="bicubic", antialias=True)
    mean, std = (torch.tensor(told[name])[:, None, None] for name in ("mean", "std"))
    torch.testing.assert_close(backbone(images), network((large.clamp(0, 1) - mean) / std))
    assert list(backbone.state_dict()) == ["map.weight"]


def test_a_real_file_gives_what_the_folder_gives(saved, make):
    images = torch.rand(2, 3, 32, 32)
    folder = make(Timm, (3, 32, 32), model=saved / "model", side=64)
    file = make(
        Timm, (3, 32, 32), model=saved / "weights.safetensors", side=64, architecture="test_efficientnet"
    )

    assert torch.equal(folder(images), file(images))


def test_a_real_model_is_tuned_without_looking_at_its_batch(saved, make):
    backbone = make(Timm, (3, 32, 32), model=saved / "model", side=32, tuned=True).train()
    images = torch.rand(4, 3, 32, 32)
    together = backbone(images)
    together.square().sum().backward()

    assert all(weight.grad is not None for weight in backbone.parameters() if weight.requires_grad)
    torch.testing.assert_close(together, torch.cat([backbone(one[None]) for one in images]))
