"""The store: each dataset is built once, whole or not at all."""

import json
import re
import subprocess
import sys
import weakref
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from metabench.data import writer
from metabench.data.places import Places
from metabench.data.recipe import SPLITS, ClassExamples, Recipe, Source, Split
from metabench.data.store import INDEX, open_dataset
from metabench.data.texts import Texts
from metabench.errors import DataError, DataUnavailableError
from metabench_plugins.datasets.glyphs import GLYPHS
from metabench_plugins.datasets.omniglot import OMNIGLOT


def one_class(name: str, split: Split, *, size: int = 3, side: int = 2) -> ClassExamples:
    """A class whose examples tell its name and their number."""
    examples = np.full((size, 1, side, side), ord(name[:1] or "?"), dtype=np.uint8)
    examples[:, 0, 0, 0] = np.arange(size)
    return ClassExamples(name, split, examples)


CLASSES = (
    one_class("a", "meta_train"),
    one_class("b", "meta_train", size=5),
    one_class("c", "meta_val"),
    one_class("d", "meta_test"),
    one_class("e", "meta_test", size=4),
)


class Builder:
    """Gives classes, and counts how often it is asked."""

    def __init__(self, *classes: ClassExamples) -> None:
        self.classes = classes
        self.n_calls = 0

    def __call__(self, _files: Mapping[str, Path]) -> Iterator[ClassExamples]:
        self.n_calls += 1
        yield from self.classes


def recipe_of(*classes: ClassExamples) -> Recipe:
    return Recipe("drawings", "", "image", "conv4", "", "", (), None, Builder(*classes))


