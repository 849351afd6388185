"""Pretrained models: found on this machine by path or by name, and known by what is in them."""

import os
from pathlib import Path

import pytest

from metabench.discovery.models import find_model, model_digest, model_files, model_places
from metabench.errors import UsageError


def save(folder: Path, **files: str) -> Path:
    for name, text in {"config.json": "{}", "weights": "1 2 3", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """What the hub's client has downloaded: links to contents, in the folder that it calls a snapshot."""
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))

    def download(repository: str) -> Path:
        folder = cache / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / "abc"
        save(folder / "blobs")
        snapshot.mkdir(parents=True)
        for file in (folder / "blobs").iterdir():
            (snapshot / file.name).symlink_to(f"../../blobs/{file.name}")
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text("abc")
        return snapshot

    return download


def test_a_path_leads_to_a_file_or_folder(tmp_path, monkeypatch):
    folder = save(tmp_path / "my model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    for name in ("my model", "./my model", "~/my model", str(folder)):
        assert find_model("hf", name) == folder
    assert find_model("timm", "my model/weights") == folder / "weights"


def test_a_name_leads_to_what_the_hubs_client_has_downloaded(hub, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    one, old, own = hub("acme/one"), hub("old"), hub("timm/resnet18.a1_in1k")

    assert find_model("hf", "acme/one") == one
    assert find_model("hf", "old") == old
    assert find_model("timm", "resnet18.a1_in1k") == find_model("timm", "timm/resnet18.a1_in1k") == own
    with pytest.raises(UsageError, match=r"^Model 'resnet18\.a1_in1k' is not here"):
        find_model("hf", "resnet18.a1_in1k")


@pytest.mark.parametrize(
    "name", ["acme/one", "none", "", "..no", "a/b/c", "/no/such/place", "~nobody/x", "x" * 5000]
)
def test_what_is_not_here_is_named_with_what_to_do(hub, name):
    with pytest.raises(
        UsageError, match=r"is not here; expected a file, a folder, .*: `hf download OWNER/NAME`\.$"
    ):
        find_model("hf", name)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(UsageError, match=rf"^Folder '{tmp_path}' has no config\.json; .* Check the path\.$"):
        find_model("hf", str(tmp_path))


def test_its_hash_tells_of_every_file_but_hidden_ones(tmp_path):
    model = save(tmp_path / "model", **{"deep/more": "4"})
    before = model_digest(model)

    assert model_digest(save(tmp_path / "copy", **{"deep/more": "4"})) == before
    assert model_digest(save(tmp_path / "model", **{".cache/when": "now", "deep/.hidden": ""})) == before
    assert model_digest(save(tmp_path / "renamed", **{"deep/other": "4"})) != before
    assert model_digest(save(tmp_path / "model", **{"deep/more": "5 6"})) != before
    assert [file.name for file in model_files(model)] == ["config.json", "more", "weights"]


def test_a_hash_is_taken_again_when_a_file_has_changed(tmp_path):
    file = tmp_path / "weights"
    file.write_text("1 2 3")
    before = model_digest(file)
    file.write_text("1 2 4")
    os.utime(file, ns=(1, 1))

    assert model_digest(file) != before


def test_a_downloaded_model_has_the_hash_of_its_contents(hub, tmp_path):
    snapshot = hub("acme/one")

    assert model_digest(snapshot) == model_digest(save(tmp_path / "copy"))


def test_a_model_lies_where_its_links_lead_too(hub, tmp_path):
    snapshot, folder = hub("acme/one"), save(tmp_path / "model")
    contents = snapshot.parents[1] / "blobs"

    assert model_places(snapshot) == {snapshot, contents / "config.json", contents / "weights"}
    assert model_places(folder) == {folder}
    assert model_places(folder / "weights") == {folder / "weights"}


def test_a_model_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "gone").symlink_to("/proc/self/mem")

    with pytest.raises(UsageError, match=rf"^Model '{tmp_path}/gone' cannot be read \(.*\); expected "):
        model_digest(tmp_path / "gone")
