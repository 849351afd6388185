"""Omniglot: archives in, classes out; and what becomes of bad archives."""

import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metabench.data.recipe import ClassExamples
from metabench.errors import DataError
from metabench_plugins.datasets import _omniglot_images as images
from metabench_plugins.datasets.omniglot import OMNIGLOT, SPLIT_FILE, metabench_datasets

SPLIT = '{"meta_train": {"Latin": [1]}, "meta_val": {"Early_Aramaic": [22]}, "meta_test": {"Latin": [2]}}'
PLACES = (
    "background/Latin/character01",
    "background/Latin/character02",
    "evaluation/Early_Aramaic/character22",
)


def png(ink: np.ndarray | None = None, side: int = 105) -> bytes:
    """A published drawing: black ink on white, one bit per pixel."""
    paper = np.ones((side, side), dtype=bool) if ink is None else ~ink
    buffer = io.BytesIO()
    Image.fromarray(paper).save(buffer, "PNG")
    return buffer.getvalue()


def drawing(example: int) -> np.ndarray:
    """Ink in the upper left corner, the larger the later the example."""
    ink = np.zeros((105, 105), dtype=bool)
    ink[: 15 + example, :30] = True
    return ink


def members() -> dict[str, bytes]:
    return {
        f"images_{place}/0{code}_{example + 1:02d}.png": png(drawing(example))
        for code, place in enumerate(PLACES, 100)
        for example in range(20)
    }


def build(folder: Path, files: dict[str, bytes]) -> list[ClassExamples]:
    """Build from archives with these files, in a shuffled order as a mirror may pack them."""
    for part in ("background", "evaluation"):
        with zipfile.ZipFile(folder / f"images_{part}.zip", "w") as archive:
            for name in reversed([name for name in files if name.startswith(f"images_{part}/")]):
                archive.writestr(name, files[name])
    (folder / "split.json").write_text(SPLIT)
    return list(images.build(sorted(folder.glob("*.zip")), folder / "split.json"))


def refusal(folder: Path, files: dict[str, bytes]) -> str:
    with pytest.raises(DataError) as caught:
        build(folder, files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_split_is_complete() -> None:
    split = images.read_split(SPLIT_FILE)

    assert Counter(split.values()) == {"meta_train": 1028, "meta_val": 172, "meta_test": 423}
    assert len({character.split("/")[0] for character in split}) == 50
    assert split["Gurmukhi/character41"] == "meta_train"
    assert split["Gurmukhi/character42"] == "meta_test"


def test_the_hook_declares_omniglot() -> None:
    assert metabench_datasets() == [OMNIGLOT]
    assert [source.path for source in OMNIGLOT.sources] == [
        "omniglot/images_background.zip",
        "omniglot/images_evaluation.zip",
    ]


def test_classes_come_sorted_with_their_split(tmp_path: Path) -> None:
    classes = build(tmp_path, members())

    assert [(c.name, c.split) for c in classes[::4]] == [
        ("Early_Aramaic/character22/rot000", "meta_val"),
        ("Latin/character01/rot000", "meta_train"),
        ("Latin/character02/rot000", "meta_test"),
    ]
    names = [c.name for c in classes]
    assert names == sorted(names)
    assert {c.examples.shape for c in classes} == {(20, 1, 28, 28)}
    assert {c.examples.dtype for c in classes} == {np.dtype(np.uint8)}


def test_drawings_keep_the_order_of_their_names(tmp_path: Path) -> None:
    ink = build(tmp_path, members())[0].examples.sum(axis=(1, 2, 3), dtype=int)

    assert np.all(np.diff(ink) > 0)


def test_a_class_is_turned_to_the_left(tmp_path: Path) -> None:
    upright, left, under, right = (c.examples[0, 0] for c in build(tmp_path, members())[:4])

    assert upright[:4, :8].min() == 255
    assert upright.sum(dtype=int) == 255 * 4 * 8
    assert left[-8:, :4].min() == 255
    assert under[-4:, -8:].min() == 255
    assert right[:8, -4:].min() == 255


def test_shrinking_averages_over_areas() -> None:
    ink = np.zeros((2, 105, 105), dtype=bool)
    ink[0] = True
    ink[1, 3, 0] = True  # three quarters of its height in the first row of pixels, one quarter in the second

    full, dot = images.shrink(ink)[:, 0]

    assert full.min() == 255
    assert dot[0, 0] == round(255 * 3 * 4 / 225)
    assert dot[1, 0] == round(255 * 1 * 4 / 225)
    assert np.count_nonzero(dot) == 2


def test_other_files_in_the_archive_do_not_matter(tmp_path: Path) -> None:
    extra = {"images_background/._0100_01.png": b"junk", "images_background/README": b"text"}

    assert len(build(tmp_path, members() | extra)) == 12


def test_reports_a_missing_drawing(tmp_path: Path) -> None:
    files = members()
    del files["images_background/Latin/character01/0100_07.png"]

    assert "'Latin/character01' has 19 drawings; 20 are expected" in refusal(tmp_path, files)


def test_reports_a_missing_class(tmp_path: Path) -> None:
    files = {name: content for name, content in members().items() if "Aramaic" not in name}

    assert "'Early_Aramaic/character22' has 0 drawings" in refusal(tmp_path, files)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no image", "(cannot identify image file)"),
        (b"", "(cannot identify image file)"),
        (png()[:60], "cannot be used"),
        (png(side=104), "(104x104 pixels)"),
    ],
)
def test_reports_a_bad_drawing(tmp_path: Path, content: bytes, reason: str) -> None:
    name = "images_evaluation/Early_Aramaic/character22/0102_20.png"
    message = refusal(tmp_path, members() | {name: content})

    assert repr(name) in message
    assert reason in message


def test_refuses_a_drawing_of_absurd_size(tmp_path: Path) -> None:
    name = "images_evaluation/Early_Aramaic/character22/0102_20.png"

    assert "at most 65536" in refusal(tmp_path, members() | {name: bytes(70_000)})


def test_reports_a_damaged_archive(tmp_path: Path) -> None:
    (tmp_path / "images.zip").write_bytes(b"<html>404</html>")

    with pytest.raises(DataError, match=r"Archive 'images\.zip' cannot be read"):
        list(images.build([tmp_path / "images.zip"], SPLIT_FILE))


@pytest.mark.mirror
def test_the_published_drawings(mirror: Path) -> None:
    classes = list(OMNIGLOT.build({source.path: mirror / source.path for source in OMNIGLOT.sources}))

    assert Counter(c.split for c in classes) == {"meta_train": 4112, "meta_val": 688, "meta_test": 1692}
    assert len({c.name for c in classes}) == len(classes)
    assert {c.examples.shape for c in classes} == {(20, 1, 28, 28)}
    assert min(c.examples.max(axis=(1, 2, 3)).min() for c in classes) > 64
    twice = next(c for c in classes if c.name == "Braille/character01/rot000")
    assert len(np.unique(twice.examples, axis=0)) == 19
