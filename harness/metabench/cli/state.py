"""What all commands share: the loaded extensions and this machine's folders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import click

from metabench.data.imported import imported_folders, imported_recipe
from metabench.data.places import Places, from_environment
from metabench.discovery.trusted import Broken, Extensions, load_extensions
from metabench.errors import DataError


@dataclass
class State:
    """The state of one command.

    Attributes:
        debug: Show tracebacks.
        strict_plugins: A broken extension is fatal.
    """

    debug: bool = False
    strict_plugins: bool = False

    @classmethod
    def of(cls, ctx: click.Context) -> Self:
        """The state of a command's context."""
        state = ctx.find_object(cls)
        assert state is not None
        return state

    @cached_property
    def extensions(self) -> Extensions:
        """The trusted extensions; broken ones are reported on stderr once."""
        extensions = load_extensions(strict=self.strict_plugins)
        self._add_imported(extensions)
        for broken in extensions.broken:
            click.echo(
                f"Warning: extension {broken.name!r} of {broken.distribution} is skipped: {broken.reason}.",
                err=True,
            )
        return extensions

    def _add_imported(self, extensions: Extensions) -> None:
        """Declare the datasets that users brought, as if each had an extension of its own."""
        for folder in imported_folders(self.places):
            try:
                recipe = imported_recipe(folder)
            except DataError as error:
                if self.strict_plugins:
                    raise
                extensions.broken.append(Broken(folder.name, str(folder.parent), str(error).rstrip(".")))
            else:
                extensions.declared[f"imported:{folder}"] = {"metabench_datasets": [recipe]}

    @cached_property
    def places(self) -> Places:
        """Where data lies."""
        return from_environment()


pass_state = click.make_pass_decorator(State)
