"""Token ids: trained on meta_train alone, the same everywhere, kept whole."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from metabench.data import tokens
from metabench.data.dataset import Dataset, Pool
from metabench.data.places import Places
from metabench.data.texts import pack
from metabench.data.tokens import tokenized
from metabench.errors import DataError, UsageError
from metabench.spec.tokenizer import Tokenizer

TRAIN = ["Pay my bill", "pay the bill now", "turn the light on", "turn my light off", "zebra"]
OTHER = ["pay the light", "a quagga", "turn turn turn turn turn turn"]


def dataset(train=TRAIN, test=OTHER):
    pools = {
        split: Pool(pack(texts), np.array([0, 1, len(texts)]), ("first", "second"))
        for split, texts in (("meta_train", train), ("meta_val", OTHER[:2]), ("meta_test", test))
    }
    return Dataset("demo", "text", pools, "0" * 64, "1" * 64)


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path, None)


def ids(opened, split="meta_test"):
    return np.asarray(opened.pools[split].numbers).tolist()


def test_ids_are_padded_with_nothing_but_zeros_and_cut_at_the_length(places):
    opened = tokenized(dataset(), Tokenizer(length=4), places)

    first, second, third = ids(opened)
    assert (0 in first, first[3]) == (True, 0)
    assert second == [1, 1, 0, 0]
    assert third == [third[0]] * 4
    assert opened.example_shape == (4,)
    assert opened.pools["meta_test"].numbers.dtype == np.int64
    assert isinstance(opened.pools["meta_test"].examples, np.memmap)
    assert opened.pools["meta_test"].class_names == ("first", "second")


def test_words_that_meta_train_has_once_are_unknown(places):
    opened = tokenized(dataset(), Tokenizer(length=4), places)

    assert ids(opened, "meta_train")[4] == [1, 0, 0, 0]
    # [PAD], [UNK], and: bill light my pay the turn
    assert opened.n_tokens == 8


def test_case_matters_only_where_it_is_declared_to(places):
    train = ["Pay pay Pay pay"]
    lower = tokenized(dataset(train * 2), Tokenizer(), places)
    exact = tokenized(dataset(train * 2), Tokenizer(lowercase=False), places)

    assert (lower.n_tokens, exact.n_tokens) == (3, 4)


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_a_vocabulary_never_depends_on_other_splits(places, kind):
    tokenizer = Tokenizer(kind, n_tokens=30)
    with_other = tokenized(dataset(test=["quagga quagga quagga quagga", *OTHER]), tokenizer, places)
    without = tokenized(dataset(), tokenizer, places)

    assert ids(with_other)[1:] == ids(without)
    assert ids(with_other, "meta_train") == ids(without, "meta_train")
    assert with_other.n_tokens == without.n_tokens


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_other_processes_give_the_same_ids(tmp_path, kind):
    program = (
        "import sys, hashlib, random; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from test_tokens import *\n"
        "rng = random.Random(0)\n"
        "words = [''.join(rng.choices('abcdefgh', k=rng.randint(2, 7))) for _ in range(300)]\n"
        "texts = [' '.join(rng.choices(words, k=8)) for _ in range(400)]\n"
        "places = Places(Path(sys.argv[3]), None)\n"
        "opened = tokenized(dataset(texts, texts), Tokenizer(sys.argv[2], 200), places)\n"
        "print(hashlib.sha256(opened.pools['meta_test'].numbers.tobytes()).hexdigest())\n"
    )
    run = [sys.executable, "-c", program, str(__file__).rpartition("/")[0], kind]
    told = {
        subprocess.run([*run, str(tmp_path / str(turn))], check=True, capture_output=True, text=True).stdout
        for turn in range(2)
    }
    assert len(told) == 1


def test_a_text_is_never_all_padding(places):
    opened = tokenized(dataset(test=["[PAD]", "[PAD] pay", "\u200b"]), Tokenizer(length=4), places)

    assert all(any(row) and 0 not in row[: sum(map(bool, row))] for row in ids(opened))


def test_ids_are_made_once(places, monkeypatch):
    first = tokenized(dataset(), Tokenizer(), places)
    monkeypatch.setattr(tokens, "_train", None)

    assert ids(tokenized(dataset(), Tokenizer(), places)) == ids(first)


@pytest.mark.parametrize(
    ("other", "tokenizer"),
    [
        (dataset(TRAIN[:4]), Tokenizer()),
        (dataset(test=OTHER[:2]), Tokenizer()),
        (dataset(), Tokenizer(length=5)),
        (dataset(), Tokenizer("bpe")),
    ],
    ids=["train", "test", "length", "kind"],
)
def test_whatever_the_ids_depend_on_has_ids_of_its_own(places, other, tokenizer):
    tokenized(dataset(), Tokenizer(), places)
    tokenized(other, tokenizer, places)

    assert len(list(places.store.glob("tokens-demo-*[0-9a-f]/index.json"))) == 2


def test_several_may_ask_at_once(places):
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: ids(tokenized(dataset(), Tokenizer(), places)), range(8)))

    assert all(one == told[0] for one in told)


def test_what_a_dead_process_has_left_is_no_matter(places):
    tokenized(dataset(), Tokenizer(), places)
    (folder,) = places.store.glob("tokens-demo-*/")
    folder.rename(places.store / f".{folder.name}.part")

    assert ids(tokenized(dataset(), Tokenizer(), places))
    assert not list(places.store.glob("*.part"))


@pytest.mark.parametrize(
    ("name", "content"),
    [("index.json", b"{}"), ("meta_val.npy", b"no array"), ("meta_val.npy", None)],
)
def test_damage_is_told_with_what_to_do(places, name, content):
    tokenized(dataset(), Tokenizer(), places)
    (file,) = places.store.glob(f"tokens-demo-*/{name}")
    file.write_bytes(file.read_bytes()[:-8] if content is None else content)

    with pytest.raises(DataError, match=r"Tokens of 'demo' in .* are damaged .*Delete that folder"):
        tokenized(dataset(), Tokenizer(), places)


def test_ids_of_another_shape_are_damage(places):
    tokenized(dataset(), Tokenizer(), places)
    (file,) = places.store.glob("tokens-demo-*/meta_val.npy")
    np.save(file, np.zeros((2, 3), dtype=np.int64))

    with pytest.raises(DataError, match=r"has int64 of shape \(2, 3\)"):
        tokenized(dataset(), Tokenizer(), places)


def test_a_store_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "store").write_text("")

    with pytest.raises(DataError, match=r"cannot be written .* METABENCH_HOME"):
        tokenized(dataset(), Tokenizer(), Places(tmp_path, None))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that must not be imported, with a tokenizer whose token 0 can be chosen."""

    def write(zero="[PAD]", text=None, others=("[UNK]", "pay", "light")):
        from tokenizers import Tokenizer as Trained
        from tokenizers import models, pre_tokenizers

        vocabulary = {token: number for number, token in enumerate((zero, *others))}
        trained = Trained(models.WordLevel(vocabulary, unk_token="[UNK]"))
        trained.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trained.enable_padding(length=7)
        folder = tmp_path / "demo_encoder"
        (folder / "model").mkdir(parents=True)
        (folder / "__init__.py").write_text("raise SystemExit")
        (folder / "model" / "tokenizer.json").write_text(text or trained.to_str())
        monkeypatch.syspath_prepend(tmp_path)
        return Tokenizer("file", length=4, file="demo_encoder:model/tokenizer.json")

    return write


