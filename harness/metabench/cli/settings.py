"""The `--set` values of a command: whose they are, and that the options take them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from metabench.discovery.source import BrokenPluginError, read_source
from metabench.errors import UsageError, unknown_name
from metabench.referee.description import Description
from metabench.spec.plan import Entrant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metabench.discovery.plugin import Plugin
    from metabench.referee.description import Undescribed
    from metabench.spec.plan import OptionValue


class Settings:
    """The `--set` values of a command, and which plugin each belongs to.

    Raises:
        UsageError: A text that is no setting, or an option that is set twice.
    """

    def __init__(self, texts: Sequence[str], told: Mapping[Plugin, Description | Undescribed]) -> None:
        self._told = told
        self._settings = [_split(text) for text in texts]
        for (owner, name), count in Counter(setting[:2] for setting in self._settings).items():
            if count > 1:
                option = f"{owner}.{name}" if owner else name
                raise UsageError(f"Option {option!r} is set {count} times; expected once. Keep one of them.")

    def check_all_used(self) -> None:
        """Refuse a setting for a plugin that takes no part.

        Raises:
            UsageError: There is one.
        """
        names = {plugin.own_name for plugin in self._told}
        for owner, _, _ in self._settings:
            if owner and owner not in names:
                raise unknown_name("plugin in --set", owner, names)

    def entrant(self, plugin: Plugin) -> Entrant:
        """A plugin with every option's value.

        Raises:
            UsageError: It has no such option, or the option does not take the value.
        """
        told = self._told[plugin]
        for_all = "" if plugin.kind == "algorithm" else None
        # What is set for this plugin by name counts more than what is set for all.
        given = {
            name: text
            for wanted in (for_all, plugin.own_name)
            for owner, name, text in self._settings
            if owner == wanted
        }
        options: dict[str, OptionValue] = dict(given)
        if isinstance(told, Description):
            options = {name: option.default for name, option in told.options.items()}
            options |= {name: _value(plugin, told, name, text) for name, text in given.items()}
        try:
            source_hash = read_source(plugin).digest
        except BrokenPluginError:
            source_hash = ""
        return Entrant(plugin, tuple(sorted(options.items())), source_hash)


def _split(text: str) -> tuple[str, str, str]:
    """Cut `maml.inner_lr=0.1` into owner, option and value; the owner is empty where none is named."""
    name, equals, value = text.partition("=")
    owner, _, option = name.rpartition(".")
    if not equals or not option:
        raise UsageError(f"Setting {text!r} is no setting; expected OPTION=VALUE or PLUGIN.OPTION=VALUE.")
    return owner, option, value


def _value(plugin: Plugin, told: Description, name: str, text: str) -> OptionValue:
    """What a setting's text says, if the option takes it."""
    if name not in told.options:
        raise unknown_name(f"option of {plugin.name}", name, told.options)
    return told.options[name].as_option().read(name, text, owner=plugin.name)
