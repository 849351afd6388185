"""What pages are made with: readable colours, licences, nothing that is not used."""

import itertools
import re
from pathlib import Path

import pytest

from metabench.site import render

FOLDER = Path(render.__file__).parent
STYLES = (FOLDER / "assets" / "site.css").read_text()
# WCAG 2.2, success criteria 1.4.3 and 1.4.11.
TEXT, GRAPHICS = 4.5, 3.0


def palette(theme: int) -> dict[str, str]:
    return {
        name: colours[theme]
        for name, *colours in re.findall(r"--([a-z0-9-]+): light-dark\((#\w{6}), (#\w{6})\)", STYLES)
    }


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        *itertools.product(["ink", "quiet", "link", "good", "bad"], ["paper", "raised"]),
        ("good", "good-paper"),
        ("bad", "bad-paper"),
        ("link", "good-paper"),
    ],
)
def test_text_can_be_read_in_both_themes(theme: int, ink: str, paper: str) -> None:
    told = palette(theme)
    assert contrast(told[ink], told[paper]) >= TEXT


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("number", range(9))
def test_lines_of_plots_can_be_seen_in_both_themes(theme: int, number: int) -> None:
    told = palette(theme)
    assert contrast(told[f"series-{number}"], told["paper"]) >= GRAPHICS


def test_every_colour_is_of_the_palette() -> None:
    outside = re.sub(r"light-dark\([^)]*\)", "", STYLES)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b", outside)


def test_each_vendored_package_has_its_licence_and_is_used() -> None:
    page = (FOLDER / "templates" / "page.html").read_text()
    packages = [one for one in (FOLDER / "assets" / "vendor").iterdir() if one.is_dir()]
    assert len(packages) == 3
    for package in packages:
        names = [one.name for one in package.iterdir()]
        assert [name for name in names if name.lower().startswith("license")]
        assert all(
            f"{package.name}/{name}" in page for name in names if not name.lower().startswith("license")
        )


def test_all_assets_are_files_of_the_site() -> None:
    told = dict(render.assets())
    assert told["assets/site.css"].decode() == STYLES
    assert len(told) == sum(one.is_file() for one in (FOLDER / "assets").rglob("*"))
    assert list(told) == sorted(told)