def breaks(_files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    yield CLASSES[0]
    raise ZeroDivisionError("a defect of the recipe")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("METABENCH_HOME", str(tmp_path / "home"))
    return Places(tmp_path / "home", None)


def folders(places: Places) -> list[Path]:
    """All folders in the store, hidden ones too."""
    return [entry for entry in places.store.iterdir() if entry.is_dir()]


def test_a_dataset_comes_out_as_it_was_built(places: Places) -> None:
    dataset = open_dataset(recipe_of(*CLASSES), places)

    assert (dataset.name, dataset.modality, dataset.example_shape) == ("drawings", "image", (1, 2, 2))
    assert {split: pool.class_names for split, pool in dataset.pools.items()} == {
        "meta_train": ("a", "b"),
        "meta_val": ("c",),
        "meta_test": ("d", "e"),
    }
    train = dataset.pools["meta_train"]
    assert train.starts.tolist() == [0, 3, 8]
    assert np.array_equal(train.examples[3:8], CLASSES[1].examples)


def test_examples_are_mapped_and_cannot_be_changed(places: Places) -> None:
    pool = open_dataset(recipe_of(*CLASSES), places).pools["meta_test"]

    assert isinstance(pool.examples, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        pool.examples[0] = 0


def test_a_dataset_is_built_once(places: Places) -> None:
    recipe = recipe_of(*CLASSES)
    first, second = open_dataset(recipe, places), open_dataset(recipe, places)

    assert recipe.build.n_calls == 1  # type: ignore[attr-defined]
    assert first.content_hash == second.content_hash
    assert len(folders(places)) == 1


def test_the_order_of_building_does_not_matter(tmp_path: Path) -> None:
    one = open_dataset(recipe_of(*CLASSES), Places(tmp_path / "1", None))
    other = open_dataset(recipe_of(*reversed(CLASSES)), Places(tmp_path / "2", None))

    assert one.content_hash == other.content_hash
    assert one.split_hash == other.split_hash
    for split in SPLITS:
        assert one.pools[split].class_names == other.pools[split].class_names
        assert np.array_equal(one.pools[split].examples, other.pools[split].examples)


def test_another_split_is_the_same_content(tmp_path: Path) -> None:
    moved = [replace(one, split="meta_train") if one.name == "e" else one for one in CLASSES]
    before = open_dataset(recipe_of(*CLASSES), Places(tmp_path / "1", None))
    after = open_dataset(recipe_of(*moved), Places(tmp_path / "2", None))

    assert before.content_hash == after.content_hash
    assert before.split_hash != after.split_hash


def test_content_is_compared_with_what_the_recipe_declares(places: Places) -> None:
    recipe = recipe_of(*CLASSES)
    undeclared = open_dataset(recipe, places)
    same = open_dataset(replace(recipe, content_hash=undeclared.content_hash), places)
    other = open_dataset(replace(recipe, content_hash="0" * 64), places)

    assert [one.expected_content for one in (undeclared, same, other)] == [True, True, False]
    assert other.content_hash == undeclared.content_hash


def test_a_crash_while_building_leaves_nothing(places: Places) -> None:
    recipe = recipe_of(*CLASSES)

    with pytest.raises(ZeroDivisionError):
        open_dataset(replace(recipe, build=breaks), places)

    assert folders(places) == []
    assert open_dataset(recipe, places).pools["meta_val"].class_names == ("c",)


def test_a_crash_while_writing_leaves_nothing(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "_describe", full)

    with pytest.raises(DataError, match=r"Store .* cannot be written .*No space left.*METABENCH_HOME"):
        open_dataset(recipe_of(*CLASSES), places)

    assert folders(places) == []


def test_what_a_dead_process_left_is_cleaned(places: Places) -> None:
    recipe = recipe_of(*CLASSES)
    open_dataset(recipe, places)
    (built,) = folders(places)
    left = built.rename(places.store / f".{built.name}.part")
    (left / "junk").write_text("half-made")

    open_dataset(recipe, places)

    assert folders(places) == [built]
    assert not (built / "junk").exists()


def test_a_folder_without_its_index_is_built_anew(places: Places) -> None:
    recipe = recipe_of(*CLASSES)
    open_dataset(recipe, places)
    (built,) = folders(places)
    (built / INDEX).unlink()

    assert open_dataset(recipe, places).pools["meta_val"].class_names == ("c",)


def one_of_texts(name: str, split: Split, *texts: str) -> ClassExamples:
    return ClassExamples(name, split, texts)


TEXTS = (
    one_of_texts("thanks", "meta_train", "thank you", "Grüße und Dank", "谢谢"),
    one_of_texts("bye", "meta_train", "see you"),
    one_of_texts("hello", "meta_val", "hi", "hello there"),
    one_of_texts("weather", "meta_test", "is it raining?"),
)


def texts_of(*classes: ClassExamples) -> Recipe:
    return replace(recipe_of(*classes), name="sentences", modality="text")


def test_texts_come_out_as_they_were_built(places: Places) -> None:
    dataset = open_dataset(texts_of(*TEXTS), places)
    train = dataset.pools["meta_train"]

    assert (dataset.modality, dataset.example_shape) == ("text", ())
    assert train.class_names == ("bye", "thanks")
    assert train.starts.tolist() == [0, 1, 4]
    assert isinstance(train.examples, Texts)
    assert list(train.examples) == ["see you", *TEXTS[0].examples]
    assert isinstance(train.examples.data, np.memmap)
    assert isinstance(train.examples.offsets, np.memmap)


def test_the_order_of_building_texts_does_not_matter(tmp_path: Path) -> None:
    one = open_dataset(texts_of(*TEXTS), Places(tmp_path / "1", None))
    other = open_dataset(texts_of(*reversed(TEXTS)), Places(tmp_path / "2", None))

    assert one.content_hash == other.content_hash
    assert list(one.pools["meta_train"].examples) == list(other.pools["meta_train"].examples)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (one_of_texts("f", "meta_val"), "has no text in class 'f'; expected a tuple of texts"),
        (one_of_texts("f", "meta_val", "x", ""), "has '' as number 1 of class 'f'; expected a text"),
        (one_of_texts("f", "meta_val", " \t\n"), r"has ' \\t\\n' as number 0 .* that is not blank"),
        (one_of_texts("f", "meta_val", "x\ud800"), r"has 'x\\ud800' as number 0 .* a text in Unicode"),
        (one_of_texts("f", "meta_val", b"x"), "has b'x' as number 0"),  # type: ignore[arg-type]
        (one_of_texts("f\ud800", "meta_val", "x"), "has a class named"),
        (one_class("f", "meta_val"), "has a ndarray in class 'f'; expected a tuple of texts"),
    ],
    ids=["none", "empty", "blank", "half a pair", "bytes", "name", "images"],
)
def test_refuses_classes_that_make_no_dataset_of_texts(
    places: Places, wrong: ClassExamples, reason: str
) -> None:
    with pytest.raises(DataError, match=rf"Dataset 'sentences' .*{reason}.*Mend its recipe"):
        open_dataset(texts_of(*TEXTS, wrong), places)

    assert folders(places) == []


