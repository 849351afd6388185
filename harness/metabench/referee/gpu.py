"""Memory of GPUs, as the driver tells it of processes (NVML).

In a container with process numbers of its own the driver may tell the host's numbers, or no memory. What a
contestant holds is then not measured, and PyTorch's allocator alone limits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_MIB = 2**20


class Process(Protocol):
    """A process that computes on a GPU: its number, and its memory in bytes if that can be known."""

    pid: int
    usedGpuMemory: int | None  # noqa: N815 - NVML's name


class Nvml(Protocol):
    """The part of `pynvml` that is used."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None:  # noqa: N802, D102
        ...

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802, D102
        ...

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: N802, D102
        ...

    def nvmlDeviceGetName(self, handle: Any) -> str:  # noqa: N802, D102
        ...

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any) -> Sequence[Process]:  # noqa: N802, D102
        ...


class Gpus:
    """All GPUs of this machine, whichever a contestant was given.

    Args:
        nvml: The driver's library, made ready.
    """

    def __init__(self, nvml: Nvml) -> None:
        self._nvml = nvml
        count = nvml.nvmlDeviceGetCount()
        self._handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]

    @property
    def name(self) -> str:
        """Of the kind of GPU; of all kinds where there are several."""
        return " / ".join(sorted({self._nvml.nvmlDeviceGetName(handle) for handle in self._handles}))

    def used_mib(self, pids: Collection[int]) -> float | None:
        """Memory that some processes hold on all GPUs together, MiB; None: not known of any of them."""
        told = [one.usedGpuMemory for one in self._processes() if one.pid in pids]
        known = [used for used in told if used is not None]
        return sum(known) / _MIB if known else None

    def _processes(self) -> list[Process]:
        """What computes on any GPU; one that does not tell has nothing."""
        found: list[Process] = []
        for handle in self._handles:
            try:
                found += self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
            except self._nvml.NVMLError:
                continue
        return found


def find_gpus(nvml: Nvml | None = None) -> Gpus | None:
    """The GPUs of this machine; None where the driver does not tell of any.

    Args:
        nvml: The driver's library; None: that of this machine.
    """
    # Imported here: only runs on a GPU need it.
    import pynvml  # noqa: PLC0415

    library: Nvml = pynvml if nvml is None else nvml
    try:
        library.nvmlInit()
        return Gpus(library)
    except library.NVMLError:
        return None
