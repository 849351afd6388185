"""The site in a browser, as a person uses it: from files and from a server, with and without scripts."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="chromium and chromedriver are not on the PATH"
)
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
# The table of methods across benchmarks.
ACROSS = "methods-across-1"
TITLES = "thead tr:last-child th"
PHONE, DESKTOP = (320, 640), (1280, 900)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser for all tests."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("profile")
    for switch in (*SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def served(site) -> Iterator[str]:
    """Address of the site on a web server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Tell nobody."""

    handler = functools.partial(Quiet, directory=str(site.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass
class Visit:
    """A person at the site.

    Attributes:
        browser: That is used.
        root: Address of the site.
        folder: Of the site.
    """

    browser: webdriver.Chrome
    root: str
    folder: Path

    def open(self, path: str | Path) -> None:
        within = path if isinstance(path, str) else path.relative_to(self.folder).as_posix()
        self.browser.get(f"{self.root}/{within}")

    def prefer(self, scheme: str, media: str = "") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media=media, features=features)

    def resize(self, size: tuple[int, int]) -> None:
        told = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.command("Emulation.setDeviceMetricsOverride", **told)

    def command(self, name: str, **arguments: object) -> None:
        self.browser.execute_cdp_cmd(name, arguments)

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def column(self, table: str, title: str) -> list[str]:
        """What a table shows in a column, from the top."""
        titles = [one.text for one in self.browser.find_elements(By.CSS_SELECTOR, f"#{table} {TITLES}")]
        place = titles.index(title) + 1
        cells = self.browser.find_elements(By.CSS_SELECTOR, f"#{table} tbody td:nth-child({place})")
        return [one.text for one in cells]

    def header(self, table: str, title: str) -> WebElement:
        found = self.browser.find_elements(By.CSS_SELECTOR, f"#{table} {TITLES}")
        return next(one for one in found if one.text == title)

    def sort(self, header: WebElement) -> None:
        """Click on a heading; the widget sorts a moment later."""
        before = header.get_attribute("aria-sort")
        header.click()
        self.wait_for_order(header, before)

    def wait_for_order(self, header: WebElement, before: str | None = None) -> None:
        WebDriverWait(self.browser, 10).until(lambda _: header.get_attribute("aria-sort") != before)

    def paper(self) -> str:
        return self.browser.execute_script(
            "return getComputedStyle(document.documentElement).backgroundColor"
        )

    def requests(self) -> set[str]:
        """Addresses that pages asked for since this was asked last."""
        messages = [json.loads(one["message"])["message"] for one in self.browser.get_log("performance")]
        sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return {one["request"]["url"] for one in sent}


def _visit(browser: webdriver.Chrome, root: str, folder: Path) -> Iterator[Visit]:
    visit = Visit(browser, root, folder)
    visit.open("index.html")
    browser.execute_script("localStorage.clear()")
    visit.resize(DESKTOP)
    visit.prefer("light")
    browser.get_log("browser")
    visit.requests()
    yield visit
    assert browser.get_log("browser") == []
    assert {one for one in visit.requests() if not one.startswith((f"{root}/", "data:"))} == set()


@pytest.fixture(params=["files", "server"])
def visit(chromium: webdriver.Chrome, site, served: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A visit that ends well: nothing in the console, no request to anywhere else."""
    root = site.folder.as_uri() if request.param == "files" else served
    yield from _visit(chromium, root, site.folder)


@pytest.fixture
def from_files(chromium: webdriver.Chrome, site) -> Iterator[Visit]:
    """Likewise, from files alone."""
    yield from _visit(chromium, site.folder.as_uri(), site.folder)


@pytest.fixture
def board(site) -> str:
    """A leaderboard with more than nine places."""
    return next(
        f"boards/{name}.html" for name in site.contents.board_names if name.startswith("omniglot-5w1s-300s")
    )


def kinds_of_pages(site, board: str) -> list[str]:
    told = [site.page("maml on clinc150-5w1s", seed=1), site.page("mann on clinc150-5w1s"), site.hostile_page]
    return ["index.html", board, *(path.relative_to(site.folder).as_posix() for path in told)]


def test_every_kind_of_page_opens(visit: Visit, site, board: str) -> None:
    for path in kinds_of_pages(site, board):
        visit.open(path)
        assert visit.find("h1").text


