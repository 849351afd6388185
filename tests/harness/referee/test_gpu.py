"""Memory of GPUs, as a driver tells it that is not there."""

from types import SimpleNamespace

import pytest

from metabench.referee.gpu import find_gpus

MIB = 2**20


class Nvml:
    """A driver of some GPUs.

    Args:
        gpus: Process number → memory, for each GPU; None in its place: it does not tell.
    """

    class NVMLError(Exception):
        pass

    def __init__(self, *gpus, is_there=True):
        self._gpus = gpus
        self._is_there = is_there

    def nvmlInit(self):
        if not self._is_there:
            raise self.NVMLError("NVML Shared Library Not Found")

    def nvmlDeviceGetCount(self):
        return len(self._gpus)

    def nvmlDeviceGetHandleByIndex(self, index):
        return f"handle {index}"

    def nvmlDeviceGetName(self, handle):
        return "NVIDIA Small" if handle == "handle 0" else "NVIDIA Large"

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        told = self._gpus[int(handle.split()[1])]
        if told is None:
            raise self.NVMLError("Not Supported")
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in told.items()]


def test_memory_of_a_tree_is_that_of_its_processes_on_all_gpus():
    gpus = find_gpus(Nvml({7: 100 * MIB, 8: 10 * MIB, 99: 5000 * MIB}, {7: 1 * MIB}))
    assert gpus.used_mib([7, 8]) == 111


def test_a_gpu_that_does_not_tell_leaves_the_others():
    assert find_gpus(Nvml(None, {7: MIB})).used_mib([7]) == 1


@pytest.mark.parametrize("told", [{}, {4711: MIB}, {7: None}])
def test_where_nothing_is_told_of_a_tree_nothing_is_measured(told):
    assert find_gpus(Nvml(told)).used_mib([7]) is None


def test_a_process_whose_memory_is_known_counts_beside_one_whose_is_not():
    assert find_gpus(Nvml({7: None, 8: MIB})).used_mib([7, 8]) == 1


@pytest.mark.parametrize(
    ("gpus", "name"),
    [
        ([{}], "NVIDIA Small"),
        ([{}, {}], "NVIDIA Large / NVIDIA Small"),
        ([{}] * 3, "NVIDIA Large / NVIDIA Small"),
    ],
)
def test_gpus_are_named_by_their_kind(gpus, name):
    assert find_gpus(Nvml(*gpus)).name == name


def test_without_a_driver_there_are_no_gpus():
    assert find_gpus(Nvml(is_there=False)) is None


def test_this_machines_library_has_what_is_asked_of_it():
    import pynvml

    asked = [name for name in dir(Nvml) if name.startswith("nvml") or name == "NVMLError"]
    assert len(asked) == 6
    assert all(hasattr(pynvml, name) for name in asked)
    assert {name for name, _ in pynvml.c_nvmlProcessInfo_t._fields_} >= {"pid", "usedGpuMemory"}
