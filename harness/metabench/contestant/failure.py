"""Tell the referee how a plugin failed, in one line; the traceback goes to stderr."""

from __future__ import annotations

import errno
import importlib
import socket
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.error import URLError

import torch

from metabench.errors import InvalidOutputError, MetabenchError
from metabench.wire.channel import PeerGoneError
from metabench.wire.reports import Failure, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.wire.channel import Channel

FailureStatus = Literal["plugin_error", "crashed", "out_of_memory", "invalid_output"]
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "Cannot allocate memory")

# What a sandbox answers, though it is not alone in that.
_REFUSED = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS}
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED}
_SANDBOX = "; where there is a sandbox, a contestant sees its packages and its own folder, but no network"

# What stands between a plugin and what it raises.
_NOT_PLUGINS = (
    Path(torch.__file__).parent,
    Path(importlib.__file__).parent,
    Path(__file__).parents[1],
)


class PluginError(Exception):
    """The plugin cannot be imported or built; the message is one line."""


@contextmanager
def guarded(channel: Channel) -> Iterator[None]:
    """Report whatever a plugin raises within the block, `SystemExit` included, and end the process."""
    try:
        yield
    except PeerGoneError:
        raise
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        channel.send(say("failed", Failure(status=_status(error), message=explained(error))))
        sys.exit(1)


def one_line(error: BaseException) -> str:
    """Say what was raised and where in the plugin; without a full stop, as other sentences go on with it."""
    if isinstance(error, PluginError | MetabenchError):
        return _joined(str(error))
    return _joined(f"{type(error).__name__}: {_text(error)}") + _where(error)


def explained(error: BaseException) -> str:
    """`one_line`, and that there may be a sandbox where that may be why."""
    hint = _SANDBOX if _may_be_refused(error) or _may_be_refused(error.__cause__) else ""
    return one_line(error) + hint


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its text cannot be had)"


def _joined(text: str) -> str:
    """The text in one line of at most 1000 characters that no terminal obeys, without a full stop."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())[:1000].rstrip(".")


def _where(error: BaseException) -> str:
    """The innermost place that is neither torch's, nor ours, nor the import system's."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if not frame.filename.startswith("<") and not any(file.is_relative_to(one) for one in _NOT_PLUGINS):
            return f" ({file.name} line {frame.lineno})"
    return ""


def _status(error: BaseException) -> FailureStatus:
    if _is_for_memory(error) or _is_for_memory(error.__cause__):
        return "out_of_memory"
    if isinstance(error, InvalidOutputError):
        return "invalid_output"
    if isinstance(error, PluginError | MetabenchError):
        return "plugin_error"
    return "crashed"


def _may_be_refused(error: BaseException | None) -> bool:
    if isinstance(error, socket.gaierror | URLError):
        return True
    return isinstance(error, OSError) and error.errno in _REFUSED | _UNREACHABLE


def _is_for_memory(error: BaseException | None) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError | OSError) and any(words in _text(error) for words in _NO_MEMORY)
