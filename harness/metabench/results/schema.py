"""Records of every schema that ever was, read as records of today."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from metabench.results.record import SCHEMA_VERSION, Record


class NewerSchemaError(Exception):
    """A newer metabench wrote the record.

    Attributes:
        version: Of its schema.
    """

    def __init__(self, version: int) -> None:
        super().__init__(f"record schema {version}; this metabench reads up to {SCHEMA_VERSION}")
        self.version = version


class _Version(BaseModel):
    schema_version: int


def schema_of(content: bytes) -> int:
    """The schema that a record was written in.

    Raises:
        ValidationError: It is none.
    """
    return _Version.model_validate_json(content).schema_version


def read_any(content: bytes) -> Record:
    """Read a record of any schema up to today's. Its identity stays that of its own schema.

    Raises:
        ValidationError: It is none.
        NewerSchemaError: A newer metabench wrote it.
    """
    version = schema_of(content)
    if version > SCHEMA_VERSION:
        raise NewerSchemaError(version)
    if version == 1:
        content = json.dumps(_from_1(json.loads(content))).encode()
    return Record.model_validate_json(content)


def _from_1(told: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 measured neither processor time nor GPU memory, counted no operations, did not calibrate."""
    spent = told.get("spent")
    if isinstance(spent, dict):
        told["spent"] = {"processor_s": None, "peak_device_mib": None} | spent
    return {"compute": None, "calibration": None} | told | {"schema_version": 2}
