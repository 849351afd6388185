"""Meta-LSTM: an LSTM whose cell state is the weights of a classifier, and which learns to update them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from metabench.api import Episodes, option
from metabench_plugins.algorithms._adaptation import AdaptedClassifier, Loss, Weights

# Numbers below e⁻ᵖ are told to the LSTM as they are, larger ones by their logarithms.
_P = 10.0
# Steps on texts have to be large, see `_adaptation`.
_INPUT_GATE = {"image": 0.1, "text": 0.9}


class MetaLSTM(AdaptedClassifier):
    """Update the weights by the gates of an LSTM, which all weights share. Ravi and Larochelle 2017.

    The initial weights are learned, as the first cell state of the LSTM (section 3.1). Gradients and losses
    are constants in meta-training (section 3.3), so that no second derivatives arise.

    Source: Ravi and Larochelle, "Optimization as a Model for Few-Shot Learning", ICLR 2017.

    Differs from the paper: fewer states, and an input gate that begins at a larger step, as suits short
    budgets; 5 updates for any number of shots, where it has 12 for one shot; three queries per class; Adam's
    learning rate decays from 0.002 where it stays at 0.001; BatchNorm takes its statistics from the support
    set alone; embeddings of tokens, of which an episode has few, are learned but not updated in it. Each
    other weight has an LSTM's states, for each update: a large backbone needs much memory.

    Expected: omniglot-5w1s, conv4: 84.30 % [83.57, 85.03], by `metabench evaluate meta-lstm --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. An episode of five updates takes long to learn from: there is
    time for about 2,000. clinc150-10w1s, bilstm: 50.85 % [50.25, 51.46], by `metabench evaluate meta-lstm
    --benchmark clinc150-10w1s --budget 5m`.
    """

    inner_lr: float = option(
        0.0,
        "input gate, a step size, before meta-training; 0: 0.1 on images, 0.9 on texts",
        at_least=0,
        at_most=0.99,
    )
    inner_steps: int = option(5, "updates inside an episode", at_least=1)
    states: int = option(8, "states per weight of the LSTM that reads gradients", at_least=1)

    outer_lr: float = option(
        2e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_query: int = option(3, "query examples per class; 0: as in the benchmark", at_least=0)
    clip_norm: float = option(0.25, "largest norm of the gradient; 0: any", at_least=0)

    def setup(self) -> None:
        """Make the classifier and the LSTM that updates it."""
        super().setup()
        self.rule = UpdateRule(self.states, self.inner_lr or _INPUT_GATE[self.backbone.modality])

    @property
    def initial_weights(self) -> Weights:
        """The first cell state of the LSTM: trainable weights, by name, but for embeddings of tokens."""
        looked_up = {
            f"{name}.weight" for name, part in self.named_modules() if isinstance(part, nn.Embedding)
        }
        return {name: one for name, one in super().initial_weights.items() if name not in looked_up}

    def adapt(self, episode: Episodes, *, training: bool) -> Weights:  # noqa: ARG002 - gradients are constants
        """Update the weights a few times, by their gradient and loss on the support set (algorithm 1)."""
        weights = self.initial_weights
        memory = self.rule.first_memory(_flat(weights))
        for _ in range(self.inner_steps):
            loss, gradients = _constants(self.support_loss(episode), weights)
            flat, memory = self.rule(_flat(weights), _flat(gradients), loss, memory)
            weights = _shaped(flat, weights)
        return weights


@dataclass(frozen=True)
class Memory:
    """What the LSTM keeps for each weight from one update to the next.

    Attributes:
        read: Hidden and cell state of the first layer, each (n_weights, states).
        input_gate: (n_weights,), in 0 … 1.
        forget_gate: (n_weights,), in 0 … 1.
    """

    read: tuple[Tensor, Tensor]
    input_gate: Tensor
    forget_gate: Tensor


class UpdateRule(nn.Module):
    """Two layers: an LSTM that reads gradient and loss, and the gates that update the weights.

    Args:
        states: States of the first layer.
        input_gate: What the input gate begins with.
    """

    def __init__(self, states: int, input_gate: float) -> None:
        super().__init__()
        self.reader = nn.LSTMCell(4, states)
        self.input_gate, self.forget_gate = nn.Linear(states + 2, 1), nn.Linear(states + 2, 1)
        # Nearly gradient descent, as in section 3.3.
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.01, 0.01)
        nn.init.constant_(self.input_gate.bias, math.log(input_gate / (1 - input_gate)))
        nn.init.constant_(self.forget_gate.bias, 5.0)

    def first_memory(self, weights: Tensor) -> Memory:
        """Before the first update of weights (n_weights,): all was kept, nothing was added."""
        states = weights.new_zeros(len(weights), self.reader.hidden_size)
        return Memory((states, states), torch.zeros_like(weights), torch.ones_like(weights))

    def forward(
        self, weights: Tensor, gradients: Tensor, loss: Tensor, memory: Memory
    ) -> tuple[Tensor, Memory]:
        """Update weights (equation 2): θ ← f ∘ θ − i ∘ ∇L.

        Args:
            weights: (n_weights,).
            gradients: (n_weights,).
            loss: A scalar.
            memory: Of the update before.

        Returns:
            The new weights, (n_weights,), and the memory for the next update.
        """
        told = torch.cat([preprocessed(gradients), preprocessed(loss).expand(len(gradients), 2)], dim=1)
        read = self.reader(told, memory.read)
        input_gate, forget_gate = (
            gate(torch.cat([read[0], weights[:, None], before[:, None]], dim=1)).sigmoid()[:, 0]
            for gate, before in (
                (self.input_gate, memory.input_gate),
                (self.forget_gate, memory.forget_gate),
            )
        )
        return forget_gate * weights - input_gate * gradients, Memory(read, input_gate, forget_gate)


def preprocessed(values: Tensor) -> Tensor:
    """Gradients or losses at a scale that an LSTM can read (section 3.2).

    Args:
        values: (…), of any magnitude.

    Returns:
        (…, 2): (log |x| / p, sign x) where |x| ≥ e⁻ᵖ, else (−1, eᵖ x); p is 10.
    """
    size = values.abs()
    is_large = size >= math.exp(-_P)
    # The clamp keeps the logarithm finite where it is not used.
    magnitude = torch.where(is_large, size.clamp_min(math.exp(-_P)).log() / _P, -1.0)
    return torch.stack([magnitude, torch.where(is_large, values.sign(), math.exp(_P) * values)], dim=-1)


def _constants(support_loss: Loss, weights: Weights) -> tuple[Tensor, Weights]:
    """Loss and gradients at the weights, through which nothing is differentiated (section 3.3)."""
    with torch.enable_grad():
        leaves = {name: one.detach().requires_grad_() for name, one in weights.items()}
        loss = support_loss(leaves)
        gradients = torch.autograd.grad(loss, list(leaves.values()))
    return loss.detach(), dict(zip(weights, gradients, strict=True))


def _flat(weights: Weights) -> Tensor:
    """All weights in one vector, (n_weights,)."""
    return torch.cat([one.flatten() for one in weights.values()])


def _shaped(flat: Tensor, like: Weights) -> Weights:
    """A vector of all weights → the weights by name."""
    parts = torch.split(flat, [one.numel() for one in like.values()])
    return {name: part.view_as(one) for (name, one), part in zip(like.items(), parts, strict=True)}
