"""What is neglected is a small part; what is not is never among it."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import flop_registry

from metabench.contestant.formulas import _FORMULAS
from metabench.contestant.neglected import is_neglected
from metabench.contestant.operations import OperationCounter

X = torch.randn(6, 4, requires_grad=True)
IMAGES = torch.randn(2, 3, 8, 8, requires_grad=True)
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])


@pytest.mark.parametrize(
    "work",
    [
        lambda: functional.cross_entropy(X, LABELS),
        lambda: functional.binary_cross_entropy_with_logits(X, torch.ones(6, 4)),
        lambda: functional.gelu(X) + functional.elu(X) + functional.silu(X) + functional.softplus(X),
        lambda: functional.hardswish(X) + functional.leaky_relu(X) + functional.logsigmoid(X),
        lambda: functional.prelu(X, torch.ones(1)) + functional.glu(X).sum(),
        lambda: functional.layer_norm(X, (4,)) + functional.normalize(X) + X.softmax(0).log(),
        lambda: functional.batch_norm(IMAGES, None, None, training=True),
        lambda: functional.group_norm(IMAGES, 3) + functional.dropout(IMAGES, 0.5),
        lambda: functional.max_pool2d(IMAGES, 2) + functional.avg_pool2d(IMAGES, 2),
        lambda: functional.adaptive_avg_pool2d(IMAGES, 1) + functional.adaptive_max_pool2d(IMAGES, 1),
        lambda: functional.interpolate(IMAGES, scale_factor=2.0) + functional.pad(IMAGES, (4, 4, 4, 4)),
        lambda: functional.cosine_similarity(X, X.flip(0)) + X.std(1) + X.logsumexp(1) + X.norm(dim=1),
        lambda: functional.one_hot(LABELS, 4) * X,
        lambda: functional.embedding(LABELS, X) + X[LABELS] + X.gather(0, LABELS[:, None].expand(6, 4)),
        lambda: functional.embedding_bag(LABELS.view(3, 2), X),
        lambda: torch.zeros(6, 4).index_add(0, LABELS, X) + X.masked_fill(X > 0, 0).cumsum(0),
        lambda: torch.stack([X, X]).sort(0).values + X.topk(2, 0).values.repeat(3, 1) + X.median(),
        lambda: X.detach().unique().sum() + torch.outer(X[0], X[1]).triu().trace(),
        lambda: X * torch.rand(6, 4) + torch.bernoulli(X.sigmoid()) + torch.randperm(4),
    ],
)
def test_maps_reductions_and_moves_count_nothing_forward_and_backward(work):
    with OperationCounter() as counter:
        work().sum().backward()

    assert (counter.total, counter.uncounted) == (0, set())


@pytest.mark.parametrize("optimiser", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
@pytest.mark.parametrize("variant", [{}, {"foreach": True}, {"fused": True}])
def test_updates_of_weights_count_nothing(optimiser, variant):
    if optimiser == "RMSprop" and "fused" in variant:
        variant = {}
    layer = nn.Linear(4, 4)
    made = getattr(torch.optim, optimiser)(layer.parameters(), lr=0.1, weight_decay=0.1, **variant)
    layer(X).sum().backward()
    with OperationCounter() as counter:
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        made.step()
        made.zero_grad(set_to_none=False)

    assert (counter.total, counter.uncounted) == (0, set())


PRODUCT = re.compile(r".*(mm|linear|attention|convolution|_rnn|lstm|gru)$|_?(linalg|fft|flash|slow_conv).*")
NAMES = {name.partition("::")[2].partition(".")[0] for name in torch._C._dispatch_get_all_op_names()}
PRODUCTS = [
    *(one for one in {**_FORMULAS, **flop_registry} if isinstance(one, torch._ops.OpOverloadPacket)),
    *(getattr(torch.ops.aten, one) for one in NAMES if PRODUCT.match(one) and hasattr(torch.ops.aten, one)),
]
# Sums, a view, tests of a factorisation, and a product of two vectors of length three.
SMALL = {"linalg_diagonal", "linalg_vector_norm", "linalg__powsum", "_linalg_check_errors", "linalg_cross"}


def test_no_product_nor_factorisation_is_neglected():
    overloads = [getattr(one, name) for one in PRODUCTS for name in one.overloads()]
    neglected = {one._overloadpacket.__name__ for one in overloads if is_neglected(one)}

    assert len(overloads) > 200
    assert neglected <= SMALL
