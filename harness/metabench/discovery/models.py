"""Pretrained models that users name behind a backbone: found on this machine, never on the network."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from metabench.errors import UsageError

_DESCRIPTION = "config.json"


def find_model(backbone: str, name: str) -> Path:
    """Find a model's file or folder.

    Args:
        backbone: Name of the backbone that is to run with it. Whoever publishes models under that name on the
            hub, as timm does, need not be named again.
        name: Path of a file or folder, or a name on the Hugging Face hub.

    Raises:
        UsageError: It is not here, or is a folder of something else.
    """
    path = os.path.expanduser(name)  # noqa: PTH111 - unlike Path's, it never raises
    if os.path.exists(path):  # noqa: PTH110 - likewise
        return _checked(Path(path).resolve())
    for repository in (name, f"{backbone}/{name}"):
        if (found := _cached(repository)) is not None:
            return _checked(found)
    raise UsageError(
        f"Model {name!r} is not here; expected a file, a folder, or a model that the Hugging Face hub's "
        "client has downloaded. Download it first: `hf download OWNER/NAME`."
    )


def model_files(model: Path) -> list[Path]:
    """All files of a model; hidden ones, as clients leave them in folders, do not count."""
    if model.is_file():
        return [model]
    found = (file for file in model.rglob("*") if file.is_file())
    return sorted(file for file in found if not _is_hidden(file.relative_to(model)))


def model_places(model: Path) -> set[Path]:
    """Where on the disk a model lies: in its folder may be links only, as the hub's client makes them."""
    return {model, *(file.resolve() for file in model_files(model) if file.is_symlink())}


def model_digest(model: Path) -> str:
    """Hash names and contents of a model's files; the name of a single file does not count.

    Raises:
        UsageError: They cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for file in model_files(model):
            told = file.stat()
            content = _file_digest(file, told.st_size, told.st_mtime_ns)
            digest.update(f"{file.relative_to(model).as_posix()}\0{content}\n".encode())
    except OSError as error:
        raise UsageError(
            f"Model {str(model)!r} cannot be read ({error.strerror}); expected readable files. "
            "Check their permissions."
        ) from error
    return digest.hexdigest()


def _checked(model: Path) -> Path:
    """The model, unless it is a folder in which no model was saved."""
    if model.is_dir() and not (model / _DESCRIPTION).is_file():
        raise UsageError(
            f"Folder {str(model)!r} has no {_DESCRIPTION}; expected a model as libraries save it and "
            "`hf download` gets it. Check the path."
        )
    return model


def _cached(repository: str) -> Path | None:
    """Folder of a model that the hub's client has downloaded."""
    # Imported here, as only pretrained models need it.
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        return None


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@cache
def _file_digest(file: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 - they are part of the key
    """Hash a file once, as long as it stays as it is."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
