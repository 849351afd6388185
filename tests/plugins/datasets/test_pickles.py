"""Pickles from outside: what arrays need is read, and nothing else is as much as looked up."""

import io
import os
import pickle
import random
import struct
from collections import OrderedDict
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest

from metabench.errors import DataError
from metabench_plugins.datasets._pickles import Pickled, load, refusing

VALUE = {
    "data": np.arange(12, dtype=np.uint8).reshape(2, 6) + 200,
    "labels": [3, 1],
    "wide": np.array([[1, -2], [3, 4]], dtype=np.int64),
    "names": ["a", "é"],
}


class Calls:
    """Pickles to a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def refusal(content: bytes) -> str:
    with pytest.raises(DataError) as caught, refusing("x.pkl"):
        load(io.BytesIO(content))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Pickle 'x.pkl' cannot be used (")
    return str(caught.value)


def check(read: Pickled) -> None:
    for key in ("data", "wide"):
        array = read.entry(key).array()
        assert np.array_equal(array, VALUE[key])
        assert array.dtype == VALUE[key].dtype
        assert not array.flags.writeable
    assert read.entry("labels").numbers().tolist() == [3, 1]
    assert read.entry("names").texts() == ["a", "é"]


@pytest.mark.parametrize("protocol", range(5))
def test_reads_what_python_3_wrote(protocol):
    check(load(io.BytesIO(pickle.dumps(VALUE, protocol))))


def test_reads_what_python_2_wrote(python2_pickle):
    content = python2_pickle(VALUE)

    assert pickle.loads(content, encoding="latin-1")["data"].tolist() == VALUE["data"].tolist()
    check(load(io.BytesIO(content)))


def test_reads_arrays_that_lie_by_columns_or_have_their_large_end_first():
    columns = np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3))
    big = np.arange(3, dtype=">i4")

    first, second = load(io.BytesIO(pickle.dumps([columns, big], 2))).items()

    assert np.array_equal(first.array(), columns)
    assert second.numbers().tolist() == [0, 1, 2]


def test_reads_keys_that_are_bytes():
    assert load(io.BytesIO(pickle.dumps({b"labels": (1, 2)}))).entry("labels").numbers().tolist() == [1, 2]


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_what_a_pickle_wants_to_run_is_not_run(tmp_path, protocol):
    target = tmp_path / "made"
    content = pickle.dumps({"data": Calls(os.mkdir, str(target))}, protocol)

    assert "it names 'posix.mkdir', which is not allowed" in refusal(content)
    assert not target.exists()


@pytest.mark.parametrize(
    "value",
    [
        Calls(eval, "1"),
        Calls(getattr, "", "join"),
        Calls(__import__, "os"),
        Calls(np.load, "x.npy"),
        OrderedDict(a=1),
        Fraction(1, 2),
        {1, 2},
        np.float64(1),
        np.ma.masked_array([1]),
        bytearray(b"x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_refuses_all_other_names(value):
    assert "which is not allowed" in refusal(pickle.dumps(value, 2))


@pytest.mark.parametrize("value", [np.array([1.5]), np.array(["a"]), np.array([None]), np.zeros(1, "i4,i4")])
def test_refuses_arrays_of_other_things_than_whole_numbers(value):
    assert "an array of type" in refusal(pickle.dumps(value, 2))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        b"\x80\x02",
        pickle.dumps(VALUE)[:-20],
        b"\x80\x02]q\x00h\x07.",  # what was never kept is asked for
        b"\x80\x02cnumpy\nndarray\n)R.",
        b"\x80\x02cnumpy\ndtype\n.b.",
        b"\x80\x02cnumpy\ndtype\n}b.",  # a state for the type itself
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R(K\x01tb.",
        b"\x80\x02\x82\x01.",  # a name by number
        b"\x80\x02Pabc\n.",  # an object kept elsewhere
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",  # more bytes than any memory has
        b"\x80\x63.",
    ],
)
def test_refuses_what_is_no_whole_pickle(content):
    with pytest.raises(DataError, match=r"^Pickle 'x\.pkl' cannot be used"), refusing("x.pkl"):
        load(io.BytesIO(content)).array()


def test_refuses_an_array_that_lacks_bytes(python2_pickle):
    whole = python2_pickle(np.zeros((2, 3), dtype=np.uint8))

    assert "cannot reshape array of size 6 into shape" in refusal(
        whole.replace(b"\x03\0\0\0t", b"\x04\0\0\0t")
    )


def test_refuses_lists_within_themselves():
    value = []
    value.append(value)
    with pytest.raises(DataError, match=r"item 0 of it is of type list"), refusing("x.pkl"):
        load(io.BytesIO(pickle.dumps(value))).items()[0].array()


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda read: read.array(), "it is of type dict"),
        (lambda read: read.entry("none"), "it has no entry 'none'"),
        (lambda read: read.entry("names").numbers(), "entry 'names' has what is no whole number"),
        (lambda read: read.entry("wide").numbers(), "entry 'wide' has shape (2, 2)"),
        (lambda read: read.entry("data").texts(), "entry 'data' is of type array"),
        (lambda read: read.entry("labels").texts(), "type int where a text is expected"),
        (lambda read: read.entry("labels").entries(), "entry 'labels' is of type list"),
    ],
)
def test_says_what_is_not_as_supposed(ask, reason):
    with pytest.raises(DataError) as caught, refusing("x.pkl"):
        ask(load(io.BytesIO(pickle.dumps(VALUE))))
    assert reason in str(caught.value)


def test_a_pickle_cannot_make_room_for_parts_that_it_has_not():
    assert load(io.BytesIO(b"\x80\x02]r" + struct.pack("<I", 2**32 - 1) + b".")).items() == []


def test_damage_gives_a_value_or_one_line():
    whole = pickle.dumps(VALUE, 2)
    rng = random.Random(0)
    for _ in range(1000):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        with suppress(DataError), refusing("x.pkl"):
            read = load(io.BytesIO(bytes(damaged)))
            read.entry("data").array()
            read.entry("names").texts()