@pytest.mark.parametrize("file", ["meta_test.bin", "meta_test.offsets.npy"])
@pytest.mark.parametrize("kept", [0, 5, -1])
def test_reports_texts_that_are_cut_short(places: Places, file: str, kept: int) -> None:
    open_dataset(texts_of(*TEXTS), places)
    (built,) = folders(places)
    (built / file).write_bytes((built / file).read_bytes()[:kept])

    with pytest.raises(DataError, match=r"\ADataset 'sentences' in [^\n]* is damaged [^\n]*\Z"):
        open_dataset(texts_of(*TEXTS), places)


def test_an_example_in_two_splits_is_recorded(places: Places) -> None:
    clean = open_dataset(recipe_of(*CLASSES), places)
    mixed = replace(CLASSES[3], examples=np.concatenate([CLASSES[3].examples, CLASSES[1].examples[2:4]]))
    leaking = replace(recipe_of(*CLASSES[:3], mixed, CLASSES[4]), name="leaking")

    assert clean.duplicates == ()
    assert open_dataset(leaking, places).duplicates == (
        "meta_test 'd' number 3 = meta_train 'b' number 2",
        "meta_test 'd' number 4 = meta_train 'b' number 3",
    )


def test_a_text_in_two_splits_is_recorded(places: Places) -> None:
    leaking = texts_of(*TEXTS, one_of_texts("farewell", "meta_test", "bye", "see you"))

    assert open_dataset(leaking, places).duplicates == (
        "meta_test 'farewell' number 1 = meta_train 'bye' number 0",
    )


def test_no_more_than_one_class_is_in_memory(places: Places) -> None:
    alive: list[weakref.ref[object]] = []
    most = 0

    def make(number: int) -> ClassExamples:
        examples = np.full((2, 1, 2, 2), number, dtype=np.uint8)
        alive.append(weakref.ref(examples))
        return ClassExamples(f"{99 - number}", SPLITS[number % 3], examples)

    def build(_files: Mapping[str, Path]) -> Iterator[ClassExamples]:
        nonlocal most
        for number in range(50):
            yield make(number)
            most = max(most, sum(one() is not None for one in alive))

    dataset = open_dataset(replace(recipe_of(), build=build), places)

    assert most == 0
    assert sum(len(pool.class_names) for pool in dataset.pools.values()) == 50


TOO_LARGE = """
import resource, sys
from pathlib import Path
import numpy as np
from metabench.data.places import Places
from metabench.data.recipe import SPLITS, ClassExamples, Recipe
from metabench.data.store import open_dataset

kind, bound = getattr(resource, sys.argv[2]), int(sys.argv[3])

def build(_files):
    for number in range(60):
        examples = np.full((16, 1, 512, 512), number, np.uint8)
        yield ClassExamples(f"{99 - number}", SPLITS[number % 3], examples)

in_use = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
resource.setrlimit(kind, (in_use + bound if kind == resource.RLIMIT_DATA else bound,) * 2)
recipe = Recipe("drawings", "", "image", "conv4", "", "", (), None, build)
try:
    print(len(open_dataset(recipe, Places(Path(sys.argv[1]), None)).pools["meta_test"].examples))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def build_240_mib(places: Places) -> Callable[[str, int], str]:
    """Builds 240 MiB of examples under a limit of the process, and says how many there were in meta_test."""

    def run(limit: str, n_bytes: int) -> str:
        command = [sys.executable, "-c", TOO_LARGE, str(places.home), limit, str(n_bytes)]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    return run


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of Linux")
def test_a_dataset_larger_than_memory_can_be_built(build_240_mib: Callable[[str, int], str]) -> None:
    assert build_240_mib("RLIMIT_DATA", 60 * 2**20) == "320"


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of Linux")
def test_a_full_disk_leaves_nothing(build_240_mib: Callable[[str, int], str], places: Places) -> None:
    said = build_240_mib("RLIMIT_FSIZE", 30 * 2**20)

    assert re.fullmatch(r"DataError Store '.*' cannot be written \(.*File too large.*METABENCH_HOME\.", said)
    assert folders(places) == []


TWO_AT_ONCE = """
import sys, time
from pathlib import Path
import numpy as np
from metabench.data import writer
from metabench.data.places import Places
from metabench.data.recipe import SPLITS, ClassExamples, Recipe
from metabench.data.store import open_dataset

