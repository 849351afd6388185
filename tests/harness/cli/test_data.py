"""`metabench data` from outside."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def own_home(tmp_path, home, metabench):
    """A home that a test may damage, with `glyphs` built in it."""
    assert metabench("data", "pull", "glyphs").returncode == 0
    return shutil.copytree(home, tmp_path / "own")


def test_list_tells_what_is_here(metabench):
    rows = {row["name"]: row for row in json.loads(metabench("data", "list", "--json").stdout)}

    assert rows["glyphs"]["state"] == "present"
    assert rows["glyphs"]["bytes"] == 0
    assert (rows["omniglot"]["state"], rows["omniglot"]["built"]) == ("absent", False)
    assert rows["omniglot"]["bytes"] == 15_927_098
    assert rows["omniglot"]["licence"] == "MIT, 2015 Brenden Lake"

    table = metabench("data", "list").stdout
    assert "15.9 MB" in table


def test_what_is_pulled_is_built_and_verified(own_home, metabench):
    (row,) = json.loads(metabench("data", "verify", "glyphs", "--json", METABENCH_HOME=str(own_home)).stdout)

    assert (row["state"], row["is_built"], row["duplicates"]) == ("present", True, [])

    said = metabench("data", "verify", METABENCH_HOME=str(own_home), METABENCH_MIRROR="")
    assert said.returncode == 0
    assert "glyphs: present, built, 0 examples in two splits\n" in said.stdout
    assert "omniglot: absent. Run `metabench data pull omniglot`.\n" in said.stdout


def test_damage_in_the_store_is_found_and_the_exit_code_tells(own_home, metabench):
    (file,) = own_home.glob("store/glyphs-*/meta_test.bin")
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)

    said = metabench("data", "verify", "glyphs", METABENCH_HOME=str(own_home))

    assert said.returncode == 1
    assert said.stdout == "glyphs: damaged\n"
    assert "Error: Dataset 'glyphs' in " in said.stderr
    assert said.stderr.endswith("Delete that folder; it is built anew.\n")


def test_what_is_damaged_can_be_built_again(own_home, metabench):
    (file,) = own_home.glob("store/glyphs-*/meta_test.bin")
    file.write_bytes(bytes(file.stat().st_size))
    metabench("data", "pull", "glyphs", METABENCH_HOME=str(own_home))
    assert metabench("data", "verify", "glyphs", METABENCH_HOME=str(own_home)).returncode == 1

    metabench("data", "pull", "glyphs", "--again", METABENCH_HOME=str(own_home))
    assert metabench("data", "verify", "glyphs", METABENCH_HOME=str(own_home)).returncode == 0


def test_a_pull_that_fails_says_so_and_the_others_go_on(tmp_path, own_home, metabench):
    (tmp_path / "mirror" / "omniglot").mkdir(parents=True)
    for name in ("images_background.zip", "images_evaluation.zip"):
        (tmp_path / "mirror" / "omniglot" / name).write_bytes(b"no archive")

    said = metabench(
        "data", "pull", "omniglot", "glyphs", "--from", tmp_path / "mirror", METABENCH_HOME=str(own_home)
    )

    assert said.returncode == 1
    assert said.stdout.startswith("glyphs: meta_train ")
    assert "images_background.zip' gave 10 bytes with sha256:" in said.stderr
    assert "Error: Archive 'images_background.zip' cannot be read (File is not a zip" in said.stderr
    assert said.stderr.endswith("`metabench data pull omniglot --again` gets all of its files anew.\n")


@pytest.fixture
def sentences(tmp_path):
    """Texts of 20 classes, two of which are too small for 5w1s; one text stands in two classes."""
    rows = [f"text {n} {i},label {n}" for n in range(20) for i in range(16 if n > 1 else 3)]
    (tmp_path / "mine.csv").write_text("\n".join(["text,label", *rows]))
    return tmp_path / "mine.csv"


def test_an_imported_dataset_is_listed_verified_and_can_be_evaluated_on(tmp_path, sentences, metabench):
    own = {"METABENCH_HOME": str(tmp_path / "own")}
    said = metabench("data", "import", "mine", sentences, "--backbone", "conv4", **own)

    assert said.returncode == 0
    assert said.stdout.startswith(
        "mine: meta_train 10, meta_val 5, meta_test 5 classes (drawn with seed 0), 294"
    )
    assert said.stdout.endswith("Run `metabench evaluate ALGORITHM --benchmark mine-5w1s`.\n")
    assert "classes with fewer than 16 examples, which 5w1s needs: 'label " in said.stderr
    assert "Leave them out by --min-examples 16.\n" in said.stderr

    rows = json.loads(metabench("data", "list", "--json", **own).stdout)
    (row,) = (row for row in rows if row["name"] == "mine")
    assert (row["modality"], row["state"], row["bytes"], row["licence"]) == ("text", "present", 0, "unknown")
    assert "mine: present, not built\n" in metabench("data", "verify", "mine", **own).stdout
    assert json.loads(metabench("show", "dataset", "mine", "--json", **own).stdout)["provider"].startswith(
        "imported:"
    )


def test_a_damaged_description_is_reported_and_skipped(tmp_path, metabench):
    (tmp_path / "own" / "imported" / "mine").mkdir(parents=True)

    said = metabench("data", "list", METABENCH_HOME=str(tmp_path / "own"))

    assert said.returncode == 0
    assert "mine" not in said.stdout
    assert "has a damaged description" in said.stderr

    said = metabench("--strict-plugins", "data", "list", METABENCH_HOME=str(tmp_path / "own"))
    assert said.returncode == 3
    assert "has a damaged description" in said.stderr


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("glyphs", 2, "Dataset 'glyphs' is provided by metabench:glyphs already; expected a new name."),
        ("a/b", 2, "Dataset name 'a/b' cannot be one"),
    ],
)
def test_a_name_that_cannot_be_used(sentences, metabench, name, code, message):
    said = metabench("data", "import", name, sentences, "--backbone", "conv4")

    assert said.returncode == code
    assert f"Error: {message}" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_backbone_that_nobody_has_is_refused_before_anything_is_imported(tmp_path, sentences, metabench):
    said = metabench("data", "import", "mine", sentences, "--backbone", "conv5")

    assert said.returncode == 2
    assert "Error: Unknown backbone 'conv5'. Did you mean 'conv4'" in said.stderr
    assert metabench("show", "dataset", "mine").returncode == 2


def test_two_datasets_of_one_name_are_an_error_that_names_both(tmp_path, sentences, metabench):
    own = tmp_path / "own"
    metabench("data", "import", "mine", sentences, "--backbone", "conv4", METABENCH_HOME=str(own))
    folder = (own / "imported" / "mine").rename(own / "imported" / "glyphs")
    description = folder / "description.json"
    description.write_text(description.read_text().replace('"mine"', '"glyphs"'))

    said = metabench("data", "list", METABENCH_HOME=str(own))

    assert said.returncode == 2
    assert (
        f"Two extensions provide the dataset 'glyphs': imported:{folder} and metabench:glyphs;" in said.stderr
    )
