"""CUB: the published archive in, classes out; and what becomes of other archives."""

import io
import tarfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from metabench.errors import DataError
from metabench_plugins.datasets import cub
from metabench_plugins.datasets._class_split import read_split
from metabench_plugins.datasets.cub import CUB, SPLIT_FILE

ALBATROSS = "001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg"
PATHS = (
    ALBATROSS,
    "001.Black_footed_Albatross/Black_Footed_Albatross_0009_34.jpg",
    "002.Laysan_Albatross/Laysan_Albatross_0002_1027.jpg",
    "004.Groove_billed_Ani/Groove_Billed_Ani_0002_1670.jpg",
)
SPLIT = """{"meta_train": ["001.Black_footed_Albatross"], "meta_val": ["002.Laysan_Albatross"],
    "meta_test": ["004.Groove_billed_Ani"]}"""


def jpeg(grey, size=(500, 335), mode="RGB"):
    buffer = io.BytesIO()
    Image.new("L", size, grey).convert(mode).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def members():
    """The archive's files: each photograph a shade brighter than the one before it."""
    listed = "".join(f"{number} {path}\n" for number, path in enumerate(PATHS, 1))
    return {
        "attributes.txt": b"1 has_bill_shape::curved_(up_or_down)\n",
        "CUB_200_2011/README": b"CUB",
        "CUB_200_2011/bounding_boxes.txt": b"1 60.0 27.0 325.0 304.0\n",
        **{f"CUB_200_2011/images/{path}": jpeg(40 * i) for i, path in enumerate(PATHS, 1)},
        "CUB_200_2011/images/001.Black_footed_Albatross/._Black_Footed_Albatross_0046_18.jpg": b"Mac OS X",
        "CUB_200_2011/images.txt": listed.encode(),
    }


@pytest.fixture
def build(tmp_path):
    def from_members(members, split=SPLIT):
        with tarfile.open(tmp_path / "CUB_200_2011.tgz", "w:gz") as archive:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        (tmp_path / "split.json").write_text(split)
        return list(cub.build({"": tmp_path / "CUB_200_2011.tgz"}, tmp_path / "split.json"))

    return from_members


@pytest.fixture
def refusal(build):
    def of(members, split=SPLIT):
        with pytest.raises(DataError) as caught:
            build(members, split)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return of


def test_the_split_is_complete():
    split = read_split(SPLIT_FILE)

    assert Counter(split.values()) == {"meta_train": 100, "meta_val": 50, "meta_test": 50}
    assert sorted(int(name.partition(".")[0]) for name in split) == list(range(1, 201))


def test_the_hook_declares_cub():
    assert cub.metabench_datasets() == [CUB]
    assert CUB.sources[0].size == 1_150_585_339


def test_photographs_become_classes(build, members):
    classes = build(members)

    assert [(c.name, c.split, c.examples.shape) for c in classes] == [
        ("001.Black_footed_Albatross", "meta_train", (2, 3, 84, 84)),
        ("002.Laysan_Albatross", "meta_val", (1, 3, 84, 84)),
        ("004.Groove_billed_Ani", "meta_test", (1, 3, 84, 84)),
    ]
    # In the order of file names, which is not that of the list.
    assert [int(photograph[0, 42, 42]) for photograph in classes[0].examples] == [80, 40]


def test_the_square_about_the_centre_is_taken(build, members):
    tall = np.zeros((500, 300, 3), dtype=np.uint8)
    tall[100:400] = (200, 100, 50)
    buffer = io.BytesIO()
    Image.fromarray(tall).save(buffer, "JPEG", quality=100, subsampling=0)

    ani = build(members | {f"CUB_200_2011/images/{PATHS[3]}": buffer.getvalue()})[2].examples[0]

    assert ani[:, 10:-10].mean(axis=(1, 2)) == pytest.approx([200, 100, 50], abs=3)
    assert ani[0, [1, -2]].min() > 190


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_photographs_without_three_colours_get_them(build, members, mode):
    ani = build(members | {f"CUB_200_2011/images/{PATHS[3]}": jpeg(200, mode=mode)})[2].examples[0]

    assert ani[:, 42, 42] == pytest.approx([200, 200, 200], abs=3)


def test_reports_a_photograph_that_is_not_there(refusal, members):
    del members[f"CUB_200_2011/images/{ALBATROSS}"]

    assert f"has no photograph {ALBATROSS!r} and lacks 1 in all" in refusal(members)


def test_reports_a_list_that_is_not_there(refusal, members):
    del members["CUB_200_2011/images.txt"]

    assert "'CUB_200_2011.tgz' has no file 'CUB_200_2011/images.txt'" in refusal(members)


@pytest.mark.parametrize("content", [b"", b"no image", jpeg(1)[:300]])
def test_reports_a_bad_photograph(refusal, members, content):
    message = refusal(members | {f"CUB_200_2011/images/{ALBATROSS}": content})

    assert f"Photograph 'CUB_200_2011/images/{ALBATROSS}' cannot be used" in message


def test_reports_other_classes_than_those_of_the_split(refusal, members):
    assert "the class split differ in '009.Raven'" in refusal(
        members, SPLIT.replace("[", '["009.Raven", ', 1)
    )
    assert "the class split differ in '002." in refusal(members, SPLIT.replace('"002.Laysan_Albatross"', ""))


def test_reports_an_archive_that_is_cut_short(build, members, tmp_path):
    build(members)
    whole = (tmp_path / "CUB_200_2011.tgz").read_bytes()
    (tmp_path / "CUB_200_2011.tgz").write_bytes(whole[:-400])

    with pytest.raises(DataError, match=r"Archive 'CUB_200_2011\.tgz' cannot be read"):
        list(cub.build({"": tmp_path / "CUB_200_2011.tgz"}, tmp_path / "split.json"))
