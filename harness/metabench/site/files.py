"""All files of a site, one by one: a large one need not be in memory at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.results.files import RECORD_FILE
from metabench.site.board import board_pages
from metabench.site.overview import overview_page
from metabench.site.render import Renderer, assets
from metabench.site.result import result_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.site.contents import Contents


def site_files(contents: Contents) -> Iterator[tuple[str, bytes]]:
    """Make every file: path in the site, with "/", and its content. The same contents give the same bytes.

    Args:
        contents: What it shows.
    """
    html = Renderer()
    yield from assets()
    # GitHub's pages leave out some files unless they are told not to.
    yield ".nojekyll", b""
    yield "index.html", html.render(overview_page(contents))
    for board, name in zip(contents.boards, contents.board_names, strict=True):
        for part, page in board_pages(board, name, contents):
            yield f"boards/{part}.html", html.render(page, root="../")
        for renderer in contents.renderers:
            yield f"boards/{name}{renderer.suffix}", f"{renderer.render([board])}\n".encode()
    for identity, name in contents.result_names.items():
        yield f"results/{name}.html", html.render(result_page(identity, contents), root="../")
        yield f"results/{name}.json", (contents.folders[identity] / RECORD_FILE).read_bytes()
