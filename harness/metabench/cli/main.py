"""The command `metabench`."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from metabench.cli.check import check
from metabench.cli.compare import compare
from metabench.cli.data import data
from metabench.cli.doctor import doctor
from metabench.cli.evaluate import evaluate
from metabench.cli.leaderboard import leaderboard
from metabench.cli.list import list_command
from metabench.cli.new import new
from metabench.cli.show import show
from metabench.cli.state import State
from metabench.cli.verify import verify
from metabench.errors import MetabenchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

BUILT_IN = (check, compare, data, doctor, evaluate, leaderboard, list_command, new, show, verify)
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOTHING = 3


class _Commands(click.Group):
    """The built-in commands and those that extensions add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *State.of(ctx).extensions.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or State.of(ctx).extensions.commands.get(cmd_name)


@click.group(cls=_Commands, commands=BUILT_IN, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="metabench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("--strict-plugins", is_flag=True, help="A broken extension is fatal.")
@click.pass_context
def cli(ctx: click.Context, debug: bool, strict_plugins: bool) -> None:
    """A referee for few-shot learning: the same episodes, an enforced budget, results that hold up."""
    ctx.obj = State(debug=debug, strict_plugins=strict_plugins)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what a user can cause ends in one line and an exit code."""
    state = State()
    try:
        code: object = cli.main(arguments, prog_name="metabench", standalone_mode=False, obj=state)
    except click.exceptions.Abort:
        click.echo("Cancelled. Finished results are kept; the same command goes on.", err=True)
        sys.stdout.flush()
        # Threads are in the midst of runs and would be waited for. Their contestants are killed by their
        # guards as soon as this process is gone, and results are written whole or not at all.
        os._exit(EXIT_FAILED)
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except MetabenchError as error:
        if "--debug" in (sys.argv if arguments is None else arguments):
            traceback.print_exc()
        click.echo(f"Error: {error}", err=True)
        code = EXIT_USAGE if isinstance(error, UsageError) else EXIT_NOTHING
    sys.exit(code if isinstance(code, int) else 0)
