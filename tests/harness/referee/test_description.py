import json
import math
from pathlib import Path

import pytest

from metabench.data.places import Places
from metabench.discovery.plugin import Plugin
from metabench.referee import description
from metabench.referee.description import Description, Undescribed, describe_plugins
from metabench.referee.limits import Limits
from metabench.spec.option import Option
from metabench.spec.tokenizer import Tokenizer

ALGORITHM = '''
import os, signal
from metabench.api import Algorithm, option


class Method(Algorithm):
    """A method.

    \x1b[31mIn red.
    """

    features_only = True
    power: float = option(0.5, "how \x1b[1mstrong", at_least=0)
    mode: str = option("a", "which way", choices=("a", "b"))

    def loss(self, episodes): ...
    def predict(self, episodes): ...
'''


@pytest.fixture
def plugin(tmp_path: Path):
    """Writes a one-file algorithm with some statement before its end."""

    def write(name: str, statement: str = "", text: str = ALGORITHM) -> Plugin:
        (tmp_path / f"{name}.py").write_text(text + statement)
        return Plugin("algorithm", name, f"{name}:Method", "(file)", "", tmp_path)

    return write


@pytest.fixture
def no_process(monkeypatch):
    """Makes it an error to start a contestant process."""

    def refuse(*args):
        raise AssertionError("a contestant process was started")

    def forbid():
        monkeypatch.setattr(description, "ContestantProcess", refuse)

    return forbid


def test_what_a_plugin_declares_is_asked_once_for_each_text_of_it(plugin, tmp_path, no_process):
    one = plugin("method")
    places = Places(tmp_path, mirror=None)
    told = describe_plugins([one, one], places)[one]
    assert isinstance(told, Description)
    assert told.features_only
    assert told.options["power"].default == 0.5
    assert told.options["power"].help == "how \ufffd[1mstrong"
    assert told.options["power"].as_option() == Option(0.5, "how \ufffd[1mstrong", at_least=0)
    assert told.options["mode"].as_option() == Option("a", "which way", choices=("a", "b"))
    assert told.summary == "A method.\n\n\ufffd[31mIn red."

    edited = plugin("method", text=ALGORITHM.replace("0.5", "0.25"))
    told_again = describe_plugins([edited], places)[edited]
    assert isinstance(told_again, Description)
    assert told_again.options["power"].default == 0.25

    no_process()
    assert describe_plugins([edited], places)[edited] == told_again
    plugin("method")
    assert describe_plugins([one], places)[one] == told


def test_a_broken_plugin_breaks_only_itself(plugin, tmp_path):
    works = plugin("works")
    broken = {
        plugin("raises", "raise ValueError('\\x1b[2J a bug')"): "ValueError: .* a bug",
        plugin("exits", "os._exit(0)"): "ends the process",
        plugin("is_no_algorithm", text="class Method: ..."): "is no Algorithm",
        plugin("is_no_python", text="class Method:"): "is no Python",
        plugin("has_no_class", text="class Other: ..."): "has no class 'Method'",
        plugin("kills", "os.kill(os.getppid(), signal.SIGKILL)"): "ended by SIGKILL",
    }
    told = describe_plugins([*broken, works], Places(tmp_path, mirror=None))
    assert isinstance(told[works], Description)
    for one, reason in broken.items():
        assert isinstance(told[one], Undescribed)
        with pytest.raises(AssertionError, match=reason):
            raise AssertionError(told[one].reason)
        assert told[one].reason.isprintable()


FORGES = """
import ctypes

from metabench.wire.message import Message, encode

forged = Message("descriptions", {"descriptions": [{"error": "forged"}] * 2})
parent = os.pidfd_open(os.getppid())
for number in range(3, 32):
    for descriptor in (number, ctypes.CDLL(None).syscall(438, parent, number, 0)):
        try:
            os.write(descriptor, b"".join(encode(forged)))
        except OSError:
            continue
"""


def test_a_plugin_cannot_answer_for_another(plugin, tmp_path):
    forges, works = plugin("forges", FORGES), plugin("works")
    told = describe_plugins([forges, works], Places(tmp_path, mirror=None))
    assert isinstance(told[works], Description)


def test_a_plugin_that_hangs_on_import_is_not_waited_for(plugin, tmp_path, monkeypatch):
    monkeypatch.setattr(description, "_LIMITS", Limits(4096, 1, 0, startup_s=2.5))
    hangs = plugin("hangs", "import time; time.sleep(3600)")
    told = describe_plugins([hangs], Places(tmp_path, mirror=None))[hangs]
    assert isinstance(told, Undescribed)
    assert "describing plugins takes more than 5 s" in told.reason