def test_a_pretrained_tokenizer_is_read_from_its_package_which_is_not_imported(package, places):
    opened = tokenized(dataset(), package(), places)

    assert ids(opened)[:2] == [[2, 1, 3, 0], [1, 1, 0, 0]]
    assert opened.n_tokens == 4


def test_another_file_gives_other_ids(package, places, tmp_path):
    tokenizer = package()
    tokenized(dataset(), tokenizer, places)
    file = tmp_path / "demo_encoder" / "model" / "tokenizer.json"
    told = json.loads(file.read_text())
    told["model"]["vocab"] |= {"pay": 3, "light": 2}
    file.write_text(json.dumps(told))

    assert ids(tokenized(dataset(), tokenizer, places))[0] == [3, 1, 2, 0]


def test_a_pretrained_tokenizer_that_is_not_there_is_named(places):
    tokenizer = Tokenizer("file", file="no_such_package:tokenizer.json")

    with pytest.raises(UsageError, match=r"'no_such_package:tokenizer.json' is not here; .*Install"):
        tokenized(dataset(), tokenizer, places)


def test_a_file_that_is_no_tokenizer_is_refused(package, places):
    with pytest.raises(UsageError, match=r"cannot be read .*; expected a tokenizer.json"):
        tokenized(dataset(), package(text="{}"), places)


def test_a_tokenizer_without_padding_is_refused(package, places):
    with pytest.raises(UsageError, match=r"has no padding; expected one of the tokens \[PAD\], <pad>\. Name"):
        tokenized(dataset(), package(zero="<s>"), places)


def test_padding_and_token_0_change_places(package, places):
    """As in models whose padding is token 1: what they have as token 0 is to be no padding."""
    tokenizer = package(zero="pay", others=("<pad>", "[UNK]", "light"))

    opened = tokenized(dataset(test=["light <pad> pay", "dark", "pay"]), tokenizer, places)
    assert ids(opened) == [[3, 1, 0, 0], [2, 0, 0, 0], [1, 0, 0, 0]]


def test_a_tokenizer_may_be_that_of_the_model_which_the_user_names(package, places, tmp_path):
    package()
    model = tmp_path / "demo_encoder" / "model"

    opened = tokenized(dataset(), Tokenizer("file", length=4, file="model:tokenizer.json"), places, model)
    assert ids(opened)[:2] == [[2, 1, 3, 0], [1, 1, 0, 0]]


def test_a_model_without_the_tokenizer_is_named(places, tmp_path):
    tokenizer = Tokenizer("file", file="model:tokenizer.json")

    with pytest.raises(
        UsageError, match=rf"^Model '{tmp_path}' has no 'tokenizer\.json'; expected the token"
    ):
        tokenized(dataset(), tokenizer, places, tmp_path)


def test_across_domains_the_vocabulary_is_that_of_the_source(places):
    source, target = dataset(), dataset(["quagga quagga"] * 4, ["quagga light"] * 3)
    across = replace(source, pools={**source.pools, "meta_test": target.pools["meta_test"]})

    assert (
        ids(tokenized(across, Tokenizer(length=2), places))[0]
        != ids(tokenized(target, Tokenizer(length=2), places))[0]
    )
    assert ids(tokenized(across, Tokenizer(length=2), places))[0][0] == 1
