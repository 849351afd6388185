"""Glyphs: the letters, their examples, and the split by script."""

import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from metabench.data.recipe import ClassExamples
from metabench.errors import DataError
from metabench_plugins.datasets import _glyphs_render as render
from metabench_plugins.datasets.glyphs import FACES, GLYPHS, SCRIPTS, font_folder, metabench_datasets

FEW = {"meta_train": ("Latin",), "meta_test": ("Hebrew",)}
SANS = FACES[:2]


@pytest.fixture(scope="module")
def faces() -> list[render.Face]:
    return [render.open_face(font_folder() / file) for file in SANS]


@pytest.fixture(scope="module")
def letters(faces: list[render.Face]) -> list[render.Letter]:
    """The distinct letters of all scripts."""
    return list(render.distinct(render.find_letters(faces, SCRIPTS), faces))


@pytest.fixture(scope="module")
def few() -> list[ClassExamples]:
    """The classes of two scripts in two faces."""
    return list(render.build(font_folder(), SANS, FEW))


def test_the_hook_declares_glyphs() -> None:
    assert metabench_datasets() == [GLYPHS]
    assert GLYPHS.sources == ()


def test_listing_draws_nothing() -> None:
    check = "print({'PIL', 'fontTools', 'matplotlib', 'numpy'} & set(sys.modules))"
    code = f"import sys, metabench_plugins.datasets.glyphs, metabench_plugins.datasets.omniglot; {check}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "set()"


def test_every_split_has_enough_classes(letters: list[render.Letter]) -> None:
    counts = Counter(letter.split for letter in letters)

    assert counts["meta_train"] >= 1000
    assert min(counts["meta_val"], counts["meta_test"]) >= 150


def test_every_script_has_classes(letters: list[render.Letter]) -> None:
    present = {(letter.split, letter.name.split("/")[0]) for letter in letters}

    assert present == {(split, name.replace(" ", "_")) for split, names in SCRIPTS.items() for name in names}


def test_no_script_stands_in_two_splits() -> None:
    scripts = [script for names in SCRIPTS.values() for script in names]

    assert len(scripts) == len(set(scripts)) == 15


def test_classes_are_plain_letters(letters: list[render.Letter]) -> None:
    assert len({letter.name for letter in letters}) == len(letters)
    assert all(unicodedata.category(letter.character)[0] == "L" for letter in letters)
    assert not any(unicodedata.decomposition(letter.character) for letter in letters)


def test_a_name_tells_the_letter(letters: list[render.Letter]) -> None:
    names = {letter.name: letter.character for letter in letters}

    assert names["Cyrillic/capital_letter_zhe"] == "Ж"
    assert names["Canadian_Syllabics/west-cree_pwi"] == "ᐽ"


def test_look_alikes_are_left_out(letters: list[render.Letter]) -> None:
    kept = {letter.character for letter in letters}

    assert "A" in kept
    assert not {"Α", "А"} & kept  # Greek and Cyrillic, drawn like the Latin one
    assert "ן" not in kept  # Hebrew, a bar like the Latin l
    assert {"ط", "ظ"} <= kept  # told apart by a dot


def test_classes_come_sorted(few: list[ClassExamples]) -> None:
    names = [c.name for c in few]

    assert names == sorted(names)
    assert {c.split for c in few} == {"meta_train", "meta_test"}


def test_examples_are_ink_on_nothing(few: list[ClassExamples]) -> None:
    everything = np.stack([c.examples for c in few])

    assert everything.shape[1:] == (20, 1, 28, 28)
    assert everything.dtype == np.uint8
    assert everything.max(axis=(2, 3, 4)).min() > 128
    assert everything.mean() < 80
    assert everything[..., [0, -1], :].mean() < 4  # hardly any letter is cut off


def test_examples_differ(few: list[ClassExamples]) -> None:
    assert all(len(np.unique(c.examples, axis=0)) == 20 for c in few)


def test_building_twice_gives_the_same(few: list[ClassExamples]) -> None:
    again = list(render.build(font_folder(), SANS, {"meta_test": FEW["meta_test"]}))
    before = {c.name: c.examples for c in few}

    assert all(np.array_equal(c.examples, before[c.name]) for c in again if c.name in before)


def test_changes_reach_their_limits_and_no_further() -> None:
    changes = np.stack([render._changes(f"class {i}") for i in range(200)])[..., 0, 0]
    largest = np.array(render._LARGEST)[:, None]

    assert np.all(np.abs(changes) <= largest)
    assert np.all(changes.max(axis=(0, 2)) > 0.99 * largest[:, 0])
    assert np.all(changes.min(axis=(0, 2)) < -0.99 * largest[:, 0])


def test_the_draws_are_the_same_everywhere() -> None:
    assert render._changes("Latin/capital_letter_a")[:, 0, 0, 0].tolist() == [
        10116,
        -3071,
        5541,
        -5907,
        -241498,
        -560221,
    ]


def test_no_change_reaches_beyond_the_canvas() -> None:
    t = render.SIDE * render._SUB
    reach = t * (render._ONE + render._STRETCH + render._SLANT + render._TURN) + render._SHIFT

    assert reach / 2 / render._ONE < render._CANVAS / 2


def test_without_changes_an_example_is_the_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_changes", lambda _name: np.zeros((6, 20, 1, 1), dtype=np.int64))
    canvas = np.zeros((1, 180, 180), dtype=np.uint8)
    canvas[0, 48:51, 90:96] = 255  # the top row of pixels, to the right of the middle

    expected = np.zeros((28, 28), dtype=np.uint8)
    expected[0, 14:16] = 255

    assert np.array_equal(render.vary(canvas, "any")[7, 0], expected)


def test_a_letter_is_drawn_centred_in_the_faces_that_have_it(faces: list[render.Face]) -> None:
    thin, bold = render.draw("Ѭ", faces)  # wider than the frame at the full size

    columns = np.flatnonzero(thin.any(axis=0))
    assert columns[-1] - columns[0] < 72
    assert abs(columns[0] + columns[-1] - 179) <= 1
    assert bold.sum(dtype=int) > thin.sum(dtype=int)
    assert not list(render.draw("\N{HIRAGANA LETTER A}", faces))


def test_blank_glyphs_and_specks_are_no_letters(faces: list[render.Face]) -> None:
    assert not list(render.draw(" ", faces))
    assert not list(render.draw(".", faces))


def test_reports_a_missing_font(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Font 'DejaVuSans\.ttf' cannot be read .*Install matplotlib again"):
        list(render.build(tmp_path, SANS, FEW))


@pytest.mark.parametrize(
    "content", [b"", b"no font", b"\x00\x01\x00\x00" + bytes(40)], ids=["empty", "text", "no tables"]
)
def test_reports_a_damaged_font(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SANS[0]).write_bytes(content)

    with pytest.raises(DataError, match="a TrueType file is expected"):
        list(render.build(tmp_path, SANS, FEW))


def test_reports_a_truncated_font(tmp_path: Path) -> None:
    shutil.copy(font_folder() / SANS[0], tmp_path)
    with (tmp_path / SANS[0]).open("r+b") as font:
        font.truncate(100_000)

    with pytest.raises(DataError, match="a TrueType file is expected"):
        list(render.build(tmp_path, SANS, FEW))


def test_reports_that_matplotlib_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(DataError, match="Install matplotlib"):
        font_folder()
