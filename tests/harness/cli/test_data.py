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
    (file,) = own_home.glob("store/*/meta_test.bin")
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)

    said = metabench("data", "verify", "glyphs", METABENCH_HOME=str(own_home))

    assert said.returncode == 1
    assert said.stdout == "glyphs: damaged\n"
    assert "Error: Dataset 'glyphs' in " in said.stderr
    assert said.stderr.endswith("Delete that folder; it is built anew.\n")


def test_a_pull_that_fails_says_so_and_the_others_go_on(tmp_path, metabench):
    (tmp_path / "mirror" / "omniglot").mkdir(parents=True)
    for name in ("images_background.zip", "images_evaluation.zip"):
        (tmp_path / "mirror" / "omniglot" / name).write_bytes(b"no archive")

    said = metabench("data", "pull", "omniglot", "glyphs", "--from", tmp_path / "mirror")

    assert said.returncode == 1
    assert said.stdout.startswith("glyphs: meta_train ")
    assert "images_background.zip' gave 10 bytes with sha256:" in said.stderr
    assert said.stderr.splitlines()[-1].startswith(
        "Error: Archive 'images_background.zip' cannot be read (File is not a zip"
    )