def test_tables_sort_by_numbers_in_both_directions(visit: Visit, board: str) -> None:
    visit.open(board)
    first = visit.column("methods", "rank")
    assert first[0] == "1–2"
    assert first[-1] == "14"

    visit.sort(visit.header("methods", "rank"))
    assert visit.column("methods", "rank") == first
    assert visit.header("methods", "rank").get_attribute("aria-sort") == "ascending"
    visit.sort(visit.header("methods", "rank"))
    assert visit.column("methods", "rank") == [*reversed(first[2:]), "1–2", "1–2"]

    visit.sort(visit.header("methods", "negative log-likelihood"))
    told = [one for one in visit.column("methods", "negative log-likelihood") if one != "–"]
    assert [float(one) for one in told] == sorted(map(float, told))


def test_amounts_sort_by_what_they_are_not_by_how_they_are_written(from_files: Visit, site) -> None:
    from_files.open(
        next(f"boards/{name}.html" for name in site.contents.board_names if name.startswith("clinc"))
    )
    from_files.sort(from_files.header("costs", "peak memory"))
    told = from_files.column("costs", "peak memory")
    assert told[-1] == "1.00e+17 MiB"
    amounts = [int(one.removesuffix(" MiB")) for one in told[:-1]]
    assert amounts == sorted(amounts)


def test_a_filter_leaves_the_rows_that_match(visit: Visit, board: str) -> None:
    visit.open(board)
    entry = visit.find("#methods_wrapper input[type=search]")
    entry.send_keys("maml")
    assert visit.column("methods", "algorithm") == ["maml (steps=10)", "maml (steps=5)"]
    assert visit.find("#methods_info").text == "1–2 of 2 (of 14)"

    entry.send_keys(" no such thing")
    assert visit.find("#methods tbody").text == "Nothing matches the filter."
    entry.clear()
    entry.send_keys("timeout")
    assert visit.column("methods", "algorithm") == ["snail"]


def test_a_result_is_two_clicks_away_and_leads_back(visit: Visit) -> None:
    visit.browser.find_element(By.LINK_TEXT, "grocery-5w5s").click()
    assert visit.find("h1").text == "grocery-5w5s"
    visit.find("#methods").find_element(By.LINK_TEXT, "feat").click()
    assert visit.find("h1").text == "feat on grocery-5w5s"
    assert visit.find("pre.command").text.startswith("metabench evaluate feat --benchmark grocery-5w5s")
    visit.find(".crumb a").click()
    assert visit.find("h1").text == "grocery-5w5s"


def test_methods_across_benchmarks_sort_by_rank_and_by_each_score(visit: Visit) -> None:
    assert visit.browser.find_elements(By.CSS_SELECTOR, f"#{ACROSS} .above .dt-column-order") == []
    best = visit.column(ACROSS, "method")
    assert best[:2] == ["feat", "protonet"]
    visit.sort(visit.header(ACROSS, "average rank"))
    visit.sort(visit.header(ACROSS, "average rank"))
    ranks = [one for one in visit.column(ACROSS, "average rank") if one != "–"]
    assert ranks == sorted(ranks, key=float, reverse=True)

    visit.sort(visit.browser.find_elements(By.CSS_SELECTOR, f"#{ACROSS} {TITLES}")[-1])
    cells = visit.browser.find_elements(By.CSS_SELECTOR, f"#{ACROSS} tbody td:last-child")
    told = [one.text for one in cells if one.text != "–"]
    assert len(told) > 10
    assert told == sorted(told, key=float)


def test_a_benchmark_leads_to_its_leaderboard_by_mouse_and_by_keyboard(visit: Visit) -> None:
    for follow in (lambda link: link.click(), lambda link: link.send_keys(Keys.ENTER)):
        visit.open("index.html")
        follow(visit.find(f"#{ACROSS} thead").find_element(By.LINK_TEXT, "grocery-5w5s"))
        assert visit.find("h1").text == "grocery-5w5s"
        assert "Budget: 300 s" in visit.find(".rules").text


