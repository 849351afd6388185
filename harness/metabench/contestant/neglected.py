"""Operators of PyTorch that are not counted as work: they move, compare, map or sum up numbers.

By convention pointwise operators, reductions, normalisations, pooling, sorting, random numbers, copies, views
and indexing are neglected: beside products of matrices they are a small part.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch._ops import OpOverload

_TAGS = {torch.Tag.pointwise, torch.Tag.reduction, torch.Tag.view_copy, torch.Tag.inplace_view}
# Questions to a tensor, such as where it lies, and marks for profilers.
_NAMESPACES = ("prim", "profiler")

# Operators that have none of these tags, by the names of their families.
_FAMILIES = re.compile(
    r"""
    # made and copied
    arange | range | \w*cat | stack | clone | copy | to_copy | lift\w* | empty\w* | eye | fill | full\w*
    | new_\w+ | ones\w* | zero | zeros\w* | scalar_tensor | linspace | logspace | local_scalar_dense
    | efficientzerotensor | constant_pad_nd | (reflection|replication)_pad.d | col2im | im2col | flip | roll
    | rot90 | repeat\w* | (pixel|channel)_(un)?shuffle | unsafe_(split\w*|view) | reshape_copy | resize\w*
    | set | pin_memory | tri[lu](_indices)? | diag_embed | diagonal | block_diag | lu_unpack
    | pack_padded_sequence | cudnn_rnn_flatten_weight
    # indexed
    | index\w* | unsafe_(masked_)?index\w* | gather | \w*scatter\w* | masked_(fill|select) | select | slice
    | take | put | unfold | nonzero\w* | embedding\w*
    # sorted, counted, compared
    | sort | topk | kthvalue | (nan)?median | mode | unique\w* | searchsorted | bucketize | histc | bincount
    | isin | is_\w+ | equal | allclose | (log)?cum(max|min|prod|sum|sumexp)(_helper)? | trace | \w*assert\w*
    | linalg_check_errors
    # drawn at random
    | rand\w* | normal\w* | log_normal | uniform | bernoulli | binomial | multinomial | poisson | exponential
    | cauchy | geometric | standard_gamma(_grad)? | sample_dirichlet | dirichlet_grad
    | (native|fused)_dropout | masked_scale
    # normalised
    | \w*(batch|layer|group|rms|weight|re)_?norm\w* | linalg_vector_norm | dist | \w*softmax
    # pooled and resampled
    | (adaptive_|fractional_)?(avg|max)_(un)?pool.d(_with_indices)? | upsample_\w+ | grid_sampler_.d
    | affine_grid_generator
    # mapped; losses and updates of weights
    | addr | complex | polar | elu | glu | hardswish | log_sigmoid(_forward)? | prelu_kernel
    | rrelu_with_noise | floor_divide | linalg_cross | \w+_loss(2d)?(_forward)? | binary_cross_entropy\w*
    | thnn_fused_(lstm|gru)_cell(_backward_impl)? | fused_(sgd|adam|adamw|adagrad)
    | amp_foreach_non_finite_check_and_unscale | amp_update_scale | fused_sdp_choice
    """,
    re.VERBOSE,
)


def is_neglected(operator: OpOverload) -> bool:
    """Is what an operator does a small part beside products of matrices?"""
    if operator.namespace != "aten":
        return operator.namespace in _NAMESPACES
    return _is_tagged(operator) or _has_neglected_relative(operator._overloadpacket.__name__)


def _is_tagged(operator: OpOverload) -> bool:
    return operator.is_view or not _TAGS.isdisjoint(operator.tags)


def _has_neglected_relative(name: str) -> bool:
    """Variants in place, of lists or backward lack the tags of the operator that they are named after."""
    stem = name.strip("_").removeprefix("foreach_").removesuffix("_data").removesuffix("_backward")
    packet = getattr(torch.ops.aten, stem, None)
    overloads = [] if packet is None else [getattr(packet, one) for one in packet.overloads()]
    return _FAMILIES.fullmatch(stem) is not None or any(map(_is_tagged, overloads))
