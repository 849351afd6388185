"""Records of earlier schemas stay readable."""

import json

import pytest
from pydantic import ValidationError

from metabench.results.schema import NewerSchemaError, read_any


def test_todays_record_is_read(make_record) -> None:
    record = make_record()

    assert read_any(record.model_dump_json().encode()) == record


def test_a_record_of_schema_1_is_read(make_record) -> None:
    record = make_record(spent={"processor_s": None, "peak_device_mib": None})
    told = record.model_dump(mode="json", exclude={"compute", "calibration"}) | {"schema_version": 1}
    for name in ("processor_s", "peak_device_mib"):
        del told["spent"][name]

    assert read_any(json.dumps(told).encode()) == record


def test_a_damaged_record_of_schema_1_is_refused(make_record) -> None:
    told = make_record().model_dump(mode="json") | {"schema_version": 1, "spent": 7}

    with pytest.raises(ValidationError, match="spent"):
        read_any(json.dumps(told).encode())


def test_a_newer_record_says_its_schema(make_record) -> None:
    told = make_record().model_dump(mode="json") | {"schema_version": 9}

    with pytest.raises(NewerSchemaError, match="record schema 9; this metabench reads up to 2"):
        read_any(json.dumps(told).encode())
