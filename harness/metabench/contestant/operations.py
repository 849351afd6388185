"""Count the floating-point operations of whatever PyTorch does within a block."""

from __future__ import annotations

from typing import Any

from torch._ops import HigherOrderOperator, OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from metabench.contestant.formulas import operations


class OperationCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts forward and backward passes, those of gradients of gradients included.

    What is computed outside of PyTorch, say with NumPy, is not seen.

    Attributes:
        total: Operations so far.
        uncounted: Names of the operators that have no formula, e.g. "aten.fft_r2c".
    """

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0.0
        self.uncounted: set[str] = set()

    def __torch_dispatch__(
        self,
        func: OpOverload | HigherOrderOperator,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call an operator and count it; one that consists of others is taken apart."""
        named = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            self.uncounted.add(f"higher_order.{func._name}")
            return func(*args, **named)
        with self:
            parts = func.decompose(*args, **named)
        if parts is not NotImplemented:
            return parts
        result = func(*args, **named)
        counted = operations(func, args, named, result)
        if counted is None:
            self.uncounted.add(f"{func.namespace}.{func._overloadpacket.__name__}")
        else:
            self.total += counted
        return result
