"""Tell what plugins declare: options, modality, pretraining. Each is imported in a process of its own."""

from __future__ import annotations

import inspect
import json
import math
import os
import select
import signal
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from metabench.api.algorithm import Algorithm
from metabench.api.backbone import Backbone
from metabench.api.options import declared_options
from metabench.clock import now
from metabench.contestant.build import import_plugin
from metabench.contestant.failure import explained
from metabench.spec.tokenizer import Tokenizer
from metabench.wire.message import HEADER_LIMIT, Message
from metabench.wire.reports import PluginAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from metabench.wire.channel import Channel
    from metabench.wire.message import Json

_PATIENCE_S = 60.0


def describe(channel: Channel, message: Message) -> None:
    """Answer with one description per plugin, in the order asked.

    A fork per plugin costs little, as torch is imported already, and keeps them apart.
    """
    asked = message.fields["plugins"]
    assert isinstance(asked, list)
    # All answers together must fit into one header.
    limit = HEADER_LIMIT // (len(asked) + 1)
    answers: list[Json] = [_in_a_fork(partial(_describe_alone, channel, one), limit) for one in asked]
    channel.send(Message("descriptions", {"descriptions": answers}))


def _describe_alone(channel: Channel, asked: dict[str, str | None]) -> Json:
    """Describe one plugin, which must not answer for the others."""
    channel.close()
    return _describe_one(asked)


def _describe_one(asked: dict[str, str | None]) -> Json:
    kind = Algorithm if asked["kind"] == "algorithm" else Backbone
    target, search_path = str(asked["target"]), asked["search_path"]
    address = PluginAddress(target=target, search_path=search_path, options={}, model=None)
    plugin = import_plugin(address, kind)
    summary = inspect.getdoc(plugin) or ""
    return {
        "summary": summary,
        "options": {
            name: asdict(entry) | {"at_least": _bound(entry.at_least), "at_most": _bound(entry.at_most)}
            for name, entry in declared_options(plugin).items()
        },
        "features_only": bool(getattr(plugin, "features_only", False)),
        "default_backbones": dict(getattr(plugin, "default_backbones", {})),
        "modality": str(getattr(plugin, "modality", "")),
        "pretraining": str(getattr(plugin, "pretraining", "none")),
        "takes_model": bool(getattr(plugin, "takes_model", False)),
        "tokenizer": _tokenizer(plugin),
    }


def _bound(declared: float | None) -> float | None:
    """A bound of an option; JSON has no infinite numbers, which bound nothing."""
    return None if declared is None or math.isinf(declared) else declared


def _tokenizer(plugin: type) -> Json:
    """The tokenizer that a text backbone declares, field by field."""
    declared = getattr(plugin, "tokenizer", None)
    return asdict(declared) if isinstance(declared, Tokenizer) else None


def _in_a_fork(work: Callable[[], Json], limit: int) -> Json:
    """Run something in a fork; its result, or {"error": …} if it raises, exits, hangs or says too much."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _answer_and_exit(work, write_end)
    os.close(write_end)
    try:
        text = _read_all(read_end, limit + 1, until=now() + _PATIENCE_S)
        if len(text) > limit:
            return {"error": f"it declares more than {limit} bytes"}
        return json.loads(text) if text else {"error": "importing it ends the process"}
    except TimeoutError:
        return {"error": f"importing it takes more than {_PATIENCE_S:g} s"}
    except (ValueError, RecursionError):
        return {"error": "importing it disturbs the process"}
    finally:
        os.close(read_end)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _answer_and_exit(work: Callable[[], Json], write_end: int) -> None:
    try:
        try:
            text = json.dumps(work(), allow_nan=False)
        except BaseException as error:
            text = json.dumps({"error": explained(error)})
        with os.fdopen(write_end, "w") as pipe:
            pipe.write(text)
    finally:
        # Whatever happens: what stands above this in the stack is the parent's.
        os._exit(0)


def _read_all(descriptor: int, at_most: int, until: float) -> bytes:
    received = b""
    while len(received) < at_most:
        if not select.select([descriptor], [], [], max(0.0, until - now()))[0]:
            raise TimeoutError
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            break
        received += chunk
    return received
