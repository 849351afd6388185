"""Names for rows: short where they are unique, with what differs where they are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.results.record import PluginPart

_HASH_LENGTH = 8


def labels(plugins: Sequence[PluginPart]) -> list[str]:
    """Name plugins so that different ones have different names, e.g. "maml (inner_steps=5)".

    Args:
        plugins: Of all rows of a board; one may stand there more than once.
    """
    keys = [_key(one) for one in plugins]
    # Most rows of a board share their backbone with others.
    distinct = dict(zip(keys, plugins, strict=True))
    named = {
        key: _label(one, [other for other in distinct.values() if other.name == one.name])
        for key, one in distinct.items()
    }
    return [named[key] for key in keys]


def labels_across(told: Sequence[tuple[str, PluginPart]]) -> list[str]:
    """Name the plugins of several boards: namesakes that one board tells apart are told apart on all.

    So are those of two packages. Others keep the names that they have on their boards, though a version may
    differ from board to board.

    Args:
        told: The label on its board of each plugin, and the plugin.
    """
    split = {plugin.name for label, plugin in told if label != plugin.name}
    namesakes = {_key(plugin): plugin for _, plugin in told if plugin.name in split}
    names = dict(zip(namesakes, labels(list(namesakes.values())), strict=True))
    origins = _origins([plugin for _, plugin in told])
    return [
        names[_key(plugin)] if plugin.name in split else origins[plugin.name, _origin(plugin)]
        for _, plugin in told
    ]


def _origin(plugin: PluginPart) -> tuple[str, str]:
    return plugin.distribution, plugin.target


def _origins(plugins: Sequence[PluginPart]) -> dict[tuple[str, tuple[str, str]], str]:
    """A label for each name and origin: the name, with what tells it from namesakes of other origins."""
    found = {(one.name, _origin(one)): one for one in plugins}
    alike = {"version": "", "source_hash": "", "options": {}}
    told = labels([one.model_copy(update=alike) for one in found.values()])
    return dict(zip(found, told, strict=True))


def _key(plugin: PluginPart) -> str:
    return json.dumps(plugin.model_dump(), sort_keys=True)


def _label(plugin: PluginPart, namesakes: Sequence[PluginPart]) -> str:
    told = [
        f"{name}={value}"
        for name, value in sorted(plugin.options.items())
        if any(other.options.get(name) != value for other in namesakes)
    ]
    rivals = [other for other in namesakes if other.options == plugin.options]
    for field, shown in _told_besides(plugin):
        if any(getattr(other, field) != getattr(plugin, field) for other in rivals):
            told.append(shown)
            rivals = [other for other in rivals if getattr(other, field) == getattr(plugin, field)]
    return f"{plugin.name} ({', '.join(told)})" if told else plugin.name


def _told_besides(plugin: PluginPart) -> list[tuple[str, str]]:
    """Fields that may tell namesakes with equal options apart, and how they are shown."""
    return [
        ("distribution", plugin.distribution or "no distribution"),
        ("version", plugin.version or "no version"),
        ("source_hash", plugin.source_hash[:_HASH_LENGTH] or "unread source"),
        ("target", plugin.target),
    ]