def test_what_was_summed_up_is_a_click_away_from_the_top(visit: Visit) -> None:
    visit.browser.find_element(By.PARTIAL_LINK_TEXT, "Across 4 benchmarks").click()
    top = "return document.querySelector('#across-1 h2').getBoundingClientRect().top"
    assert 0 <= visit.browser.execute_script(top) < DESKTOP[1] / 2


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_each_line_of_average_ranks_stands_beside_its_name(from_files: Visit, size: tuple[int, int]) -> None:
    from_files.resize(size)
    middles = """
        const middle = one => (box => (box.top + box.bottom) / 2)(one.getBoundingClientRect());
        return [".names span", ".axis circle, .axis line:not(.grid)"].map(
            all => [...document.querySelectorAll(`.ranks ${all}`)].map(middle))
    """
    names, lines = from_files.browser.execute_script(middles)
    assert len(lines) > 10
    assert names[1:] == pytest.approx(lines, abs=1.5)
    within = """
        const box = document.querySelector(".ranks").getBoundingClientRect();
        return [...document.querySelectorAll(".ranks circle, .ranks text")].every(
            one => one.getBoundingClientRect().right <= box.right)
    """
    assert from_files.browser.execute_script(within)


def test_average_ranks_and_profiles_follow_the_theme(from_files: Visit) -> None:
    colours = """
        return [[".ranks circle", "fill"], [".ranks .group", "stroke"], [".ranks .critical", "stroke"],
                [".across .plot > svg text", "fill"]].map(
            ([one, part]) => getComputedStyle(document.querySelector(one))[part])
    """
    light = from_files.browser.execute_script(colours)
    from_files.find("#theme").click()
    dark = from_files.browser.execute_script(colours)
    assert all(one != other for one, other in zip(light, dark, strict=True))


def test_the_profile_is_there_in_numbers(from_files: Visit) -> None:
    table = from_files.find("#profile-1-table")
    assert not table.is_displayed()
    from_files.find(".across details summary").click()
    assert table.is_displayed()
    assert table.find_element(By.CSS_SELECTOR, "tbody td").text == "feat"


def test_on_a_phone_the_names_of_methods_stay_beside_their_scores(from_files: Visit) -> None:
    from_files.resize(PHONE)
    from_files.open("index.html")
    scrolled = f"""
        const table = document.querySelector("#{ACROSS}"), area = table.closest(".dt-layout-table");
        area.scrollLeft = area.scrollWidth;
        const left = one => one.getBoundingClientRect().left;
        return [area.scrollLeft, left(area), left(table.querySelector("td.name"))]
    """
    moved, area, name = from_files.browser.execute_script(scrolled)
    assert moved > 0
    assert name == pytest.approx(area, abs=1)


def test_the_theme_is_the_systems_until_another_is_chosen_and_remembered(visit: Visit, board: str) -> None:
    light = visit.paper()
    visit.prefer("dark")
    dark = visit.paper()
    assert dark != light
    WebDriverWait(visit.browser, 10).until(lambda _: visit.find("#theme").text == "Light theme")

    visit.find("#theme").click()
    assert visit.paper() == light
    visit.open(board)
    assert visit.paper() == light
    assert visit.find("#theme").text == "Dark theme"
    visit.find("#theme").click()
    assert visit.paper() == dark


def test_where_storage_is_not_allowed_the_theme_still_changes(from_files: Visit) -> None:
    throwing = "{get() { throw new DOMException('no', 'SecurityError') }}"
    forbid = f"Object.defineProperty(window, 'localStorage', {throwing})"
    told = from_files.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": forbid})
    from_files.open("index.html")
    light = from_files.paper()
    from_files.find("#theme").click()
    assert from_files.paper() != light
    from_files.command("Page.removeScriptToEvaluateOnNewDocument", identifier=told["identifier"])


def test_plots_follow_the_theme(from_files: Visit, board: str) -> None:
    ink = "return getComputedStyle(document.querySelector('.plot svg text')).fill"
    from_files.open(board)
    light = from_files.browser.execute_script(ink)
    from_files.find("#theme").click()
    assert from_files.browser.execute_script(ink) != light


def test_a_phone_never_scrolls_a_page_sideways(from_files: Visit, site, board: str) -> None:
    from_files.resize(PHONE)
    for path in kinds_of_pages(site, board):
        from_files.open(path)
        widths = from_files.browser.execute_script(
            "return [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
        )
        assert widths == [PHONE[0]] * 3, path
    from_files.open(board)
    inside = (
        "const t = document.querySelector('#methods').parentElement; return t.scrollWidth > t.clientWidth"
    )
    assert from_files.browser.execute_script(inside)


