"""What a contestant process gets."""

from __future__ import annotations

from dataclasses import dataclass

STARTUP_LIMIT_S = 120.0


@dataclass(frozen=True)
class Limits:
    """What a contestant process gets.

    Attributes:
        memory_mib: Memory of all its processes together, MiB.
        n_threads: Threads that it computes with.
        seed: For the hashes of its interpreter.
        startup_s: Seconds that imports, building and staging data may take, each time they are due.
        device_memory_mib: Memory of GPUs that all its processes may hold together, beside what the driver
            needs for itself, MiB; None where it is given no GPU.
        look_every_s: Seconds between two looks at what it uses.
    """

    memory_mib: int
    n_threads: int
    seed: int
    startup_s: float = STARTUP_LIMIT_S
    device_memory_mib: int | None = None
    look_every_s: float = 0.05
