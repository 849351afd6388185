"""Texts as token ids: tokenized once, by a tokenizer trained on meta_train alone, and kept in the store."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from metabench.data.recipe import SPLITS
from metabench.data.texts import Texts
from metabench.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from tokenizers import AddedToken
    from tokenizers import Tokenizer as Trained

    from metabench.data.dataset import Dataset
    from metabench.data.places import Places
    from metabench.data.recipe import Split
    from metabench.spec.tokenizer import Tokenizer

FORMAT = 1
PADDING, UNKNOWN = "[PAD]", "[UNK]"
_PADDINGS = (PADDING, "<pad>")
_MODEL = "model"
_AT_ONCE = 4096
_INDEX = "index.json"


@dataclass(frozen=True)
class _Job:
    """Texts and what tokenizes them.

    Attributes:
        texts: Of each split.
        tokenizer: What a backbone declares.
        file: The tokenizer.json that it names, if it names one.
    """

    texts: Mapping[Split, Texts]
    tokenizer: Tokenizer
    file: Path | None

    @property
    def key(self) -> str:
        """Hash of all that the ids depend on: the very texts, split by split, declaration and library."""
        told = [FORMAT, asdict(self.tokenizer), version("tokenizers")]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        if self.file is not None:
            digest.update(hashlib.sha256(self.file.read_bytes()).digest())
        for split in SPLITS:
            digest.update(hashlib.sha256(np.ascontiguousarray(self.texts[split].offsets).data).digest())
            digest.update(hashlib.sha256(np.ascontiguousarray(self.texts[split].data).data).digest())
        return digest.hexdigest()[:16]


def tokenized(dataset: Dataset, tokenizer: Tokenizer, places: Places, model: Path | None = None) -> Dataset:
    """The dataset with token ids in place of texts.

    Args:
        dataset: Of texts; across domains, meta_train and meta_val of one and meta_test of another.
        tokenizer: What a backbone declares.
        places: Where the ids are kept.
        model: Of that backbone, if the user has named one.

    Returns:
        Pools with (n_examples, length) int64 ids, mapped into memory; 0 is padding.

    Raises:
        DataError: The store cannot be written, or what is in it is damaged.
        UsageError: The file that the tokenizer names is not there or is none.
    """
    file = _find(tokenizer.file, model) if tokenizer.file else None
    job = _Job({split: _texts(dataset, split) for split in SPLITS}, tokenizer, file)
    folder = places.store / f"tokens-{dataset.name}-{job.key}"
    try:
        if not (folder / _INDEX).is_file():
            _build_into(folder, job)
    except OSError as error:
        raise DataError(
            f"Store {str(places.store)!r} cannot be written ({error}); expected a folder with room. "
            "Name another one in METABENCH_HOME."
        ) from error
    return _open(folder, dataset, tokenizer.length)


def _texts(dataset: Dataset, split: Split) -> Texts:
    examples = dataset.pools[split].examples
    assert isinstance(examples, Texts)
    return examples


def _find(file: str, model: Path | None) -> Path:
    """Find "model:path" in a model, or "package:path" without importing the package.

    Raises:
        UsageError: It is not there.
    """
    package, _, path = file.partition(":")
    if model is not None and package == _MODEL:
        return _inside(model, path)
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (found := Path(folder, path)).is_file():
            return found
    raise UsageError(
        f"Tokenizer {file!r} is not here; expected file {path!r} in an installed package {package!r}. "
        "Install what the backbone needs; its description says how."
    )


def _inside(model: Path, path: str) -> Path:
    if (found := model / path).is_file():
        return found
    raise UsageError(
        f"Model {str(model)!r} has no {path!r}; expected the tokenizer that it was trained with. "
        "Save that beside it, or name another model."
    )


def _build_into(folder: Path, job: _Job) -> None:
    """Tokenize in a folder of its own that is moved into place whole, under a lock."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if (folder / _INDEX).is_file():
            return
        part = folder.with_name(f".{folder.name}.part")
        # What a process that died has left; the lock is held, so none is at it.
        for leftover in (part, folder):
            shutil.rmtree(leftover, ignore_errors=True)
        part.mkdir()
        try:
            _write(part, job)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _write(folder: Path, job: _Job) -> None:
    trained = _train(job) if job.file is None else _read(job.file)
    trained.enable_truncation(job.tokenizer.length)
    for split, texts in job.texts.items():
        np.save(folder / f"{split}.npy", _ids(texts, trained, job.tokenizer.length))
    index = {"n_tokens": trained.get_vocab_size()}
    (folder / _INDEX).write_text(json.dumps(index), encoding="utf-8")


