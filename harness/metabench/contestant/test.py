"""Testing: answer the episodes that the referee asks, from the weights that it gives."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from metabench.api.algorithm import as_logits
from metabench.api.episodes import Episodes, Inputs
from metabench.api.session import as_inputs
from metabench.contestant.arithmetic import arithmetic
from metabench.contestant.build import build_learner
from metabench.contestant.rehearsal import count, rehearse
from metabench.contestant.state import from_bytes
from metabench.contestant.train import labelled_pool
from metabench.wire.message import Message
from metabench.wire.reports import say

if TYPE_CHECKING:
    from metabench.api.algorithm import Algorithm
    from metabench.wire.channel import Channel
    from metabench.wire.message import Arrays
    from metabench.wire.reports import Assignment

_EMBED_AT_ONCE = 256


def test(channel: Channel, assignment: Assignment) -> None:
    """Answer until the referee hangs up.

    It sends "weights", then "examples" (each with an answer "ready"), then any number of "episodes",
    which name examples by their numbers and are answered by "predictions". At the end it may send "count",
    which are episodes too, and "rehearse", with a few classes of meta_train; both are answered by "counted".
    """
    learner = build_learner(assignment)
    device = torch.device(assignment.device)
    answerer = _Answerer(learner, device)
    channel.send(Message("ready"))
    while True:
        message = channel.receive()
        if message.kind == "weights":
            from_bytes(learner, message.arrays["weights"])
            answerer.forget_features()
            channel.send(Message("ready"))
        elif message.kind == "examples":
            answerer.examples = torch.from_numpy(message.arrays["examples"])
            answerer.forget_features(embed_once=message.fields["embed_once"] is True)
            channel.send(Message("ready"))
        elif message.kind == "rehearse":
            channel.send(say("counted", rehearse(learner, labelled_pool(message.arrays), assignment)))
        elif message.kind == "count":
            answer = partial(answerer.answer, message.arrays, n_way=_n_way(message))
            channel.send(say("counted", count(learner, answer, assignment)))
        else:
            with arithmetic(device.type, assignment.precision):
                logits = answerer.answer(message.arrays, n_way=_n_way(message))
            channel.send(Message("predictions", arrays={"logits": logits.detach().float().cpu().numpy()}))


def _n_way(message: Message) -> int:
    n_way = message.fields["n_way"]
    assert isinstance(n_way, int)
    return n_way


class _Answerer:
    """A learner, the test examples, and the features of those it has already seen."""

    def __init__(self, learner: Algorithm, device: torch.device) -> None:
        self._learner = learner
        self._device = device
        self.examples = torch.empty(0)
        self._embed_once = False
        self._features: Tensor | None = None
        self._is_embedded = torch.empty(0, dtype=torch.bool)

    def forget_features(self, *, embed_once: bool | None = None) -> None:
        """Start anew, with other weights or examples."""
        self._embed_once = self._embed_once if embed_once is None else embed_once
        self._features = None
        self._is_embedded = torch.zeros(len(self.examples), dtype=torch.bool)

    def answer(self, arrays: Arrays, *, n_way: int) -> Tensor:
        """Logits (n_episodes, n_query_total, n_way).

        Raises:
            InvalidOutputError: The learner gives no tensor.
        """
        support, query = (torch.from_numpy(arrays[name]) for name in ("support", "query"))
        episodes = Episodes(
            support=self._look_up(support),
            support_labels=torch.from_numpy(arrays["support_labels"]).to(self._device),
            query=self._look_up(query),
            query_labels=None,
            n_way=n_way,
        )
        return self._predict(episodes)

    def _predict(self, episodes: Episodes) -> Tensor:
        if not self._embed_once:
            return self._learner.answer(episodes)
        self._learner.eval()
        with torch.no_grad():
            return as_logits(self._learner.predict(episodes))

    def _look_up(self, index: Tensor) -> Inputs:
        """(n_episodes, n_examples) numbers → inputs, or features where each example is embedded once."""
        if not self._embed_once:
            return as_inputs(self.examples[index], self._device)
        missing = torch.unique(index)
        missing = missing[~self._is_embedded[missing]]
        if len(missing):
            for some in missing.split(_EMBED_AT_ONCE):
                self._embed(some)
        assert self._features is not None
        return self._features[index.to(self._device)]

    def _embed(self, index: Tensor) -> None:
        self._learner.eval()
        with torch.no_grad():
            features = self._learner.backbone(as_inputs(self.examples[index], self._device))
        if self._features is None:
            shape = (len(self.examples), *features.shape[1:])
            self._features = torch.zeros(shape, dtype=features.dtype, device=self._device)
        self._features[index.to(self._device)] = features
        self._is_embedded[index] = True
