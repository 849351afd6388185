"""Getting the files of a dataset: from mirrors and official addresses, whole or not at all."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from metabench.data.origin import find_damage
from metabench.data.places import Places
from metabench.data.pull import PullListener, pull
from metabench.data.recipe import Recipe, Source
from metabench.errors import DataError

PATH = "some/drawings.zip"


class Lines(PullListener):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def said(self, line: str) -> None:
        self.lines.append(line)


def recipe(*files: Source) -> Recipe:
    return Recipe("drawings", "", "image", "conv4", "", "", files, None, lambda _files: iter(()))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "home", None)


def left(places: Places) -> set[str]:
    """Files among the downloads, but the lock, whose absence nothing depends on."""
    files = (file.name for file in places.downloads.rglob("*") if file.is_file())
    return {name for name in files if not name.endswith(".lock")}


def put(folder: Path, content: bytes) -> Path:
    file = folder / PATH
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def refusal(source: Source, places: Places) -> str:
    """The one line that a failed pull gives."""
    with pytest.raises(DataError) as caught:
        pull(recipe(source), places)
    message = str(caught.value)
    assert "\n" not in message
    assert source.url in message
    assert "METABENCH_MIRROR" in message
    assert not (places.downloads / PATH).exists()
    return message


def test_a_file_appears_with_a_note_of_where_it_came_from(server, answers, content, places) -> None:
    server.answers = [answers.sends(content)]

    assert pull(recipe(server.source), places) == {PATH: places.downloads / PATH}

    assert (places.downloads / PATH).read_bytes() == content
    assert left(places) == {"drawings.zip", "drawings.zip.origin.json"}
    origin = json.loads((places.downloads / f"{PATH}.origin.json").read_text())
    assert origin == {"address": server.source.url, "size": 8000, "checksum": server.source.checksum}


def test_only_what_is_missing_is_fetched(server, answers, content, tmp_path) -> None:
    server.answers = [answers.sends(content)]
    places = Places(tmp_path / "home", tmp_path / "mirror")
    mirrored = put(tmp_path / "mirror", b"packed anew")
    both = recipe(server.source, replace(server.source, path="other.zip"))

    files = pull(both, places)

    assert files == {PATH: mirrored, "other.zip": places.downloads / "other.zip"}
    assert pull(both, places) == files
    assert len(server.requests) == 1


def test_a_damaged_file_is_fetched_again(server, answers, content, places) -> None:
    server.answers = [answers.sends(content)]
    file = put(places.downloads, content[:-1] + b"?")
    listener = Lines()

    pull(recipe(server.source), places, listener=listener)

    assert file.read_bytes() == content
    assert len(listener.lines) == 1
    assert f"File '{PATH}' is damaged (8000 bytes with sha256:" in listener.lines[0]


def test_a_failure_leaves_the_earlier_file_alone(server, answers, content, places) -> None:
    server.answers = [answers.sends(b"", status=404)]
    file = put(places.downloads, b"damaged")

    with pytest.raises(DataError):
        pull(recipe(server.source), places)

    assert file.read_bytes() == b"damaged"


def test_the_other_addresses_are_tried_in_order(server, answers, content, places) -> None:
    server.answers = [answers.sends(b"", status=404), answers.sends(b"other"), answers.sends(content)]
    others = (f"{server.address}/second", f"{server.address}/third", f"{server.address}/fourth")

    pull(recipe(replace(server.source, other_urls=others)), places)

    assert [path for path, _ in server.requests] == ["/drawings.zip", "/second", "/third"]
    assert (places.downloads / PATH).read_bytes() == content


def test_the_message_tells_what_each_address_gave(server, answers, places) -> None:
    server.answers = [answers.sends(b"", status=404), answers.sends(b"<html>sign in</html>")]
    message = refusal(replace(server.source, other_urls=(f"{server.address}/second",)), places)

    assert "drawings.zip' gave no file (status 404), Address " in message
    assert "second' gave 20 bytes with sha256:" in message
    assert f"; expected 8000 bytes with {server.source.checksum}. Try again later" in message


def test_a_wrong_checksum_is_refused_and_not_kept(server, answers, content, places) -> None:
    other = content[:-1] + b"?"
    server.answers = [answers.sends(other)]

    assert hashlib.sha256(other).hexdigest() in refusal(server.source, places)
    assert left(places) == set()


def test_a_checksum_may_be_of_another_kind(server, answers, content, places) -> None:
    source = replace(server.source, checksum=f"md5:{hashlib.md5(content).hexdigest()}")
    server.answers = [answers.sends(content[::-1])]
    assert "gave 8000 bytes with md5:" in refusal(source, places)

    server.answers = [answers.sends(content)]
    pull(recipe(source), places)

    assert (places.downloads / PATH).read_bytes() == content


def test_a_size_alone_is_compared(server, answers, content, places) -> None:
    server.answers = [answers.sends(content[:99])]

    assert "gave 99 bytes; expected 8000 bytes." in refusal(replace(server.source, checksum=None), places)


def test_a_file_of_which_nothing_is_known_is_taken_as_it_comes(server, answers, content, places) -> None:
    server.answers = [answers.sends(content)]

    pull(recipe(replace(server.source, size=None, checksum=None)), places)

    assert (places.downloads / PATH).read_bytes() == content


def test_a_broken_off_download_is_kept_and_gone_on_with(server, answers, content, places) -> None:
    server.answers = [answers.serves(content, tag='"1"', cut_after=1000)]
    assert "(broken off after 4000 bytes)" in refusal(server.source, places)
    assert left(places) == {"drawings.zip.part", "drawings.zip.part.json"}
    server.answers = [answers.serves(content, tag='"1"')]

    pull(recipe(server.source), places)

    assert server.requests[-1] == ("/drawings.zip", "bytes=4000-")
    assert (places.downloads / PATH).read_bytes() == content
    assert left(places) == {"drawings.zip", "drawings.zip.origin.json"}


@pytest.mark.parametrize("as_setting", [True, False], ids=["METABENCH_MIRROR", "--from"])
def test_a_mirror_at_an_address_goes_first(server, answers, content, places, as_setting) -> None:
    server.answers = [answers.sends(content)]
    mirror = f"{server.address}/mirror/"
    source = replace(server.source, path="a b/drawings.zip")

    if as_setting:
        pull(recipe(source), replace(places, mirror=mirror))
    else:
        pull(recipe(source), places, start=mirror)

    assert [path for path, _ in server.requests] == ["/mirror/a%20b/drawings.zip"]


def test_files_are_taken_from_a_folder(server, answers, content, places, tmp_path) -> None:
    put(tmp_path / "stick", content)

    assert pull(recipe(server.source), places, start=tmp_path / "stick") == {PATH: places.downloads / PATH}

    shutil.rmtree(tmp_path / "stick")
    assert (places.downloads / PATH).read_bytes() == content
    assert server.requests == []


def test_what_a_mirror_lacks_comes_from_the_official_address(server, answers, content, places, tmp_path):
    server.answers = [answers.sends(b"", status=404), answers.sends(content)]

    pull(recipe(server.source), replace(places, mirror=server.address), start=tmp_path / "empty")

    assert [path for path, _ in server.requests] == [f"/{PATH}", "/drawings.zip"]


def test_a_mirror_may_have_packed_its_files_anew(server, answers, content, places, tmp_path) -> None:
    put(tmp_path / "stick", b"packed anew")
    listener = Lines()

    pull(recipe(server.source), places, start=tmp_path / "stick", listener=listener)
    pull(recipe(server.source), places, listener=listener)

    assert (places.downloads / PATH).read_bytes() == b"packed anew"
    assert server.requests == []
    assert len(listener.lines) == 1
    assert "drawings.zip' gave 11 bytes with sha256:" in listener.lines[0]
    assert f"upstream has 8000 bytes with {server.source.checksum}" in listener.lines[0]


def test_a_file_can_be_got_again(server, answers, content, places, tmp_path) -> None:
    file = put(tmp_path / "stick", b"packed anew, wrongly")
    pull(recipe(server.source), places, start=tmp_path / "stick")
    server.answers = [answers.sends(b"", status=404), answers.sends(content)]

    with pytest.raises(DataError):
        pull(recipe(server.source), places, again=True)
    assert (places.downloads / PATH).read_bytes() == file.read_bytes()

    pull(recipe(server.source), places, again=True)
    assert (places.downloads / PATH).read_bytes() == content


def test_several_may_pull_at_once(server, answers, content, places) -> None:
    server.answers = [answers.sends(content)]
    threads = [Thread(target=pull, args=(recipe(server.source), places)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (places.downloads / PATH).read_bytes() == content
    assert len(server.requests) == 1


def test_a_folder_that_cannot_be_written(server, answers, content, tmp_path) -> None:
    server.answers = [answers.sends(content)]
    (tmp_path / "home").write_text("a file where a folder should be")

    with pytest.raises(DataError, match=r"cannot be written .*expected a folder .* in METABENCH_HOME\.\Z"):
        pull(recipe(server.source), Places(tmp_path / "home", None))


def test_a_full_disk_loses_nothing(server, answers, content, places, monkeypatch) -> None:
    server.answers = [answers.serves(content, tag='"1"')]
    whole, n_calls = Path.open, 0

    class Full:
        """A file on a disk that has room for 3000 bytes more."""

        def __init__(self, file) -> None:
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> int:
            self.file.write(content[:3000])
            raise OSError(28, "No space left on device")

    def small(path, mode="r", *arguments, **options):
        nonlocal n_calls
        file = whole(path, mode, *arguments, **options)
        n_calls += 1
        return Full(file) if mode == "ab" else file

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", small)
        with pytest.raises(DataError, match=r"No space left .* Make room and run the same command, which"):
            pull(recipe(server.source), places)
    assert not (places.downloads / PATH).exists()

    pull(recipe(server.source), places)

    assert server.requests[-1] == ("/drawings.zip", "bytes=3000-")
    assert (places.downloads / PATH).read_bytes() == content


def test_damage_is_found_by_what_was_noted(server, answers, content, places) -> None:
    server.answers = [answers.sends(content)]
    pull(recipe(server.source), places)
    file = places.downloads / PATH
    assert find_damage(server.source, file) is None

    file.write_bytes(content[:-1] + b"?")
    assert find_damage(server.source, file, quick=True) is None
    assert "8000 bytes with sha256:" in str(find_damage(server.source, file))

    os.truncate(file, 5)
    assert find_damage(server.source, file, quick=True) == "5 bytes"


@pytest.mark.parametrize("note", ["", "{", "[]", '{"size": "many", "checksum": 1}'])
def test_where_the_note_is_damaged_the_recipe_counts(server, content, places, note) -> None:
    file = put(places.downloads, content)
    file.with_name("drawings.zip.origin.json").write_text(note)

    assert find_damage(server.source, file) is None
    assert find_damage(replace(server.source, size=1, checksum=None), file) == "8000 bytes"


def test_a_dataset_without_files_is_there_already(places) -> None:
    assert pull(recipe(), places) == {}
    assert not places.home.exists()
