"""Messages as bytes and back; what is no message is refused before anything is made of it."""

import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from metabench.wire.message import (
    HEADER_LIMIT,
    PREFIX_BYTES,
    Message,
    WireError,
    decode_arrays,
    decode_header,
    encode,
    header_length,
)

DTYPES = ("uint8", "int64", "float32")


def frame(message):
    return b"".join(bytes(piece) for piece in encode(message))


def read(data):
    """A whole frame, read as the other side does."""
    length = header_length(data[:PREFIX_BYTES])
    header = decode_header(data[PREFIX_BYTES : PREFIX_BYTES + length])
    body = bytearray(data[PREFIX_BYTES + length :])
    assert len(body) == header.n_bytes
    return decode_arrays(header, body)


def header_with(shape, dtype="uint8", name="x"):
    return json.dumps(["a", {}, [[name, dtype, shape]]]).encode()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (2, 3), (1,) * 8])
def test_an_array_arrives_as_it_was_sent(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape)

    arrived = read(frame(Message("a", arrays={"x": array}))).arrays["x"]

    assert arrived.dtype == np.dtype(dtype)
    assert arrived.shape == shape
    assert np.array_equal(arrived, array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layout_in_memory_does_not_matter(dtype):
    array = np.arange(24).astype(dtype).reshape(2, 3, 4)
    laid_out = {
        "transposed": array.T,
        "reversed": array[:, ::-1],
        "strided": array[..., ::2],
        "fortran": np.asfortranarray(array),
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "repeated": np.broadcast_to(array[:1], (5, 3, 4)),
        "one of many": array[1, 2, 3],
    }

    arrived = read(frame(Message("a", arrays=laid_out))).arrays

    assert list(arrived) == list(laid_out)
    for name, expected in laid_out.items():
        assert np.array_equal(arrived[name], expected), name
        assert arrived[name].dtype == np.dtype(dtype)


def test_the_frame_is_what_its_description_says():
    message = Message("k", {"n": 1}, {"x": np.array([1, -1]), "y": np.array([[1.5]], np.float32)})

    header = b'["k", {"n": 1}, [["x", "int64", [2]], ["y", "float32", [1, 1]]]]'
    body = struct.pack("<qqf", 1, -1, 1.5)
    assert frame(message) == struct.pack("<I", len(header)) + header + body


def test_arrived_arrays_share_the_bytes_that_were_received():
    header = decode_header(header_with([3]))
    body = bytearray(b"abc")

    arrived = decode_arrays(header, body).arrays["x"]
    body[0] = 0

    assert arrived.tolist() == [0, 98, 99]
    assert arrived.flags.writeable


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
arrays = st.sampled_from([np.dtype(order + code) for order in "<>" for code in ("u1", "i8", "f4")]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)


@settings(max_examples=100)
@given(names, st.dictionaries(names, json_values, max_size=4), st.dictionaries(names, arrays, max_size=4))
def test_any_message_arrives_as_it_was_sent(kind, fields, sent):
    arrived = read(frame(Message(kind, fields, sent)))

    assert arrived.kind == kind
    assert arrived.fields == fields
    assert list(arrived.arrays) == list(sent)
    for name, array in sent.items():
        assert np.array_equal(arrived.arrays[name], array, equal_nan=array.dtype.kind == "f")
        assert arrived.arrays[name].shape == array.shape


@settings(max_examples=200)
@given(st.binary(max_size=60) | json_values.map(json.dumps).map(str.encode))
def test_whatever_bytes_come_are_a_header_or_refused(text):
    with contextlib.suppress(WireError):
        assert decode_header(text).n_bytes >= 0


@pytest.mark.parametrize("array", [np.zeros(1), np.zeros(1, bool), np.zeros(1, complex), np.array(["a"])])
def test_arrays_of_other_types_are_not_sent(array):
    with pytest.raises(ValueError, match=r"array 'x' is .*; expected one of uint8, int64, float32"):
        encode(Message("a", arrays={"x": array}))


def test_arrays_of_too_many_dimensions_are_not_sent():
    with pytest.raises(ValueError, match=r"of shape \[1, 1, .*\]; expected one of .* at most 8 dimensions"):
        encode(Message("a", arrays={"x": np.zeros((1,) * 9, np.uint8)}))


def circle():
    fields = {}
    fields["self"] = fields
    return fields


@pytest.mark.parametrize(
    "fields", [{"x": float("nan")}, {"x": float("-inf")}, {"x": {1, 2}}, {"x": b""}, {("x",): 1}, circle()]
)
def test_fields_that_are_no_json_are_not_sent(fields):
    with pytest.raises(ValueError, match=r"JSON|Circular"):
        encode(Message("a", fields))


def test_a_header_that_nobody_would_take_is_not_sent():
    encode(Message("a", {"x": "y" * (HEADER_LIMIT - 100)}))
    with pytest.raises(ValueError, match=rf"header has \d+ bytes; at most {HEADER_LIMIT} are expected"):
        encode(Message("a", {"x": "y" * HEADER_LIMIT}))


@pytest.mark.parametrize("length", [HEADER_LIMIT + 1, 2**32 - 1])
def test_an_absurd_header_length_is_refused(length):
    with pytest.raises(WireError, match=rf"a header of {length} bytes; at most {HEADER_LIMIT} are expected"):
        header_length(struct.pack("<I", length))


def test_the_longest_header_is_taken():
    assert header_length(struct.pack("<I", HEADER_LIMIT)) == HEADER_LIMIT


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        '["a", {}, []]'.encode("utf-16"),
        b'["a", {}, []] more',
        b'["a", {"x": NaN}, []]',
        b'["a", {"x": Infinity}, []]',
        b'["a", {"x": -Infinity}, []]',
        b'["a", {"x": 1e999}, []]',
        b'["a", {}, [["x", "uint8", [NaN]]]]',
        b'["a", {"x": ' + b"9" * 5000 + b"}, []]",
        b"[" * 200_000,
        b'["a", {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}, []]",
    ],
    ids=lambda text: text[:20].decode("latin-1"),
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(WireError, match=r"^a header that cannot be read \(\w+\)$"):
        decode_header(text)


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "abc",
        [],
        ["a", {}],
        ["a", {}, [], []],
        [1, {}, []],
        [None, {}, []],
        ["a", [], []],
        ["a", None, []],
        ["a", {}, {}],
        ["a", {}, {"xyz": 1}],
        ["a", {}, "xyz"],
        {"kind": "a", "fields": {}, "": []},
    ],
    ids=repr,
)
def test_a_header_of_another_form_is_refused(value):
    with pytest.raises(WireError, match=r"^a header without kind, fields and arrays$"):
        decode_header(json.dumps(value).encode())


