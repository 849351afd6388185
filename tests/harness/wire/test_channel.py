"""A connection that carries whole messages within a limit, or says why not."""

import socket
import struct
import threading
import tracemalloc
from itertools import count

import numpy as np
import pytest

from metabench import clock
from metabench.wire import channel as channel_module
from metabench.wire.channel import Channel, PeerGoneError
from metabench.wire.message import HEADER_LIMIT, Message, WireError, encode

MAX_BYTES = 1 << 16


@pytest.fixture
def ends():
    """A channel, and the bare socket at its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours, max_bytes=MAX_BYTES), theirs


@pytest.fixture
def channels():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours, max_bytes=1 << 30), Channel(theirs, max_bytes=1 << 30)


def frame(message):
    return b"".join(bytes(piece) for piece in encode(message))


MESSAGE = Message("a", {"n": 1}, {"x": np.arange(3)})


def test_messages_arrive_whole_and_in_order(channels):
    ours, theirs = channels
    ours.send(MESSAGE)
    ours.send(Message("b"), within_s=60.0)

    first, second = theirs.receive(within_s=60.0), theirs.receive()

    assert (first.kind, first.fields, first.arrays["x"].tolist()) == ("a", {"n": 1}, [0, 1, 2])
    assert (second.kind, second.fields, second.arrays) == ("b", {}, {})


def test_a_message_larger_than_every_buffer_arrives(channels):
    ours, theirs = channels
    sent = np.arange(1 << 20)
    sender = threading.Thread(target=ours.send, args=(Message("a", arrays={"x": sent, "y": sent[:0]}),))
    sender.start()

    arrived = theirs.receive(within_s=60.0)
    sender.join()

    assert np.array_equal(arrived.arrays["x"], sent)
    assert arrived.arrays["y"].shape == (0,)


def test_a_descriptor_is_taken_over():
    ours, theirs = socket.socketpair()
    with ours:
        inherited = Channel.from_descriptor(theirs.detach(), max_bytes=MAX_BYTES)
        ours.sendall(frame(MESSAGE))

        assert inherited.receive().kind == "a"
        inherited.close()
        assert ours.recv(1) == b""


def test_a_message_that_comes_byte_by_byte_is_read(ends):
    ours, theirs = ends

    def dribble():
        for byte in frame(MESSAGE):
            theirs.sendall(bytes([byte]))

    sender = threading.Thread(target=dribble)
    sender.start()
    arrived = ours.receive(within_s=60.0)
    sender.join()

    assert arrived.arrays["x"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("n_bytes", [0, 2, 4, 10, len(frame(MESSAGE)) - 1])
def test_a_peer_that_closes_in_the_middle_is_gone(ends, n_bytes):
    ours, theirs = ends
    theirs.sendall(frame(MESSAGE)[:n_bytes])
    theirs.close()

    with pytest.raises(PeerGoneError):
        ours.receive(within_s=60.0)


def test_what_a_peer_sent_before_it_closed_is_read(ends):
    ours, theirs = ends
    theirs.sendall(frame(MESSAGE))
    theirs.close()

    assert ours.receive().kind == "a"


def test_sending_to_a_peer_that_has_closed_tells_that_it_is_gone(ends):
    ours, theirs = ends
    theirs.close()

    with pytest.raises(PeerGoneError):
        ours.send(MESSAGE)


def test_a_peer_that_closes_while_it_is_sent_to_is_gone(ends):
    ours, theirs = ends
    reader = threading.Thread(target=lambda: (theirs.recv(1000), theirs.close()))
    reader.start()

    with pytest.raises(PeerGoneError):
        ours.send(Message("a", arrays={"x": np.zeros(1 << 24, np.uint8)}))
    reader.join()


def test_a_peer_that_resets_the_connection_is_gone(ends):
    ours, theirs = ends
    ours.send(MESSAGE)
    theirs.close()  # with bytes unread, which resets

    with pytest.raises(PeerGoneError):
        ours.receive()


def test_a_silent_peer_is_waited_for_no_longer_than_the_limit(ends):
    ours, _ = ends

    with pytest.raises(TimeoutError):
        ours.receive(within_s=0.01)


def test_without_time_not_even_what_is_there_is_read(ends):
    ours, theirs = ends
    theirs.sendall(frame(MESSAGE))

    with pytest.raises(TimeoutError):
        ours.receive(within_s=0.0)


@pytest.mark.parametrize("n_ticks", [1, 5, 20])
def test_a_peer_that_dribbles_does_not_get_more_time(ends, monkeypatch, n_ticks):
    """The clock goes on by a second per look; a peer that sends a byte each time is late all the same."""
    ours, theirs = ends
    ticks = count()
    data = iter(frame(MESSAGE))

    def tick():
        theirs.sendall(bytes([next(data)]))
        return float(next(ticks))

    monkeypatch.setattr(clock, "read", tick)

    with pytest.raises(TimeoutError):
        ours.receive(within_s=float(n_ticks))
    assert next(ticks) == n_ticks + 1


def test_a_peer_that_does_not_read_is_waited_for_no_longer_than_the_limit(ends):
    ours, _ = ends

    with pytest.raises(TimeoutError):
        ours.send(Message("a", arrays={"x": np.zeros(1 << 24, np.uint8)}), within_s=0.01)


def test_a_peer_that_reads_in_sips_does_not_get_more_time(ends, monkeypatch):
    ours, theirs = ends
    ticks = count()

    def tick():
        if (now := next(ticks)) > 1:
            theirs.recv(10)
        return now / 100

    monkeypatch.setattr(clock, "read", tick)
    ours._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)

    with pytest.raises(TimeoutError):
        ours.send(Message("a", arrays={"x": np.zeros(1 << 24, np.uint8)}), within_s=0.05)
    assert next(ticks) == 6


@pytest.mark.parametrize("within_s", [None, 1e10, float("inf")])
def test_a_wait_of_any_length_is_possible(channels, within_s):
    ours, theirs = channels
    ours.send(MESSAGE, within_s=within_s)

    assert theirs.receive(within_s=within_s).kind == "a"


def test_a_long_wait_goes_on_beyond_what_a_socket_waits(ends, monkeypatch):
    ours, theirs = ends
    monkeypatch.setattr(channel_module, "_LONGEST_WAIT_S", 0.001)
    real = ours._connection

    class Counted:
        """The socket, whose third wait is ended by a message."""

        waits = 0

        def settimeout(self, seconds):
            self.waits += 1
            if self.waits == 3:
                theirs.sendall(frame(MESSAGE))
            real.settimeout(seconds)

        def recv(self, n_bytes):
            return real.recv(n_bytes)

    ours._connection = Counted()

    assert ours.receive().kind == "a"
    assert ours._connection.waits > 3


def test_a_header_of_absurd_length_is_refused_before_it_comes(ends):
    ours, theirs = ends
    theirs.sendall(struct.pack("<I", HEADER_LIMIT + 1))

    with pytest.raises(WireError, match=r"^a header of 1048577 bytes; at most 1048576 are expected$"):
        ours.receive(within_s=60.0)


@pytest.mark.parametrize(
    "listed",
    [
        [["x", "uint8", [MAX_BYTES + 1]]],
        [["x", "float32", [MAX_BYTES // 4]], ["y", "uint8", []]],
        [["x", "int64", [2**48]]],
    ],
)
def test_arrays_beyond_the_limit_are_refused_and_nothing_is_allocated(ends, listed):
    ours, theirs = ends
    header = f'["a", {{}}, {listed}]'.replace("'", '"').encode()
    theirs.sendall(struct.pack("<I", len(header)) + header)

    tracemalloc.start()
    with pytest.raises(WireError, match=r"^\d+ bytes of arrays; at most 65536 are expected$"):
        ours.receive(within_s=60.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 100_000


def test_arrays_up_to_the_limit_are_taken(ends):
    ours, theirs = ends
    theirs.sendall(frame(Message("a", arrays={"x": np.zeros(MAX_BYTES, np.uint8)})))

    assert ours.receive(within_s=60.0).arrays["x"].size == MAX_BYTES


def test_a_promise_of_much_is_not_believed_before_it_is_kept():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        header = b'["a", {}, [["x", "uint8", [1099511627776]]]]'
        theirs.sendall(struct.pack("<I", len(header)) + header + b"few")
        theirs.close()

        tracemalloc.start()
        with pytest.raises(PeerGoneError):
            Channel(ours, max_bytes=1 << 62).receive(within_s=60.0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 4 << 20


def test_what_is_no_header_is_refused(ends):
    ours, theirs = ends
    theirs.sendall(struct.pack("<I", 3) + b"\x80\x04.")

    with pytest.raises(WireError, match=r"^a header that cannot be read \(UnicodeDecodeError\)$"):
        ours.receive(within_s=60.0)


def test_messages_of_several_threads_do_not_mix(channels):
    ours, theirs = channels
    large = Message("large", arrays={"x": np.arange(1 << 18)})
    senders = [threading.Thread(target=lambda: [ours.send(large) for _ in range(8)]) for _ in range(4)]
    for sender in senders:
        sender.start()
    received = [theirs.receive(within_s=60.0) for _ in range(32)]
    for sender in senders:
        sender.join()

    assert all(np.array_equal(one.arrays["x"], large.arrays["x"]) for one in received)
