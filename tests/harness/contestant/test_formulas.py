"""Numbers of operations, against counts by hand and against PyTorch's own operators put together by hand."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import sdpa_backward_flop_count, sdpa_flop_count

from metabench.contestant.operations import OperationCounter


def counted(work) -> float:
    with OperationCounter() as counter:
        work()
    assert counter.uncounted == set()
    return counter.total


def spd(*shape):
    """Symmetric positive definite matrices."""
    root = torch.randn(*shape)
    return root @ root.mT + 9 * torch.eye(shape[-1])


LU_5 = 2 * 5**3 / 3  # Golub and Van Loan, section 3.2
CHOLESKY_6 = 6**3 / 3  # section 4.2
A, B, VECTOR = torch.randn(5, 5), torch.randn(5, 4), torch.randn(5)
BATCH = torch.randn(3, 5, 5)
FACTOR = torch.linalg.cholesky(spd(6, 6))
TRIANGLE = torch.randn(5, 5).triu()


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (lambda: A @ B, 2 * 5 * 5 * 4),
        (lambda: A @ VECTOR, 2 * 25),
        (lambda: VECTOR @ VECTOR, 2 * 5),
        (lambda: torch.addmv(VECTOR, A, VECTOR), 2 * 25),
        (lambda: torch.addbmm(A, BATCH, BATCH), 2 * 3 * 5**3),
        (lambda: A.clone().addmm_(A, A), 2 * 5**3),
        (lambda: BATCH.clone().baddbmm_(BATCH, BATCH), 2 * 3 * 5**3),
        (lambda: torch.linalg.cholesky(spd(6, 6)), 2 * 6**3 + CHOLESKY_6),
        (lambda: torch.cholesky_solve(torch.ones(6, 2), FACTOR), 2 * 6**2 * 2),
        (lambda: torch.linalg.solve_triangular(TRIANGLE, B, upper=True), 5**2 * 4),
        (lambda: torch.linalg.solve_triangular(TRIANGLE, B.T, upper=True, left=False), 5**2 * 4),
        (lambda: torch.linalg.solve(A, B), LU_5 + 2 * 5**2 * 4),
        (lambda: torch.linalg.solve(A, VECTOR), LU_5 + 2 * 5**2),
        (lambda: torch.linalg.solve(BATCH, B.expand(3, 5, 4)), 3 * (LU_5 + 2 * 5**2 * 4)),
        (lambda: torch.linalg.lu_solve(*torch.linalg.lu_factor(A), B), LU_5 + 2 * 5**2 * 4),
        (lambda: torch.linalg.lu_factor(torch.randn(7, 4)), 7 * 4**2 - 4**3 / 3),
        (lambda: torch.linalg.lu_factor(torch.randn(4, 7)), 7 * 4**2 - 4**3 / 3),
        (lambda: torch.linalg.inv(BATCH), 3 * 2 * 5**3),
        (lambda: torch.linalg.det(A), LU_5),
        (lambda: torch.linalg.slogdet(A), LU_5),
        (lambda: torch.cdist(B, A[:, :4], p=1.0), 3 * 5 * 5 * 4),
        (lambda: torch.cdist(torch.ones(30, 4), torch.ones(40, 4)), 2 * 30 * 40 * 6),
    ],
)
def test_operations_are_those_of_the_textbook(work, expected):
    assert counted(work) == pytest.approx(expected)


def test_distances_are_counted_backward_too():
    first = torch.randn(5, 4, requires_grad=True)
    assert counted(lambda: torch.cdist(first, B, p=1.0).sum().backward()) == 2 * 3 * 5 * 5 * 4


def test_attention_counts_as_pytorch_counts_it_elsewhere():
    query, key = torch.randn(2, 3, 7, 8, requires_grad=True), torch.randn(2, 3, 5, 8)
    shapes = (2, 3, 7, 8), (2, 3, 5, 8), (2, 3, 5, 8)
    forward = sdpa_flop_count(*shapes)
    backward = sdpa_backward_flop_count(shapes[0], *shapes)

    with torch.no_grad():
        assert counted(lambda: functional.scaled_dot_product_attention(query, key, key)) == forward
    assert (
        counted(lambda: functional.scaled_dot_product_attention(query, key, key).sum().backward())
        == forward + backward
    )


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_fused_recurrent_layer_counts_as_one_of_single_products(bidirectional):
    layer = nn.LSTM(8, 6, batch_first=True, bidirectional=bidirectional)
    texts = torch.randn(3, 5, 8, requires_grad=True)

    def forward(dtype):
        with torch.no_grad():
            layer.to(dtype)(texts.to(dtype))

    def backward(dtype):
        layer.to(dtype)(texts.to(dtype))[0].sum().backward()

    fused, single = (
        (counted(partial(forward, dtype)), counted(partial(backward, dtype)))
        for dtype in (torch.float32, torch.float64)
    )
    # Nobody asks for the gradient of the state before the first word, which the fused layer computes.
    unasked = (1 + bidirectional) * 3 * 2 * (4 * 6) * 6

    assert fused == (single[0], single[1] + unasked)


def test_recurrent_layers_of_gpus_count_each_weight_at_each_place():
    weights = [torch.zeros(24, 8), torch.zeros(24, 6), torch.zeros(24), torch.zeros(24)] * 2
    from metabench.contestant import formulas

    cudnn = formulas._FORMULAS[torch.ops.aten._cudnn_rnn]
    assert cudnn(torch.zeros(3, 5, 8), weights, 4) == 2 * 15 * 2 * (24 * 8 + 24 * 6)
    backward = formulas._FORMULAS[torch.ops.aten._cudnn_rnn_backward]
    assert backward(torch.zeros(3, 5, 8), weights, 4) == 2 * cudnn(torch.zeros(3, 5, 8), weights, 4)
