"""How a plugin's failure is told: one clean line, and what kind it is."""

import socket
from urllib.error import URLError

import pytest
import torch

from metabench.api.options import OptionError
from metabench.contestant.failure import PluginError, guarded, one_line
from metabench.errors import InvalidOutputError, MetabenchError
from metabench.wire.channel import PeerGoneError
from metabench.wire.reports import Failure, hear


def raised(error):
    """The error as it is after it was raised here."""
    try:
        raise error
    except type(error) as caught:
        return caught


def told(channels, error):
    ours, theirs = channels
    with pytest.raises(SystemExit) as ended, guarded(theirs):
        raise error
    assert ended.value.code == 1
    return hear(ours.receive(within_s=10.0), Failure)


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError


CAUSED_BY_MEMORY = PluginError("building the learner raises …")
CAUSED_BY_MEMORY.__cause__ = MemoryError()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PluginError("no"), "plugin_error"),
        (OptionError("no"), "plugin_error"),
        (MetabenchError("no"), "plugin_error"),
        (InvalidOutputError("no"), "invalid_output"),
        (MemoryError(), "out_of_memory"),
        (torch.OutOfMemoryError("no"), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 TB"), "out_of_memory"),
        (OSError(12, "Cannot allocate memory"), "out_of_memory"),
        (CAUSED_BY_MEMORY, "out_of_memory"),
        (RuntimeError("shapes differ"), "crashed"),
        (KeyError("out of memory"), "crashed"),
        (SystemExit(0), "crashed"),
        (SystemExit("bye"), "crashed"),
        (Unspeakable(), "crashed"),
    ],
    ids=repr,
)
def test_a_failure_is_of_one_kind_and_ends_the_process(channels, error, status, capsys):
    assert told(channels, error).status == status
    assert "Traceback" in capsys.readouterr().err


def test_without_a_failure_nothing_is_told(channels):
    ours, theirs = channels
    with guarded(theirs):
        pass
    with pytest.raises(TimeoutError):
        ours.receive(within_s=0.01)


@pytest.mark.parametrize("error", [PeerGoneError, KeyboardInterrupt])
def test_what_is_no_failure_of_the_plugin_passes(channels, error):
    with pytest.raises(error), guarded(channels[1]):
        raise error


def test_a_referee_that_is_gone_is_not_told(capsys):
    ours, theirs = socket.socketpair()
    ours.close()
    from metabench.wire.channel import Channel

    with theirs, pytest.raises(PeerGoneError), guarded(Channel(theirs, max_bytes=1)):
        raise ValueError
    assert "ValueError" in capsys.readouterr().err


def test_the_line_says_what_and_where():
    line = one_line(raised(ValueError("two\n  lines")))

    assert line.startswith("ValueError: two lines (test_failure.py line ")


@pytest.mark.parametrize("kind", [PluginError, InvalidOutputError, OptionError, MetabenchError])
def test_errors_that_explain_themselves_are_told_as_they_are(kind):
    assert one_line(raised(kind("told\nwell. Go on."))) == "told well. Go on"


def test_a_line_leaves_the_full_stop_to_the_sentence_that_it_stands_in():
    assert one_line(raised(ValueError("no loss."))).startswith("ValueError: no loss (test_failure.py line ")


def test_the_place_is_the_plugins_not_torchs():
    with pytest.raises(RuntimeError) as caught:
        torch.nn.Linear(2, 3)(torch.zeros(4))

    assert "(test_failure.py line " in one_line(caught.value)


def test_an_error_that_was_never_raised_has_no_place():
    assert one_line(KeyError("x")) == "KeyError: 'x'"


def test_a_line_stays_short_and_clean_whatever_the_error_says():
    line = one_line(ValueError("\x1b[31m" + "long " * 1000 + "\ud800"))

    assert len(line) <= 1000
    assert line.isprintable()


def test_an_error_whose_text_raises_is_told_all_the_same():
    assert one_line(Unspeakable()) == "Unspeakable: (its text cannot be had)"


def test_control_characters_do_not_reach_the_referee(channels):
    assert told(channels, ValueError("a\x1b[2J\ud800b")).message.startswith("ValueError: a [2J b (")


CAUSED_BY_A_FILE = PluginError("building the learner raises …")
CAUSED_BY_A_FILE.__cause__ = PermissionError(13, "Permission denied", "/x")


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file", "/x"),
        socket.gaierror(-3, "no"),
        ConnectionRefusedError(111, "refused"),
        URLError("unreachable"),
        CAUSED_BY_A_FILE,
    ],
    ids=repr,
)
def test_what_a_sandbox_may_have_caused_names_it(channels, error):
    hint = "; where there is a sandbox, a contestant sees its packages and its own folder, but no network"
    assert hint in told(channels, error).message
    assert hint not in one_line(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(12, "Cannot allocate memory"),
        OSError(28, "No space left"),
        BrokenPipeError(32, "gone"),
        ValueError(),
    ],
    ids=repr,
)
def test_what_no_sandbox_causes_does_not(channels, error):
    assert "sandbox" not in told(channels, error).message
