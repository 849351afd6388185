"""What wrappers of pretrained models share: a network that is kept or tuned, below a map."""

import sys

import pytest
import torch
from torch import nn

from metabench_plugins.backbones._pretrained import (
    PretrainedBackbone,
    check_complete,
    load_library,
    load_model,
)


class Network(nn.Module):
    """Has everything that behaves otherwise in training, and a head that nobody uses."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
        self.head = nn.Linear(3, 2)

    def forward(self, inputs):
        return self.body(inputs)


class Wrapper(PretrainedBackbone):
    def setup(self, example_shape):
        torch.manual_seed(1)
        self.keep(Network(), torch.zeros(1, *example_shape))

    def encode(self, inputs):
        return self.network(inputs)


@pytest.fixture
def build(make):
    return lambda **options: make(Wrapper, (5,), **options)


ROWS = torch.rand(6, 5, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("tuned", [False, True])
def test_it_starts_as_the_network_itself_in_evaluation(build, tuned):
    backbone = build(tuned=tuned)
    torch.manual_seed(1)
    network = Network().eval()

    assert backbone.takes_model
    assert backbone.n_features == 3
    for mode in (True, False):
        torch.testing.assert_close(backbone.train(mode)(ROWS), network(ROWS))
        assert not any(part.training for part in backbone.network.modules())
        assert backbone.training is mode


def test_kept_it_is_no_part_of_what_is_learned(build):
    backbone = build()
    backbone(ROWS).square().sum().backward()

    assert list(backbone.state_dict()) == ["map.weight"]
    assert [name for name, _ in backbone.named_parameters()] == ["map.weight"]
    assert backbone.map.weight.grad.any()
    assert all(weight.grad is None for weight in backbone.network.parameters())


def test_kept_it_moves_and_is_cast_with_the_rest(build):
    backbone = build().double()

    assert backbone.network.head.weight.dtype == torch.float64
    assert backbone(ROWS.double()).dtype == torch.float64
    assert backbone.to("meta").network.head.weight.is_meta


def test_tuned_all_is_learned_but_what_no_feature_depends_on(build):
    backbone = build(tuned=True)
    backbone(ROWS).square().sum().backward()

    trained = {name for name, weight in backbone.named_parameters() if weight.requires_grad}
    body = {f"network.body.{part}" for part in ("0.weight", "0.bias", "1.weight", "1.bias")}
    assert trained == body | {"map.weight"}
    assert all(backbone.get_parameter(name).grad is not None for name in trained)
    assert set(backbone.state_dict()) > trained


def test_tuned_its_statistics_stay_those_of_pretraining(build):
    backbone = build(tuned=True).train()
    backbone(ROWS)

    assert not backbone.network.body[1].running_mean.any()


def test_a_library_that_is_not_here_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)

    with pytest.raises(
        ValueError, match=r"^the library timm cannot be imported .*`pip install 'metabench\[timm\]'"
    ):
        load_library("timm")


def test_a_library_that_cannot_be_imported_says_why(tmp_path, monkeypatch):
    (tmp_path / "zz_broken.py").write_text("raise RuntimeError('operator nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(
        ValueError, match=r"\(RuntimeError: operator nms does not exist\); expected it beside this"
    ):
        load_library("zz_broken")


def test_a_model_that_cannot_be_loaded_says_why_in_one_line(tmp_path):
    def load(model):
        raise KeyError("no weights\nand so on")

    with pytest.raises(
        ValueError, match=r"^model '.*/m' cannot be loaded \(KeyError: .*\); expected one"
    ) as told:
        load_model(tmp_path / "m", load)
    assert "\n" not in str(told.value)
    with pytest.raises(
        ValueError, match=r"^no pretrained model is named; expected BACKBONE:MODEL\. Name one\."
    ):
        load_model(None, load)


def test_a_model_with_holes_is_refused():
    check_complete([])
    with pytest.raises(ValueError, match=r"^2 weights are not in it, such as 'a\.weight'$"):
        check_complete(["b.bias", "a.weight"])
