"""Pages as HTML. Whatever the templates are given is escaped; see `metabench.site.page`."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from metabench.site.page import BoardPage, OverviewPage, ResultPage

_TEMPLATES = {"OverviewPage": "overview.html", "BoardPage": "board.html", "ResultPage": "result.html"}


class Renderer:
    """Makes HTML of pages."""

    def __init__(self) -> None:
        loader = PackageLoader("metabench.site")
        environment = Environment(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates = {kind: environment.get_template(name) for kind, name in _TEMPLATES.items()}

    def render(self, page: OverviewPage | BoardPage | ResultPage, *, root: str = "") -> bytes:
        """Make the file of a page.

        Args:
            page: What stands on it.
            root: The way from its folder to that of the site, e.g. "../".
        """
        template = self._templates[type(page).__name__]
        return template.render(page=page, root=root).encode()


def assets() -> Iterator[tuple[str, bytes]]:
    """Scripts, styles and the table widget, by their path in the site."""
    yield from _within(files("metabench.site") / "assets", "assets")


def _within(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _within(entry, f"{path}/{entry.name}")
        else:
            yield f"{path}/{entry.name}", entry.read_bytes()
