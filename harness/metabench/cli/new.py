"""`metabench new`: a package to start from."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from metabench.discovery.contestants import installed
from metabench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ALGORITHM = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "module.py": "$module.py",
    "test_module.py": "tests/test_$module.py",
}


@click.group("new")
def new() -> None:
    """Start a plugin of your own."""


@new.command("algorithm")
@click.argument("name")
def new_algorithm(name: str) -> None:
    """Write an installable package, in the folder NAME, with the algorithm NAME and its test."""
    words = _words(name)
    _check_free(name, words["module"])
    try:
        for path in _write(Path(name), words):
            click.echo(str(path))
    except OSError as error:
        raise UsageError(
            f"Folder {name!r} cannot be written ({error.strerror}); expected the current folder to be one "
            "that you may write to, with space left. Change to another one."
        ) from error
    click.echo(f"\nNext: cd {name} && pip install --editable . && pytest")


def _write(folder: Path, words: Mapping[str, str]) -> Iterator[Path]:
    """Fill the templates; a path for each file that is written."""
    templates = files("metabench.cli") / "templates" / "algorithm"
    for template, place in _ALGORITHM.items():
        path = folder / Template(place).substitute(words)
        text = (templates / f"{template}.template").read_text("utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(text).substitute(words), encoding="utf-8")
        yield path


def _words(name: str) -> Mapping[str, str]:
    """What templates are filled with.

    Raises:
        UsageError: It is no name.
    """
    module = name.replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(module):
        raise UsageError(
            f"Name {name!r} cannot be that of an algorithm; expected lower-case letters and digits, words "
            "separated by '-', and no keyword of Python. Name it e.g. 'my-method'."
        )
    return {"name": name, "module": module, "class_name": "".join(part.title() for part in name.split("-"))}


def _check_free(name: str, module: str) -> None:
    """Refuse a name that something else has.

    Raises:
        UsageError: An algorithm, a module or a folder has it.
    """
    if Path(name).exists():
        raise UsageError(f"Folder {name!r} exists; expected none. Choose another name.")
    owners = [one.distribution for one in installed("algorithm") if one.name == name]
    if owners:
        raise UsageError(f"Algorithm {name!r} is there already, in {owners[0]}. Choose another name.")
    if find_spec(module) is not None:
        raise UsageError(
            f"Module {module!r}, which would hold the algorithm, is installed already. Choose another name."
        )
