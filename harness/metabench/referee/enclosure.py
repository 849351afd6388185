"""What a contestant has of this machine: its plugins' source, an environment, and what it may see."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.discovery.models import model_places
from metabench.discovery.source import BrokenPluginError, read_source
from metabench.discovery.trusted import extension_files

if TYPE_CHECKING:
    from collections.abc import Collection

    from metabench.discovery.plugin import Plugin
    from metabench.referee.limits import Limits

_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "SYSTEMROOT", "LANG", "LC_ALL")


@dataclass(frozen=True)
class Enclosure:
    """What a contestant has of this machine.

    A one-file plugin runs from a copy of what its hash covers: the file, and the modules beside it that it
    imports. The folder that it comes from is not shown to it.

    Attributes:
        plugins: That are to run.
        hidden: Data and results, which it does not see even where they lie within something that it does.
            Nor does it see what trusted extensions are made of: those of datasets could build them for it.
        device: "cpu" or "cuda:N".
        is_closed: The sandbox takes away all else. Tests of what is left to do without one open it.
    """

    plugins: tuple[Plugin, ...] = ()
    hidden: tuple[Path, ...] = ()
    device: str = "cpu"
    is_closed: bool = True

    @property
    def order(self) -> bytes:
        """What the sandbox is told."""
        own = {file for one in self.plugins if not one.search_path for file in _files(one)}
        also = {file.parent for file in own}
        also |= {place for one in self.plugins if one.model for place in model_places(one.model)}
        hidden = {*self.hidden, *(extension_files() - own)}
        told = {"also": [*map(str, also)], "hidden": [*map(str, hidden)], "device": self.device}
        return json.dumps(told if self.is_closed else None).encode()

    def copy_sources(self, folder: Path) -> None:
        """Put the source of one-file plugins into a work folder.

        Raises:
            OSError: It cannot be read or written.
        """
        for plugin in self.plugins:
            if plugin.search_path is None:
                continue
            for file in _files(plugin):
                place = folder / copied_to(plugin.search_path) / file.relative_to(plugin.search_path)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)


def copied_to(search_path: Path) -> str:
    """Where in a work folder the source from some folder lies; plugins of one folder share their modules."""
    return f"source-{hashlib.sha256(bytes(search_path.resolve())).hexdigest()[:8]}"


def environment(limits: Limits, folder: Path) -> dict[str, str]:
    """The environment of a contestant with some work folder: nothing that tells of this machine's data."""
    threads = str(limits.n_threads)
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "OMP_NUM_THREADS": threads,
        # Threads that spin while they wait starve each other as soon as anything else runs.
        "OMP_WAIT_POLICY": "PASSIVE",
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "PYTHONHASHSEED": str(limits.seed % 2**32),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
    }


def _files(plugin: Plugin) -> Collection[Path]:
    """A plugin's source files; where they cannot all be found, the first, whose import will tell why."""
    try:
        return read_source(plugin).files.values()
    except BrokenPluginError:
        first = Path(plugin.search_path or "", f"{plugin.module}.py")
        return [first] if first.is_file() else []
