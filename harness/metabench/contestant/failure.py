"""Tell the referee how a plugin failed, in one line; the traceback goes to stderr."""

from __future__ import annotations

import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from metabench.api.options import OptionError
from metabench.errors import MetabenchError
from metabench.wire.channel import PeerGoneError
from metabench.wire.reports import Failure, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.wire.channel import Channel

FailureStatus = Literal["plugin_error", "crashed", "out_of_memory", "invalid_output"]
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "Cannot allocate memory")


class PluginError(Exception):
    """The plugin cannot be imported or built; the message is one line."""


class InvalidOutputError(Exception):
    """The plugin gave something that cannot be used; the message is one line."""


@contextmanager
def guarded(channel: Channel) -> Iterator[None]:
    """Report whatever a plugin raises within the block, and end the process."""
    try:
        yield
    except PeerGoneError:
        raise
    except Exception as error:
        traceback.print_exc()
        channel.send(say("failed", Failure(status=_status(error), message=one_line(error))))
        sys.exit(1)


def one_line(error: BaseException) -> str:
    """Say what was raised and where in the plugin."""
    if isinstance(error, PluginError | InvalidOutputError | OptionError | MetabenchError):
        return " ".join(str(error).split())[:1000]
    text = " ".join(f"{type(error).__name__}: {error}".split())
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name} line {frames[-1].lineno})" if frames else ""
    return text[:1000] + where


def _status(error: Exception) -> FailureStatus:
    if isinstance(error, PluginError | OptionError):
        return "plugin_error"
    if isinstance(error, InvalidOutputError):
        return "invalid_output"
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return "out_of_memory"
    if isinstance(error, RuntimeError | OSError) and any(words in str(error) for words in _NO_MEMORY):
        return "out_of_memory"
    return "crashed"
