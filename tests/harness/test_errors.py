"""Errors: one line that names the thing, its value, what was expected and the next step."""

import pytest

from metabench.errors import DataError, DataUnavailableError, MetabenchError, UsageError, unknown_name


@pytest.mark.parametrize("kind", [UsageError, DataError, DataUnavailableError])
def test_whatever_a_user_can_cause_is_one_kind_of_error(kind: type[Exception]) -> None:
    assert issubclass(kind, MetabenchError)


def test_unavailable_data_is_a_data_error() -> None:
    assert issubclass(DataUnavailableError, DataError)


def test_an_unknown_name_comes_with_near_ones_and_all_available() -> None:
    error = unknown_name("algorithm", "protonets", ["protonet", "maml", "fomaml"])

    assert str(error) == (
        "Unknown algorithm 'protonets'. Did you mean 'protonet'? Available: fomaml, maml, protonet."
    )


def test_several_near_names_are_offered_nearest_first() -> None:
    assert "Did you mean 'maml' or 'fomaml'?" in str(
        unknown_name("algorithm", "mam", ["fomaml", "maml", "x"])
    )


def test_a_name_like_no_other_gets_no_guess() -> None:
    assert str(unknown_name("metric", "zzz", ["accuracy"])) == "Unknown metric 'zzz'. Available: accuracy."


def test_nothing_available_is_said() -> None:
    assert str(unknown_name("metric", "f1", [])) == "Unknown metric 'f1'. Available: none."