def _train(job: _Job) -> Trained:
    """Train on the texts of meta_train."""
    # Imported here, as only texts need it.
    from tokenizers import Tokenizer as Trained  # noqa: PLC0415
    from tokenizers import models, normalizers, pre_tokenizers, trainers  # noqa: PLC0415

    told = job.tokenizer
    special: list[str | AddedToken] = [PADDING, UNKNOWN]
    trainer: trainers.Trainer
    if told.kind == "word":
        trained = Trained(models.WordLevel({}, unk_token=UNKNOWN))
        # A word that meta_train has once stands for all that it never has: so that token is learned, too.
        trainer = trainers.WordLevelTrainer(
            vocab_size=told.n_tokens, min_frequency=2, special_tokens=special, show_progress=False
        )
    else:
        trained = Trained(models.BPE(unk_token=UNKNOWN))
        trainer = trainers.BpeTrainer(vocab_size=told.n_tokens, special_tokens=special, show_progress=False)
    steps = [normalizers.NFKC(), *([normalizers.Lowercase()] if told.lowercase else [])]
    trained.normalizer = normalizers.Sequence(steps)
    trained.pre_tokenizer = pre_tokenizers.Whitespace()
    trained.train_from_iterator(iter(job.texts["meta_train"]), trainer)
    return trained


def _read(file: Path) -> Trained:
    """Read a tokenizer.json.

    Raises:
        UsageError: It is none, or has no padding.
    """
    from tokenizers import Tokenizer as Trained  # noqa: PLC0415

    try:
        trained = Trained.from_str(file.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises nothing narrower
        raise UsageError(
            f"Tokenizer {str(file)!r} cannot be read ({error}); expected a tokenizer.json. Install it anew."
        ) from error
    trained.no_padding()
    if all(trained.token_to_id(name) is None for name in _PADDINGS):
        raise UsageError(
            f"Tokenizer {str(file)!r} has no padding; expected one of the tokens {', '.join(_PADDINGS)}. "
            "Name another one."
        )
    return trained


def _ids(texts: Texts, trained: Trained, length: int) -> NDArray[np.int64]:
    """(n_texts, length); a text of which nothing is left is one token 1, never all padding."""
    padding = next(number for name in _PADDINGS if (number := trained.token_to_id(name)) is not None)
    ids = np.zeros((len(texts), length), dtype=np.int64)
    for first in range(0, len(texts), _AT_ONCE):
        some = [texts[index] for index in range(first, min(first + _AT_ONCE, len(texts)))]
        for row, encoding in enumerate(trained.encode_batch(some), start=first):
            # A text may hold the name of the padding, which then is no token; token 0 takes its place.
            told = [token or padding for token in encoding.ids if token != padding] or [1]
            ids[row, : len(told)] = told
    return ids


def _open(folder: Path, dataset: Dataset, length: int) -> Dataset:
    try:
        n_tokens = int(json.loads((folder / _INDEX).read_text(encoding="utf-8"))["n_tokens"])
        pools = {
            split: replace(pool, examples=_map(folder / f"{split}.npy", (len(pool.examples), length)))
            for split, pool in dataset.pools.items()
        }
    except (OSError, ValueError, LookupError, TypeError, EOFError) as error:
        raise DataError(
            f"Tokens of {dataset.name!r} in {str(folder)!r} are damaged ({error}); expected what was written "
            "there. Delete that folder; they are made anew."
        ) from error
    return replace(dataset, pools=pools, n_tokens=n_tokens)


def _map(file: Path, shape: tuple[int, int]) -> NDArray[np.int64]:
    ids: NDArray[np.int64] = np.load(file, mmap_mode="r")
    if ids.shape != shape or ids.dtype != np.int64:
        raise ValueError(f"{file.name} has {ids.dtype} of shape {ids.shape}, not int64 of {shape}")
    return ids