def test_the_keyboard_reaches_everything(from_files: Visit, board: str) -> None:
    def press(*keys: str) -> WebElement:
        webdriver.ActionChains(from_files.browser).send_keys(*keys).perform()
        return from_files.browser.switch_to.active_element

    from_files.open(board)
    assert press(Keys.TAB).text == "Skip to the content"
    assert press(Keys.ENTER).get_attribute("id") == "content"
    reached = []
    while not (reached and reached[-1].get_attribute("aria-controls") == "methods"):
        reached.append(press(Keys.TAB))
        assert len(reached) < 10
    for title in ("rank", "group", "algorithm"):
        press(Keys.TAB)
        press(Keys.ENTER)
        from_files.wait_for_order(from_files.header("methods", title))
    names = from_files.column("methods", "algorithm")
    plain = [one for one in names if one.isalpha()]
    assert len(plain) > 5
    assert plain == sorted(plain)
    while from_files.browser.switch_to.active_element.text != names[0]:
        press(Keys.TAB)
    press(Keys.ENTER)
    assert "on omniglot-5w1s" in from_files.find("h1").text


def test_without_scripts_all_can_be_read_in_either_theme(from_files: Visit, board: str) -> None:
    from_files.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        from_files.open(board)
        assert len(from_files.column("methods", "algorithm")) == 14
        assert not from_files.find("#theme").is_displayed()
        light = from_files.find("html").value_of_css_property("background-color")
        from_files.prefer("dark")
        assert from_files.find("html").value_of_css_property("background-color") != light
    finally:
        from_files.command("Emulation.setScriptExecutionDisabled", value=False)


def test_a_hostile_name_is_shown_and_does_nothing(from_files: Visit, site) -> None:
    from_files.open(site.hostile_page)
    assert from_files.find("h1").text.startswith(
        "<script>alert('x')</script>\\x1b[31m\\u202e on omniglot-5w1s"
    )
    n_scripts = "return [...document.scripts].filter(one => !one.src).length"
    assert from_files.browser.execute_script(n_scripts) == 0


def test_print_leaves_out_what_only_a_screen_needs(from_files: Visit, board: str) -> None:
    from_files.prefer("dark", media="print")
    from_files.open(board)
    assert not from_files.find("#theme").is_displayed()
    assert from_files.find("#methods").is_displayed()
    from_files.prefer("light")


# The site of what the repository publishes


@pytest.fixture
def of_published(chromium: webdriver.Chrome, published) -> Iterator[Visit]:
    """A visit to the site of published results that ends well."""
    yield from _visit(chromium, published.folder.as_uri(), published.folder)


def test_every_page_of_what_is_published_opens_on_a_phone_and_a_desktop(of_published: Visit) -> None:
    pages = sorted(of_published.folder.rglob("*.html"))
    assert len(pages) > 30
    for size in (PHONE, DESKTOP):
        of_published.resize(size)
        for page in pages:
            of_published.open(page)
            width = of_published.browser.execute_script("return document.documentElement.scrollWidth")
            assert (bool(of_published.find("h1").text), width) == (True, size[0]), page


def test_published_boards_sort_filter_and_lead_to_results(of_published: Visit, published) -> None:
    for name, board in zip(published.contents.board_names, published.contents.boards, strict=True):
        of_published.open(f"boards/{name}.html")
        algorithms = [row.algorithm for row in board.rows]
        assert of_published.column("methods", "algorithm") == algorithms
        for _ in range(2):
            of_published.sort(of_published.header("methods", "algorithm"))
        assert of_published.column("methods", "algorithm") == sorted(algorithms, reverse=True)
        of_published.find("#methods_wrapper input[type=search]").send_keys("protonet")
        assert of_published.column("methods", "algorithm") == ["protonet"]

        of_published.find("#methods").find_element(By.LINK_TEXT, "protonet").click()
        assert of_published.find("h1").text == f"protonet on {board.track.benchmark.name}"
        light = of_published.paper()
        of_published.find("#theme").click()
        assert of_published.paper() != light
        of_published.browser.execute_script("localStorage.clear()")
