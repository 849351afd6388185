"""A learner's weights as bytes and back, and what is no state."""

import json
import struct

import numpy as np
import pytest
import torch
from torch import nn

from metabench.contestant.build import build_learner
from metabench.contestant.failure import PluginError
from metabench.contestant.state import from_bytes, to_bytes
from metabench.errors import InvalidOutputError


@pytest.fixture
def build(assign):
    return lambda seed: build_learner(assign(seed=seed))


def perturbed(learner):
    with torch.no_grad():
        for number, value in enumerate(learner.state_dict().values()):
            value.copy_(torch.full_like(value, number + 1))
    return learner


def test_all_parameters_and_buffers_come_back(build):
    sent, received = perturbed(build(0)), build(1)
    from_bytes(received, to_bytes(sent))

    assert received.state_dict().keys() == sent.state_dict().keys()
    for name, value in sent.state_dict().items():
        assert torch.equal(received.state_dict()[name], value), name
        assert received.state_dict()[name].dtype == value.dtype


def test_the_same_state_gives_the_same_bytes(build):
    assert to_bytes(build(0)).dtype == np.uint8
    assert np.array_equal(to_bytes(build(0)), to_bytes(build(0)))
    assert not np.array_equal(to_bytes(build(0)), to_bytes(build(1)))


def test_tied_and_oddly_laid_out_weights_survive(build):
    def odd(seed):
        learner = build(seed)
        learner.first, learner.second = nn.Linear(4, 4), nn.Linear(4, 4)
        learner.second.weight = learner.first.weight
        learner.register_buffer("part", torch.arange(12.0).view(3, 4).T[::2])
        learner.register_buffer("nothing", torch.zeros(0))
        learner.register_buffer("scalar", torch.tensor(float(seed)))
        learner.register_buffer("short", torch.ones(3, dtype=torch.bfloat16))
        return learner

    sent, received = odd(3), odd(4)
    from_bytes(received, to_bytes(sent))

    assert received.first.weight is received.second.weight
    assert torch.equal(received.first.weight, sent.first.weight)
    assert torch.equal(received.part, sent.part)
    assert received.scalar.item() == 3.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64])
def test_weights_that_are_not_finite_are_refused(build, value, dtype):
    learner = build(0)
    learner.register_buffer("mean", torch.tensor([0.0, value], dtype=dtype))

    with pytest.raises(
        InvalidOutputError, match=r"^weight 'mean' has values that are not finite; meta-training"
    ):
        to_bytes(learner)


def test_a_state_that_is_no_tensor_is_refused(build):
    learner = build(0)
    learner.backbone.get_extra_state = lambda: {"epoch": 1}
    type(learner.backbone).get_extra_state = lambda self: {"epoch": 1}

    with pytest.raises(PluginError, match=r"^state 'backbone\._extra_state' is a dict; expected tensors\."):
        to_bytes(learner)


def with_header(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 4,
        b"\x80\x04N.",
        struct.pack("<Q", 2**63) + b"{}",
        with_header(b"{"),
        with_header(b"[1]"),
        with_header({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
        with_header({"x": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}, b"\0" * 8),
        with_header({"x": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 8]}}, b"\0" * 8),
        with_header({"x": {"dtype": "object", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 8),
    ],
    ids=lambda data: repr(data)[:40],
)
def test_bytes_that_are_no_weights_are_refused(build, data):
    with pytest.raises(InvalidOutputError, match=r"^weights that cannot be read: "):
        from_bytes(build(0), np.frombuffer(data, np.uint8))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_weights_that_are_cut_short_are_refused(build, kept):
    data = to_bytes(build(0))

    with pytest.raises(InvalidOutputError, match=r"^weights that cannot be read: "):
        from_bytes(build(0), data[: int(kept * len(data))])


def test_the_weights_of_another_learner_are_refused(build):
    learner = build(0)
    learner.extra = nn.Linear(2, 2)

    with pytest.raises(PluginError, match=r"^the learner, built anew, does not take .*Unexpected key"):
        from_bytes(build(0), to_bytes(learner))
