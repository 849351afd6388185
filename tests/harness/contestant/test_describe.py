"""What plugins declare; one that exits, hangs or lies spoils only its own description."""

import os
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from metabench.contestant import describe as describe_module
from metabench.contestant.describe import describe
from metabench.wire.message import HEADER_LIMIT, Message

# From Python 3.12 on; the contestant forks before it has threads of its own.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def ask(channels, tmp_path):
    """Ask what plugins declare: (kind, name, text of its module) each."""
    ours, theirs = channels

    def asker(*plugins):
        asked = []
        for number, (kind, name, text) in enumerate(plugins):
            (tmp_path / f"asked_{number}.py").write_text(textwrap.dedent(text))
            asked.append({"kind": kind, "target": f"asked_{number}:{name}", "search_path": str(tmp_path)})
        with ThreadPoolExecutor() as pool:  # as an answer may be larger than what a socket holds
            answer = pool.submit(ours.receive, within_s=60.0)
            describe(theirs, Message("describe", {"plugins": asked}))
        assert answer.result().kind == "descriptions"
        return answer.result().fields["descriptions"]

    return asker


GOOD = """
    import math

    from metabench.api import Algorithm, Backbone, option

    class A(Algorithm):
        '''What it is for.

        More.
        '''

        features_only = True
        default_backbones = {"text": "bilstm"}
        lr: float = option(0.5, "step size", at_least=0, at_most=math.inf)
        outer_lr = 0.1
        loss = predict = None

    class B(Backbone):
        modality = "text"
        pretraining = "wikipedia"
        size: str = option("small", "how large", choices=("small", "large"))
        setup = forward = None
"""


def test_an_algorithm_tells_what_it_declares(ask):
    (told,) = ask(("algorithm", "A", GOOD))

    assert told["summary"] == "What it is for.\n\nMore."
    assert told["features_only"] is True
    assert told["default_backbones"] == {"text": "bilstm"}
    assert (told["modality"], told["pretraining"]) == ("", "none")
    assert told["options"]["lr"] == {
        "default": 0.5,
        "help": "step size",
        "at_least": 0,
        "at_most": None,
        "choices": [],
    }
    assert sorted(told["options"]) == [
        "clip_norm",
        "lr",
        "meta_batch",
        "train_n_query",
        "train_n_shot",
        "train_n_way",
    ]


def test_a_backbone_tells_what_it_declares(ask):
    (told,) = ask(("backbone", "B", GOOD))

    assert told["options"] == {
        "size": {
            "default": "small",
            "help": "how large",
            "at_least": None,
            "at_most": None,
            "choices": ["small", "large"],
        }
    }
    assert (told["modality"], told["pretraining"]) == ("text", "wikipedia")


BAD = [
    ("import os; os._exit(0)", "importing it ends the process"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "importing it ends the process"),
    ("raise SystemExit('bye')", "importing 'asked_1:A' raises SystemExit: bye (asked_1.py line 1)"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt: (asked_1.py line 1)"),
    ("raise ValueError('no')", "importing 'asked_1:A' raises ValueError: no (asked_1.py line 1)"),
    ("def f(:", "importing 'asked_1:A' raises SyntaxError: invalid syntax (asked_1.py, line 1)"),
    ("A = 3", "'asked_1:A' is no Algorithm; expected a subclass of metabench.api.Algorithm"),
    ("", "importing 'asked_1:A' raises AttributeError: module 'asked_1' has no attribute 'A'"),
    (
        GOOD.replace("0.5", "None"),
        "importing 'asked_1:A' raises OptionError: The default of an option is None;",
    ),
    (GOOD.replace("0.5", "float('nan')"), "importing 'asked_1:A' raises OptionError: The default of an"),
    (GOOD.replace('"step size"', "b''"), "TypeError: Object of type bytes is not JSON serializable"),
    (GOOD.replace("More.", "More. " * 200_000), "it declares more than 262144 bytes"),
]


@pytest.mark.parametrize(("text", "error"), BAD, ids=lambda told: told[-40:])
def test_a_bad_one_says_why_and_spoils_no_other(ask, text, error):
    first, bad, last = ask(("algorithm", "A", GOOD), ("algorithm", "A", text), ("backbone", "B", GOOD))

    assert list(bad) == ["error"]
    assert bad["error"].startswith(error.replace("OptionError: ", ""))
    assert first["summary"]
    assert last["options"]


def test_one_of_the_other_kind_is_refused(ask):
    (told,) = ask(("backbone", "A", GOOD))

    assert told == {"error": "'asked_0:A' is no Backbone; expected a subclass of metabench.api.Backbone"}


def test_one_that_hangs_is_given_up(ask, monkeypatch):
    times = iter([0.0, 61.0])
    monkeypatch.setattr(describe_module, "now", lambda: next(times, 61.0))
    hanging = "import time\nwhile True: time.sleep(1)"
    told, other = ask(("algorithm", "A", hanging), ("algorithm", "A", "raise ValueError"))

    assert told == {"error": "importing it takes more than 60 s"}
    assert "ValueError" in other["error"]


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{", b"\xff"])
def test_one_that_talks_where_the_answer_goes_is_refused(ask, monkeypatch, text):
    def talk(work, write_end):
        os.write(write_end, text[:60_000])
        os._exit(0)

    monkeypatch.setattr(describe_module, "_answer_and_exit", talk)

    assert ask(("algorithm", "A", GOOD)) == [{"error": "importing it disturbs the process"}]


def test_nothing_that_a_plugin_imports_stays(ask):
    ask(("algorithm", "A", GOOD))

    assert "asked_0" not in sys.modules


def test_many_long_descriptions_fit_into_one_message(ask):
    long = GOOD.replace("More.", "More. " * (HEADER_LIMIT // 6 // 8))
    told = ask(*[("algorithm", "A", long)] * 6)

    assert all(len(one["summary"]) > 100_000 for one in told)
