"""From a plugin's address to a learner, ready to run."""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from metabench.api.algorithm import Algorithm, AlgorithmSetting
from metabench.api.backbone import Backbone, BackboneSetting
from metabench.api.options import declared_options, resolve_options
from metabench.contestant.failure import PluginError, one_line
from metabench.spec.option import OptionError

if TYPE_CHECKING:
    from metabench.wire.reports import Assignment, PluginAddress

_Base = TypeVar("_Base", bound=torch.nn.Module)


def build_learner(assignment: Assignment) -> Algorithm:
    """Build the algorithm on its backbone, with first weights from the assignment's seed.

    Raises:
        PluginError: Something cannot be imported or raises while it is built.
        OptionError: An option is unknown or ill-typed.
    """
    prepare_arithmetic(assignment)
    algorithm = import_plugin(assignment.algorithm, Algorithm)  # type: ignore[type-abstract]
    backbone = import_plugin(assignment.backbone, Backbone)  # type: ignore[type-abstract]
    return make_learner(algorithm, backbone, assignment)


def make_learner(algorithm: type[Algorithm], backbone: type[Backbone], assignment: Assignment) -> Algorithm:
    """Build the algorithm on its backbone from their classes, for what the assignment tells besides.

    Raises:
        PluginError: Something raises while it is built.
        OptionError: An option is unknown or ill-typed.
    """
    try:
        setting = AlgorithmSetting(
            options=resolve_options(declared_options(algorithm), assignment.algorithm.options),
            backbone=backbone(_backbone_setting(backbone, assignment)),
            most_way=assignment.most_way,
            n_way=assignment.n_way,
            n_shot=assignment.n_shot,
            n_query=assignment.n_query,
        )
        return algorithm(setting).to(torch.device(assignment.device))
    except OptionError:
        raise
    except Exception as error:
        raise PluginError(f"building the learner raises {one_line(error)}") from error


def prepare_arithmetic(assignment: Assignment) -> None:
    """Fix threads, seeds and the choice of kernels, so that the same run gives the same numbers.

    Where there is a GPU, its memory is limited too.
    """
    torch.set_num_threads(assignment.n_threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(assignment.seed)
    random.seed(assignment.seed)
    np.random.seed(assignment.seed % 2**32)  # noqa: NPY002 - for plugins that use the global generator
    if assignment.device_memory_mib is not None:
        _limit_device_memory(torch.device(assignment.device), assignment.device_memory_mib)


def _limit_device_memory(device: torch.device, mib: int) -> None:
    """Let PyTorch's allocator refuse what is too much, before the referee sees it used."""
    whole_mib = torch.cuda.get_device_properties(device).total_memory / 2**20
    torch.cuda.set_per_process_memory_fraction(min(1.0, mib / whole_mib), device)


def import_plugin(address: PluginAddress, kind: type[_Base]) -> type[_Base]:
    """Import a plugin's class.

    Raises:
        PluginError: The import fails, or what is there is no such class.
    """
    module_name, _, class_name = address.target.partition(":")
    if address.search_path is not None:
        _search_first(Path(address.search_path).resolve())
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (Exception, SystemExit) as error:
        raise PluginError(f"importing {address.target!r} raises {one_line(error)}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise PluginError(
            f"{address.target!r} is no {kind.__name__}; expected a subclass of metabench.api.{kind.__name__}"
        )
    return found


def _search_first(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _backbone_setting(backbone: type[Backbone], assignment: Assignment) -> BackboneSetting:
    options = resolve_options(declared_options(backbone), assignment.backbone.options)
    model = None if assignment.backbone.model is None else Path(assignment.backbone.model)
    return BackboneSetting(options, assignment.example_shape, assignment.n_tokens, model)