home, me = Path(sys.argv[1]), sys.argv[2]

def build(_files):
    with (home / "builds").open("a") as log:
        log.write(me)
    for split in SPLITS:
        yield ClassExamples(split, split, np.zeros((2, 1, 2, 2), np.uint8))

(home / f"ready{me}").touch()
while len(list(home.glob("ready*"))) < 2:
    time.sleep(0.001)
recipe = Recipe("drawings", "", "image", "conv4", "", "", (), None, build)
print(open_dataset(recipe, Places(home, None)).content_hash)
"""


def test_two_processes_build_one_folder(places: Places) -> None:
    places.home.mkdir()
    command = [sys.executable, "-c", TWO_AT_ONCE, str(places.home)]
    both = [subprocess.Popen([*command, me], stdout=subprocess.PIPE, text=True) for me in "12"]
    hashes = {process.communicate()[0] for process in both}

    assert [process.returncode for process in both] == [0, 0]
    assert len(hashes) == 1
    assert len(folders(places)) == 1
    assert len((places.home / "builds").read_text()) == 1


def damage(places: Places) -> str:
    """The one line that opening a damaged dataset gives; it names the folder to delete."""
    (built,) = folders(places)
    with pytest.raises(DataError) as caught:
        open_dataset(recipe_of(*CLASSES), places)
    message = str(caught.value)
    assert "\n" not in message
    assert f"in {str(built)!r} is damaged" in message
    assert "Delete that folder" in message
    return message


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "{}", '{"meta_train": 1}', "\N{NULL}"])
def test_reports_a_damaged_index(places: Places, text: str) -> None:
    open_dataset(recipe_of(*CLASSES), places)
    (folders(places)[0] / INDEX).write_text(text)

    damage(places)


@pytest.mark.parametrize("key", ["content_hash", "split_hash", "meta_test"])
def test_reports_an_index_that_lacks_something(places: Places, key: str) -> None:
    open_dataset(recipe_of(*CLASSES), places)
    file = folders(places)[0] / INDEX
    index = json.loads(file.read_text())
    del index[key]
    file.write_text(json.dumps(index))

    assert repr(key) in damage(places)


@pytest.mark.parametrize("entry", [{"starts": []}, {"starts": [0, 3]}, {"class_names": ["d"]}])
def test_reports_an_index_of_other_arrays(places: Places, entry: dict[str, list[object]]) -> None:
    open_dataset(recipe_of(*CLASSES), places)
    file = folders(places)[0] / INDEX
    index = json.loads(file.read_text())
    index["meta_test"] |= entry
    file.write_text(json.dumps(index))

    damage(places)


@pytest.mark.parametrize("kept", [0, 4, 6, -1])
def test_reports_an_array_that_is_cut_short(places: Places, kept: int) -> None:
    open_dataset(recipe_of(*CLASSES), places)
    file = folders(places)[0] / "meta_test.bin"
    file.write_bytes(file.read_bytes()[:kept])

    damage(places)


def test_reports_a_missing_array(places: Places) -> None:
    open_dataset(recipe_of(*CLASSES), places)
    (folders(places)[0] / "meta_val.bin").unlink()

    assert "No such file" in damage(places)


def test_reports_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("METABENCH_HOME", str(tmp_path / "file" / "home"))

    with pytest.raises(DataError, match=r"Store '.*home.store' cannot be written .* in METABENCH_HOME"):
        open_dataset(recipe_of(*CLASSES), Places(tmp_path / "file" / "home", None))


def test_a_missing_file_is_unavailable_data(places: Places) -> None:
    source = Source("drawings.zip", "https://example.org/drawings.zip", 1, "")

    with pytest.raises(DataUnavailableError, match="metabench data pull drawings"):
        open_dataset(replace(recipe_of(*CLASSES), sources=(source,)), places)


def test_a_file_that_cannot_be_read_is_not_blamed_on_the_store(places: Places) -> None:
    def unreadable(_files: Mapping[str, Path]) -> Iterator[ClassExamples]:
        raise PermissionError(13, "Permission denied", "drawings.zip")

    with pytest.raises(DataError, match=r"'drawings' cannot be built .*Permission denied: 'drawings\.zip'"):
        open_dataset(replace(recipe_of(), build=unreadable), places)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (one_class("a", "meta_test"), "class 'a' twice, in meta_train and meta_test; expected once"),
        (one_class("a", "meta_train"), "has the class 'a' twice, in meta_train; expected once"),
        (one_class("", "meta_val"), "has a class named ''; expected a name in Unicode"),
        (ClassExamples("f", "meta_val", ("text",)), "has texts in class 'f'; expected images"),
        (one_class("f", "test"), "has 'f' in split 'test'; expected one of meta_train"),  # type: ignore[arg-type]
        (one_class("f", "meta_val", size=0), r"examples of shape \(0, 1, 2, 2\) in class 'f'"),
        (one_class("f", "meta_val", side=3), r"examples of shape \(3, 1, 3, 3\) in class 'f'"),
        (ClassExamples("f", "meta_val", np.zeros((3, 1, 2, 2))), "has float64 examples"),  # type: ignore[arg-type]
        (ClassExamples("f", "meta_val", np.zeros((3, 2, 2), np.uint8)), r"of shape \(3, 2, 2\)"),
    ],
    ids=[
        "two splits",
        "twice",
        "no name",
        "texts",
        "unknown split",
        "empty",
        "other shape",
        "no uint8",
        "no channels",
    ],
)
def test_refuses_classes_that_make_no_dataset(places: Places, wrong: ClassExamples, reason: str) -> None:
    with pytest.raises(DataError, match=rf"Dataset 'drawings' .*{reason}.*Mend its recipe"):
        open_dataset(recipe_of(*CLASSES, wrong), places)

    assert folders(places) == []


@pytest.mark.parametrize("split", SPLITS)
def test_refuses_a_split_without_classes(places: Places, split: Split) -> None:
    with pytest.raises(DataError, match=f"has no class in {split}; expected some"):
        open_dataset(recipe_of(*(one for one in CLASSES if one.split != split)), places)


def test_a_truncated_archive_is_reported_in_one_line(places: Places, tmp_path: Path) -> None:
    for source in OMNIGLOT.sources:
        archive = tmp_path / source.path
        archive.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr("images_background/Latin/character01/0001_01.png", bytes(1000))
        archive.write_bytes(archive.read_bytes()[:900])

    with pytest.raises(DataError, match=r"\AArchive 'images_background\.zip' cannot be read [^\n]*\Z"):
        open_dataset(OMNIGLOT, Places(places.home, tmp_path))

    assert folders(places) == []


def pinned(package: str) -> str:
    lines = (Path(__file__).parents[3] / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)[package]


def test_glyphs_are_the_recorded_ones(places: Places) -> None:
    if any(version(package) != pinned(package) for package in ("matplotlib", "pillow")):
        pytest.skip("the content is recorded for the pinned versions of matplotlib and pillow")

    dataset = open_dataset(GLYPHS, places)

    assert dataset.content_hash == GLYPHS.content_hash
    assert dataset.expected_content


@pytest.mark.mirror
def test_omniglot_is_the_recorded_one(places: Places, mirror: Path) -> None:
    dataset = open_dataset(OMNIGLOT, Places(places.home, mirror))

    assert {split: len(pool.class_names) for split, pool in dataset.pools.items()} == {
        "meta_train": 4112,
        "meta_val": 688,
        "meta_test": 1692,
    }
    assert {int(size) for pool in dataset.pools.values() for size in pool.sizes} == {20}
    assert dataset.content_hash == OMNIGLOT.content_hash
    assert dataset.split_hash == "5a79f5985d870cd0f24f04c9543a33ade3ec7ef575afc9adfa885cb8000fe404"
    assert dataset.expected_content
