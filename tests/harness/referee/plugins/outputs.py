"""Contestants whose answers or commits are not what they should be."""

from __future__ import annotations

import torch
from honest import NearestMean


class Gives(NearestMean):
    """Gives something else than it should; what, its state tells."""

    def setup(self):
        self.register_buffer("what", torch.tensor(0))

    def predict(self, episodes):
        logits = super().predict(episodes)
        return [
            lambda: logits,
            lambda: logits * float("nan"),
            lambda: logits - float("inf"),
            lambda: torch.cat([logits, logits[..., :1]], -1),
            lambda: logits[0],
            logits.double,
            logits.long,
            lambda: logits.transpose(1, 2).contiguous().transpose(1, 2),
            logits.tolist,
        ][int(self.what)]()