@pytest.mark.parametrize(
    "entry",
    [
        None,
        1,
        "xyz",
        [],
        ["x", "uint8"],
        ["x", "uint8", [1], 1],
        [1, "uint8", [1]],
        [["x"], "uint8", [1]],
        ["x", 1, [1]],
        ["x", ["uint8"], [1]],
        ["x", {}, [1]],
        ["x", "float64", [1]],
        ["x", "object", [1]],
        ["x", ">i8", [1]],
        ["x", "UINT8", [1]],
        ["x", "uint8", None],
        ["x", "uint8", 1],
        ["x", "uint8", "12"],
        ["x", "uint8", {"1": 2}],
        ["x", "uint8", [-1]],
        ["x", "uint8", [True]],
        ["x", "uint8", [1.0]],
        ["x", "uint8", ["1"]],
        ["x", "uint8", [None]],
        ["x", "uint8", [[1]]],
        ["x", "uint8", [1] * 9],
        ["x", "uint8", [2**63]],
        ["x", "uint8", [2**30, 2**30]],
        ["x", "uint8", [0, 2**62, 2**62]],
        ["x", "uint8", [10**4000] * 8],
    ],
    ids=lambda entry: repr(entry)[:40],
)
def test_an_array_that_is_none_is_refused(entry):
    with pytest.raises(WireError, match=r"^an array that is none: \S.{0,200}$"):
        decode_header(json.dumps(["a", {}, [["first", "uint8", [1]], entry]]).encode())


def test_an_array_that_comes_twice_is_refused():
    with pytest.raises(WireError, match=r"^two arrays 'x'$"):
        decode_header(json.dumps(["a", {}, [["x", "uint8", [1]], ["x", "uint8", [2]]]]).encode())


def test_reasons_are_short_however_much_was_sent():
    for name in ("x" * 100_000, "\n" * 100_000):
        with pytest.raises(WireError) as refused:
            decode_header(header_with([-1] * 10_000, dtype=name, name=name))

        assert len(str(refused.value)) < 300
        assert len(str(refused.value).splitlines()) == 1


def test_an_empty_array_of_any_shape_that_is_taken_can_be_made():
    header = decode_header(header_with([2**48, 0], dtype="int64"))

    assert header.n_bytes == 0
    assert decode_arrays(header, bytearray()).arrays["x"].shape == (2**48, 0)


def test_the_size_counts_all_arrays():
    listed = [["x", "uint8", [5]], ["y", "int64", [2, 3]], ["z", "float32", []], ["w", "int64", [0]]]

    assert decode_header(json.dumps(["a", {}, listed]).encode()).n_bytes == 5 + 48 + 4
