"""How many floating-point operations an operator of PyTorch makes, from the shapes of its arguments.

Matrix products, convolutions and attention have the formulas of PyTorch itself. Added here are products with
vectors, attention on CPUs, recurrent layers, distances, and those factorisations and solutions of linear
systems whose number of operations their shapes give (Golub and Van Loan, Matrix Computations, 4th edition,
chapters 3 and 4). A multiplication and an addition are two operations.

Not counted, since there is no simple formula: singular values, eigenvalues, Fourier transforms, sparse and
quantised products, operators of strangers. What is neglected stands in `metabench.contestant.neglected`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry

from metabench.contestant.neglected import is_neglected

if TYPE_CHECKING:
    from torch._ops import OpOverload

_ATEN = torch.ops.aten
# An operator's positional arguments → its operations.
_Formula = Callable[..., float]


def operations(
    operator: OpOverload, arguments: Sequence[Any], named: Mapping[str, Any], result: Any
) -> float | None:
    """Floating-point operations of one call.

    Args:
        operator: What was called.
        arguments: By position.
        named: By name.
        result: What it gave.

    Returns:
        Their number, 0 where they are neglected; None if it is not known.
    """
    packet = operator._overloadpacket
    if packet in flop_registry:
        return float(flop_registry[packet](*arguments, **named, out_val=result))
    if packet in _FORMULAS:
        return _FORMULAS[packet](*arguments)
    return 0.0 if is_neglected(operator) else None


def _matrices(matrix: Tensor) -> int:
    """How many matrices a batch of them holds."""
    return math.prod(matrix.shape[:-2])


def _vector_product(matrix: Tensor, *_: object) -> float:
    return 2 * matrix.numel()


def _added_vector_product(_bias: Tensor, matrix: Tensor, *_: object) -> float:
    return 2 * matrix.numel()


def _added_product(_bias: Tensor, first: Tensor, second: Tensor, *_: object) -> float:
    """Also of batches, and summed over them."""
    return 2 * first.numel() * second.shape[-1]


def _euclidean(first: Tensor, second: Tensor, *_: object) -> float:
    """‖x‖² + ‖y‖² − 2xy as one product of matrices with two more columns."""
    return 2 * _matrices(first) * first.shape[-2] * second.shape[-2] * (first.shape[-1] + 2)


def _distances(first: Tensor, second: Tensor, *_: object) -> float:
    """A difference, its power and its sum for every pair and dimension."""
    return 3 * _matrices(first) * first.shape[-2] * second.shape[-2] * first.shape[-1]


def _distances_backward(_gradient: Tensor, first: Tensor, second: Tensor, *_: object) -> float:
    return _distances(first, second)


def _attention(query: Tensor, key: Tensor, value: Tensor, *_: object) -> float:
    """Two products: queries with keys, scores with values."""
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    return 2 * scores * (query.shape[-1] + value.shape[-1])


def _attention_backward(_gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, *_: object) -> float:
    """Five products: the scores anew, and the gradients of scores, values, queries and keys."""
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    return 2 * scores * (3 * query.shape[-1] + 2 * value.shape[-1])


def _recurrent(inputs: Tensor, *weights: object) -> float:
    """Every weight of a matrix is used once for each place of each example."""
    places = inputs.numel() // inputs.shape[-1]
    return 2 * places * sum(one.numel() for one in weights[:2] if isinstance(one, Tensor))


def _recurrent_of_list(inputs: Tensor, weights: Sequence[Tensor], *_: object) -> float:
    return sum(_recurrent(inputs, one) for one in weights if one.dim() == 2)


def _twice(formula: _Formula) -> _Formula:
    """Backward: once for the gradient of the inputs, once for that of the weights."""
    return lambda *arguments: 2 * formula(*arguments)


def _cholesky(matrix: Tensor, *_: object) -> float:
    return _matrices(matrix) * matrix.shape[-1] ** 3 / 3


def _lu(matrix: Tensor, *_: object) -> float:
    """mn² − n³/3 with n columns of m ≥ n rows, and likewise the other way round."""
    short, long = sorted(matrix.shape[-2:])
    return _matrices(matrix) * (long * short**2 - short**3 / 3)


def _solve_triangular(matrix: Tensor, right: Tensor, *_: object) -> float:
    return matrix.shape[-1] * right.numel()


def _solve_factored(factors: Tensor, _pivots: Tensor, right: Tensor, *_: object) -> float:
    return 2 * _solve_triangular(factors, right)


def _cholesky_solve(right: Tensor, factor: Tensor, *_: object) -> float:
    return 2 * _solve_triangular(factor, right)


def _solve(matrix: Tensor, right: Tensor, *_: object) -> float:
    return _lu(matrix) + 2 * _solve_triangular(matrix, right)


def _inverse(matrix: Tensor, *_: object) -> float:
    return 2 * _matrices(matrix) * matrix.shape[-1] ** 3


_FORMULAS: dict[Any, _Formula] = {
    _ATEN.mv: _vector_product,
    _ATEN.dot: _vector_product,
    _ATEN.vdot: _vector_product,
    _ATEN.addmv: _added_vector_product,
    _ATEN.addmv_: _added_vector_product,
    _ATEN.addmm_: _added_product,
    _ATEN._addmm_activation: _added_product,
    _ATEN.baddbmm_: _added_product,
    _ATEN.addbmm: _added_product,
    _ATEN.addbmm_: _added_product,
    _ATEN._euclidean_dist: _euclidean,
    _ATEN._cdist_forward: _distances,
    _ATEN._cdist_backward: _distances_backward,
    _ATEN._scaled_dot_product_flash_attention_for_cpu: _attention,
    _ATEN._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    _ATEN.mkldnn_rnn_layer: _recurrent,
    _ATEN.mkldnn_rnn_layer_backward: _twice(_recurrent),
    _ATEN._cudnn_rnn: _recurrent_of_list,
    _ATEN._cudnn_rnn_backward: _twice(_recurrent_of_list),
    _ATEN.linalg_cholesky_ex: _cholesky,
    _ATEN.cholesky: _cholesky,
    _ATEN.cholesky_solve: _cholesky_solve,
    _ATEN.linalg_lu_factor_ex: _lu,
    _ATEN._linalg_det: _lu,
    _ATEN._linalg_slogdet: _lu,
    _ATEN.linalg_lu_solve: _solve_factored,
    _ATEN.linalg_solve_triangular: _solve_triangular,
    _ATEN._linalg_solve_ex: _solve,
    _ATEN.linalg_inv_ex: _inverse,
}
