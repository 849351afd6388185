"""The site as a whole: links lead somewhere, pages are sound, the same results give the same bytes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from metabench.site.files import site_files

VOID = {"meta", "link", "br", "img", "input"}
LARGEST = 1_000_000


class Page(HTMLParser):
    """A page, taken apart; every element that is opened must be closed in order.

    Attributes:
        addresses: That it names, of pages, styles, scripts.
        names: Of its elements.
        scripts: What stands within scripts.
        elements: Tags with their attributes.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.addresses: list[str] = []
        self.names: list[str] = []
        self.scripts = ""
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text())
        assert not self._open, f"{path} leaves {self._open} open"

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.elements.append((tag, told))
        self.addresses += [told[one] for one in ("href", "src", "xlink:href") if one in told]
        self.names += [told["id"]] if "id" in told else []
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open, f"{self.path} closes {tag}, which is not open"
        assert self._open.pop() == tag, f"{self.path} closes {tag} out of order"

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts += data
        self.text += data


@pytest.fixture(scope="module")
def pages(site) -> list[Page]:
    return [Page(path) for path in sorted(site.folder.rglob("*.html"))]


def test_there_is_a_page_for_each_leaderboard_and_each_result(site) -> None:
    files = [path.relative_to(site.folder).as_posix() for path in site.folder.rglob("*.html")]
    assert sum(name.startswith("boards/") for name in files) == len(site.contents.boards) == 5
    assert sum(name.startswith("results/") for name in files) == len(site.contents.runs)
    assert len(files) == 1 + len(site.contents.boards) + len(site.contents.runs)


def test_every_link_leads_to_a_file_of_the_site_or_to_a_part_of_the_page(site, pages: list[Page]) -> None:
    names = {page.path: page.names for page in pages}
    assert sum(len(page.addresses) for page in pages) > 1000
    for page in pages:
        for address in page.addresses:
            told = urlsplit(address)
            assert (told.scheme, told.netloc) in {("", ""), ("data", "")}, f"{page.path}: {address}"
            if told.scheme == "data":
                continue
            target = (page.path.parent / unquote(told.path)).resolve() if told.path else page.path
            assert target.is_file(), f"{page.path}: {address}"
            assert target.is_relative_to(site.folder.resolve())
            if told.fragment:
                assert told.fragment in names[target], f"{page.path}: {address}"


def test_every_page_can_be_reached_from_the_first(site, pages: list[Page]) -> None:
    links = {
        page.path: {(page.path.parent / urlsplit(one).path).resolve() for one in page.addresses}
        for page in pages
    }
    reached: set[Path] = set()
    ahead = {site.folder / "index.html"}
    while ahead:
        reached |= ahead
        ahead = {to for path in ahead for to in links[path] if to.suffix == ".html"} - reached
    assert reached == set(links)


def test_no_two_elements_of_a_page_have_one_name(pages: list[Page]) -> None:
    for page in pages:
        assert len(page.names) == len(set(page.names)), page.path


def test_pages_are_small(site) -> None:
    assert max(path.stat().st_size for path in site.folder.rglob("*.html")) < LARGEST


def test_no_text_of_a_stranger_becomes_markup(pages: list[Page]) -> None:
    seen = "".join(page.text for page in pages)
    assert "<script>alert('x')</script>" in seen
    for page in pages:
        assert not page.scripts.strip(), page.path
        assert not any(name.startswith("on") for _, told in page.elements for name in told), page.path


def test_no_control_character_reaches_a_page(pages: list[Page]) -> None:
    for page in pages:
        assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]", page.path.read_text()), page.path


def test_what_a_stranger_wrote_is_cut_where_it_would_fill_a_page(pages: list[Page]) -> None:
    assert "w" * 60 not in "".join(page.path.read_text() for page in pages if "boards" in str(page.path))


def test_damaged_results_are_listed_and_the_rest_is_there(site, pages: list[Page]) -> None:
    (overview,) = [page for page in pages if page.path.name == "index.html"]
    assert "damaged result.json ('identity'" in overview.text
    damaged = Page(site.page("damaged on grocery-5w5s"))
    assert "has another sha256 than its record tells" in damaged.text


def test_absurd_numbers_are_refused_by_name(site, pages: list[Page]) -> None:
    (overview,) = [page for page in pages if page.path.name == "index.html"]
    assert "damaged result.json ('spent.steps': Input should be less than" in overview.text
    assert "damaged result.json ('spent.peak_memory_mib': Input should be less than" in overview.text
    assert overview.text.count("damaged result.json ('spent.meta_training_s': Input should be a finite") == 2
    board = next(page.text for page in pages if page.path.name.startswith("clinc150"))
    assert "tiny" in board
    assert not any(told in board for told in ("endless", "nowhere", "heavy", "huge"))


def test_the_same_results_give_the_same_bytes_at_any_time(site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    again = dict(site_files(site.contents))
    assert again == {name: (site.folder / name).read_bytes() for name in again}


def test_numbers_sort_as_numbers(site, pages: list[Page]) -> None:
    for page in pages:
        for tag, told in page.elements:
            if tag == "td" and "data-order" in told:
                float(told["data-order"])


def test_leaderboards_are_offered_in_every_installed_format(site) -> None:
    for name in site.contents.board_names:
        assert (site.folder / "boards" / f"{name}.md").read_text().endswith(" methods\n")


def test_a_record_is_offered_as_it_was_sealed(site) -> None:
    for identity, name in site.contents.result_names.items():
        offered = (site.folder / "results" / f"{name}.json").read_bytes()
        assert offered == (site.contents.folders[identity] / "result.json").read_bytes()


def test_without_results_there_is_a_first_page_that_says_so(tmp_path: Path) -> None:
    from metabench.site.contents import read_contents

    files = dict(site_files(read_contents([], ["Result 'x' is damaged."], [], metrics={}, pooled={})))
    assert "0 results" in files["index.html"].decode()
    assert "Result &#39;x&#39; is damaged." in files["index.html"].decode()
