"""The files of one result; they are read with suspicion, as a stranger may have sent them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

from pydantic import ValidationError

from metabench.errors import MetabenchError
from metabench.results.outcomes import decode as decode_outcomes
from metabench.results.outcomes import decode_scores
from metabench.results.outcomes import encode as encode_outcomes
from metabench.results.predictions import Predictions, cut, decode, encode, joined
from metabench.results.schema import NewerSchemaError, read_any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metabench.results.outcomes import Outcomes
    from metabench.results.record import Record

RECORD_FILE = "result.json"
OUTCOMES_FILE = "outcomes.parquet"
PREDICTIONS_FILE = "predictions.parquet"
CURVE_FILE = "curve.parquet"
WEIGHTS_FILE = "weights.safetensors"
# Bytes of a file; weights may be those of a large model, and no table is made of them.
_LARGEST, _LARGEST_WEIGHTS = 2**31, 2**36
_RUN_AGAIN = "Delete the folder and run it again."


class ResultError(MetabenchError):
    """A result cannot be written, or is not what its record says."""


def read_record(folder: Path) -> Record:
    """Read and check a result's record.

    Raises:
        ResultError: There is none, it is damaged, or a newer metabench wrote it.
    """
    try:
        return read_any(content_of(folder / RECORD_FILE))
    except OSError as error:
        raise ResultError(
            f"Result {_told(folder)} has no readable {RECORD_FILE} ({error.strerror}); expected the record "
            "of a run. Name the folder of a single result; if this was one, delete it and run it again."
        ) from error
    except NewerSchemaError as error:
        raise ResultError(f"Result {_told(folder)} has {error}. Upgrade metabench to read it.") from error
    except ValidationError as error:
        raise ResultError(
            f"Result {_told(folder)} has a damaged {RECORD_FILE} ({_first_complaint(error)}); expected the "
            f"record that was written. {_RUN_AGAIN}"
        ) from error


def contents_of(
    predictions: Predictions | None = None,
    weights: bytes | None = None,
    *,
    outcomes: Outcomes | None = None,
    commits: Sequence[Predictions] = (),
) -> dict[str, bytes]:
    """What stands in the files of a result beside its record, by name.

    Args:
        predictions: None where nothing could be tested.
        weights: Contents of a safetensors file; None where nothing was committed.
        outcomes: None where nothing could be tested.
        commits: Predictions of earlier commits.
    """
    contents = {} if outcomes is None else {OUTCOMES_FILE: encode_outcomes(outcomes)}
    if predictions is not None:
        contents[PREDICTIONS_FILE] = encode(predictions)
    if commits:
        contents[CURVE_FILE] = encode(joined(commits))
    if weights is not None:
        contents[WEIGHTS_FILE] = weights
    return contents


def read_outcomes(folder: Path, record: Record) -> Outcomes:
    """Read what came of each episode, after comparing the file with the record's hash.

    Raises:
        ResultError: There is none, or it is not the one that the record tells of.
    """
    content = _read_checked(folder, record, OUTCOMES_FILE)
    try:
        outcomes = decode_outcomes(content, n_episodes=record.benchmark.n_episodes)
    except ValueError as error:
        raise _damaged(folder, OUTCOMES_FILE, str(error)) from error
    if record.benchmark.metric not in outcomes.scores:
        raise _damaged(folder, OUTCOMES_FILE, f"has no scores of {record.benchmark.metric!r}, which ranks")
    return outcomes


def read_scores(folder: Path, record: Record) -> Outcomes:
    """Read the outcomes by the metric that ranks alone, as tables of many results need them.

    Raises:
        ResultError: As from `read_outcomes`.
    """
    content = _read_checked(folder, record, OUTCOMES_FILE)
    try:
        return decode_scores(content, record.benchmark.metric, n_episodes=record.benchmark.n_episodes)
    except ValueError as error:
        raise _damaged(folder, OUTCOMES_FILE, str(error)) from error


def read_predictions(folder: Path, record: Record) -> Predictions:
    """Read a result's predictions, after comparing them with the record's hash.

    Raises:
        ResultError: There are none, or they are not those that the record tells of.
    """
    return _decoded(folder, record, PREDICTIONS_FILE, record.benchmark.n_episodes)


def read_curve(folder: Path, record: Record) -> list[Predictions]:
    """Read the predictions of the earlier commits, for each point of the record's curve.

    Raises:
        ResultError: There are none, or they are not those that the record tells of.
    """
    counts = [point.n_episodes for point in record.curve]
    predictions = _decoded(folder, record, CURVE_FILE, sum(counts))
    try:
        return cut(predictions, counts)
    except ValueError as error:
        raise _damaged(folder, CURVE_FILE, str(error)) from error


def read_weights(folder: Path, record: Record) -> bytes:
    """Read a result's weights, after comparing them with the record's hash.

    Raises:
        ResultError: There are none, or they are not those that the record tells of.
    """
    return _read_checked(folder, record, WEIGHTS_FILE)


def _decoded(folder: Path, record: Record, name: str, n_episodes: int) -> Predictions:
    content = _read_checked(folder, record, name)
    try:
        return decode(content, n_episodes=n_episodes, shape=record.benchmark.shape)
    except ValueError as error:
        raise _damaged(folder, name, str(error)) from error


def _read_checked(folder: Path, record: Record, name: str) -> bytes:
    expected = record.files.get(name)
    if expected is None:
        raise ResultError(
            f"Result {_told(folder)} has no {name.partition('.')[0]}; its status is {record.status!r}."
        )
    try:
        content = content_of(folder / name)
    except OSError as error:
        raise _damaged(folder, name, f"cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise _damaged(folder, name, "has another sha256 than its record tells")
    return content


def content_of(file: Path) -> bytes:
    """What stands in a file: a regular one, as devices and pipes that a stranger links to have no end.

    Raises:
        OSError: It cannot be read, or is too large for a result.
    """
    # Else a pipe is opened only once somebody writes to it.
    with os.fdopen(os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "It is no regular file")
        most = _LARGEST_WEIGHTS if file.name == WEIGHTS_FILE else _LARGEST
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"It has more than {most} bytes")
        return opened.read()


def _first_complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where!r}: {first['msg']}" if where else first["msg"]


def _damaged(folder: Path, name: str, reason: str) -> ResultError:
    return ResultError(f"File {name!r} of result {_told(folder)} {reason}. {_RUN_AGAIN}")


def _told(folder: Path) -> str:
    """A result by its folder's name: what is said of it stands in tables, which tell nobody where it lies.

    Of a folder that is not there, where it was looked for.
    """
    return repr(folder.absolute().name if os.access(folder, os.F_OK) else str(folder))