def test_nothing_is_remembered_of_a_plugin_that_could_not_tell(plugin, tmp_path, no_process):
    plugin("method", "raise ValueError")
    one = plugin("method", "raise ValueError")
    places = Places(tmp_path, mirror=None)
    assert isinstance(describe_plugins([one], places)[one], Undescribed)
    assert not places.cache.exists()


def test_a_damaged_cache_is_asked_anew_and_one_that_cannot_be_written_is_done_without(
    plugin, tmp_path, monkeypatch
):
    one = plugin("method")
    known = Description(
        summary="", options={}, features_only=False, modality="", pretraining="none", tokenizer=None
    )
    asked = []
    monkeypatch.setattr(
        description, "_ask", lambda plugins, hidden: asked.append(plugins) or [known] * len(plugins)
    )
    places = Places(tmp_path, mirror=None)
    describe_plugins([one], places)
    (file,) = places.cache.iterdir()
    file.write_text('{"summary": 3}')
    assert describe_plugins([one], places)[one] == known
    assert asked == [[one], [one]]
    (tmp_path / "file").write_text("")
    assert describe_plugins([one], Places(tmp_path / "file", mirror=None))[one] == known


def test_a_description_that_was_remembered_without_bounds_is_asked_anew(plugin, tmp_path):
    one, places = plugin("method"), Places(tmp_path, mirror=None)
    first = describe_plugins([one], places)[one]
    (file,) = places.cache.iterdir()
    known = json.loads(file.read_text())
    for option in known["options"].values():
        del option["at_least"]
    file.write_text(json.dumps(known))

    assert describe_plugins([one], places)[one] == first


@pytest.mark.parametrize("wrong", [{"default": math.nan}, {"at_most": math.inf}, {"choices": [1]}])
def test_an_option_that_cannot_be_is_not_believed(wrong):
    power = {"default": 0.5, "help": "", "at_least": None, "at_most": 1, "choices": []}
    told = {"summary": "", "features_only": False, "modality": "", "pretraining": ""}

    assert isinstance(description._read(told | {"options": {"power": power}}), Description)
    assert isinstance(description._read(told | {"options": {"power": power | wrong}}), Undescribed)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"error": 3},
        {"summary": "", "options": {"a b": {}}, "features_only": True, "modality": "", "pretraining": ""},
    ],
)
def test_what_is_no_description_is_not_believed(answer):
    assert description._read(answer) == Undescribed("it declares what cannot be read")


TEXT_BACKBONE = """
from metabench.api import Backbone, Tokenizer


class Words(Backbone):
    modality = "text"
    tokenizer = {tokenizer}

    def setup(self, example_shape): ...
    def forward(self, inputs): ...
"""


@pytest.mark.parametrize("tokenizer", [Tokenizer("bpe", n_tokens=50), None], ids=["own", "usual"])
def test_a_text_backbone_tells_its_tokenizer_and_it_is_remembered(tmp_path, no_process, tokenizer):
    (tmp_path / "words.py").write_text(TEXT_BACKBONE.format(tokenizer=tokenizer))
    one = Plugin("backbone", "words", "words:Words", "(file)", "", tmp_path)

    first = describe_plugins([one], Places(tmp_path, mirror=None))[one]
    no_process()

    assert (first.modality, first.tokenizer) == ("text", tokenizer)
    assert describe_plugins([one], Places(tmp_path, mirror=None))[one] == first


def test_a_tokenizer_that_cannot_be_is_not_believed():
    told = {"summary": "", "options": {}, "features_only": False, "modality": "text", "pretraining": "none"}
    endless = {"kind": "word", "n_tokens": 50, "length": 10**9, "lowercase": True, "file": ""}

    assert isinstance(description._read(told | {"tokenizer": endless | {"length": 9}}), Description)
    assert isinstance(description._read(told | {"tokenizer": endless}), Undescribed)


@pytest.mark.parametrize("name", ["vit", "a-net", "/etc/passwd", "hf:/root", "nets.py:Net", "../net", "", 3])
def test_an_algorithm_may_wish_for_an_installed_backbone_and_for_no_file(name):
    told = {"summary": "", "options": {}, "features_only": False, "modality": "", "pretraining": ""}

    answer = description._read(told | {"default_backbones": {"image": name}})
    assert isinstance(answer, Description) == (name in ("vit", "a-net"))
