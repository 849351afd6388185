"""The identity: another number may come of another one, and of nothing else."""

from typing import Any

import pytest

from metabench.results.identity import IdentityParts
from metabench.results.record import TokenizerPart

TOKENIZER = TokenizerPart(kind="word", n_tokens=9, length=8, lowercase=True, file="", library="0.20")


@pytest.mark.parametrize(
    "changes",
    [
        {"benchmark": {"manifest_hash": "f" * 64}},
        {"budget": {"memory_mib": 1}},
        {"budget": {"device_memory_mib": 1}},
        {"environment": {"torch": "3.0"}},
        {"environment": {"device_class": "cuda"}},
        {"environment": {"engine_hash": "f" * 64}},
        {"seed": 1},
        {"tokenizer": TOKENIZER},
    ],
    ids=str,
)
def test_what_can_change_the_number_is_part_of_it(make_record, changes: dict[str, Any]) -> None:
    assert identity(make_record(**changes)) != identity(make_record())


@pytest.mark.parametrize(
    "changes",
    [
        {"benchmark": {"name": "other"}},
        {"budget": {"name": "other"}},
        *({"environment": {name: "other"}} for name in ("platform", "processor", "isolation", "metabench")),
        {"spent": {"steps": 1}},
        {"verdict": "stateful"},
        {"started": "later"},
    ],
    ids=str,
)
def test_names_and_circumstances_are_not(make_record, changes: dict[str, Any]) -> None:
    assert identity(make_record(**changes)) == identity(make_record())


@pytest.mark.parametrize("part", ["algorithm", "backbone"])
def test_a_plugin_is_what_it_consists_of(make_record, make_plugin, part: str) -> None:
    def of(name: str = "maml", **changes: Any) -> str:
        return identity(make_record(**{part: make_plugin(name, target="demo:Demo", **changes)}))

    assert of("other") == of(version="2.0") == of()
    others = [of(source_hash="ff"), of(options={"inner_lr": 0.1}), of(distribution="acme")]
    assert len({of(), *others}) == 4


def test_another_schema_is_another_identity(make_record) -> None:
    parts = IdentityParts.of(make_record())

    assert parts.identity(schema=1) != parts.identity(schema=2) == parts.identity()


def identity(record) -> str:
    return IdentityParts.of(record).identity()
