"""Time standard pieces of work, so that seconds of two machines, or of one at two times, can be compared.

No plugin takes part: the process computes as a contestant does, with code of our own alone.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor
from torch.nn import functional

from metabench.clock import now
from metabench.wire.message import Message
from metabench.wire.reports import Bench, Timings, hear, say

if TYPE_CHECKING:
    from metabench.wire.channel import Channel

_Work = Callable[[], object]
# Of so many times the median is told; some before warm up caches and clocks.
_N_TIMED, _N_BEFORE = 15, 2


def calibrate(channel: Channel, message: Message) -> NoReturn:
    """Time the work whenever the referee asks, until it hangs up."""
    bench = hear(message, Bench)
    torch.set_num_threads(bench.n_threads)
    device = torch.device(bench.device)
    work = standard_work(device)
    channel.send(Message("ready"))
    while True:
        channel.receive()
        seconds = {name: _time(one, device) for name, one in work.items()}
        channel.send(say("timings", Timings(seconds=seconds)))


def standard_work(device: torch.device) -> dict[str, _Work]:
    """What few-shot methods spend their time on, each some milliseconds on two CPU cores."""
    rng = torch.Generator().manual_seed(0)
    return {
        "convolution": _convolution(rng, device),
        "attention": _attention(rng, device),
        "gather": _gather(rng, device),
        "adaptation": _adaptation(rng, device),
    }


def _time(work: _Work, device: torch.device) -> float:
    """Seconds that a piece of work takes."""
    for _ in range(_N_BEFORE):
        work()
    return median(_time_once(work, device) for _ in range(_N_TIMED))


def _time_once(work: _Work, device: torch.device) -> float:
    _wait(device)
    began = now()
    work()
    _wait(device)
    return now() - began


def _wait(device: torch.device) -> None:
    """Let a GPU come to the end of what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _convolution(rng: torch.Generator, device: torch.device) -> _Work:
    """Forward and backward through the second layer of a small network, for the 80 images of an episode."""
    images = torch.randn(80, 32, 14, 14, generator=rng).to(device).requires_grad_()
    kernel = torch.randn(32, 32, 3, 3, generator=rng).to(device).requires_grad_()
    return lambda: _gradients(functional.conv2d(images, kernel, padding=1), images, kernel)


def _attention(rng: torch.Generator, device: torch.device) -> _Work:
    """Forward and backward through self-attention of 16 texts with 128 tokens, in four heads."""
    tokens = torch.randn(16, 4, 128, 32, generator=rng).to(device).requires_grad_()
    return lambda: _gradients(functional.scaled_dot_product_attention(tokens, tokens, tokens), tokens)


def _gather(rng: torch.Generator, device: torch.device) -> _Work:
    """Look up as many rows as a table has that no cache holds."""
    table = torch.randn(2**17, 64, generator=rng).to(device)
    rows = torch.randint(2**17, (2**17,), generator=rng).to(device)
    found = torch.empty_like(table)
    return lambda: torch.index_select(table, 0, rows, out=found)


def _adaptation(rng: torch.Generator, device: torch.device) -> _Work:
    """Ten gradient steps of a tiny network on the support set of an episode: many small operators."""
    support = torch.randn(25, 64, generator=rng).to(device)
    labels = (torch.arange(25) % 5).to(device)
    first = [(0.1 * torch.randn(*shape, generator=rng)).to(device) for shape in ((64, 32), (32, 5))]

    def work() -> None:
        weights = first
        for _ in range(10):
            weights = [one.detach().requires_grad_() for one in weights]
            loss = functional.cross_entropy((support @ weights[0]).relu() @ weights[1], labels)
            gradients = torch.autograd.grad(loss, weights)
            weights = [one - 0.1 * gradient for one, gradient in zip(weights, gradients, strict=True)]

    return work


def _gradients(outputs: Tensor, *inputs: Tensor) -> None:
    torch.autograd.grad(outputs.square().mean(), inputs)
