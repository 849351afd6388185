"""The base of backbones: options and shape reach `setup`."""

import pytest
import torch
from torch import nn

from metabench.api import Backbone, option
from metabench.api.backbone import BackboneSetting


class Wide(Backbone):
    width: int = option(3, "outputs")

    def setup(self, example_shape):
        self.layer = nn.Linear(example_shape[0], self.width)
        self.n_features = self.width

    def forward(self, inputs):
        return self.layer(inputs)


def test_options_and_shape_are_there_when_layers_are_made():
    backbone = Wide(BackboneSetting({"width": 7}, (5,)))

    assert backbone(torch.zeros(2, 5)).shape == (2, 7)
    assert (backbone.width, backbone.n_features) == (7, 7)


def test_an_option_is_no_part_of_the_weights():
    assert set(Wide(BackboneSetting({"width": 7}, (5,))).state_dict()) == {"layer.weight", "layer.bias"}


def test_it_tells_of_itself_unless_it_says_otherwise():
    assert (Wide.modality, Wide.pretraining, Wide.map_shape) == ("image", "none", None)


@pytest.mark.parametrize("missing", ["setup", "forward"])
def test_one_that_lacks_a_part_cannot_be_made(missing):
    kind = type("Partial", (Wide,), {missing: getattr(Backbone, missing)})

    with pytest.raises(TypeError, match=rf"abstract.*{missing}"):
        kind(BackboneSetting({}, (5,)))
