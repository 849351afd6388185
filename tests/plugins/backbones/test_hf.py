"""hf:MODEL: small models of transformers, saved at random weights, against the library itself."""

import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer as Trained
from tokenizers import models, pre_tokenizers, processors

from metabench.api.algorithm import AlgorithmSetting
from metabench.api.episodes import Episodes
from metabench.api.options import declared_options, resolve_options
from metabench.api.session import as_inputs
from metabench.data.dataset import Dataset, Pool
from metabench.data.places import Places
from metabench.data.recipe import SPLITS
from metabench.data.texts import pack
from metabench.data.tokens import tokenized
from metabench_plugins.algorithms.maml import MAML
from metabench_plugins.backbones.hf import HF

transformers = pytest.importorskip("transformers", reason="transformers is not here")

WORDS = ["play", "some", "jazz", "put", "on", "a", "song", "how", "much", "is", "euro", "in", "dollars"]
TEXTS = ["play some jazz", "song", "how much is a euro in dollars", "some jazz play"]
SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
T5_SIZES = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_layers": 2, "num_heads": 2}
# What stands for padding, begin and end; only RoBERTa has another token than padding first.
SPECIAL = {
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]"],
    "roberta": ["<s>", "<pad>", "</s>", "<unk>"],
    "t5": ["<pad>", "</s>", "<unk>", "<s>"],
}
N_TOKENS = len(WORDS) + 4
CONFIGS = {
    "bert": lambda: transformers.BertConfig(vocab_size=N_TOKENS, max_position_embeddings=64, **SIZES),
    "roberta": lambda: transformers.RobertaConfig(
        vocab_size=N_TOKENS,
        max_position_embeddings=66,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **SIZES,
    ),
    "t5": lambda: transformers.T5Config(vocab_size=N_TOKENS, **T5_SIZES),
}
every_model = pytest.mark.parametrize("name", list(CONFIGS))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of models with their tokenizers, as `save_pretrained` writes them."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    for name, config in CONFIGS.items():
        transformers.AutoModel.from_config(config()).save_pretrained(folder / name)
        tokenizer(name).save(str(folder / name / "tokenizer.json"))
    return folder


def tokenizer(name):
    special = SPECIAL[name]
    unknown = next(token for token in special if "unk" in token.lower())
    numbers = {token: number for number, token in enumerate([*special, *WORDS])}
    trained = Trained(models.WordLevel(numbers, unk_token=unknown))
    trained.pre_tokenizer = pre_tokenizers.Whitespace()
    begin, end = ("[CLS]", "[SEP]") if name == "bert" else ("<s>", "</s>")
    pair = [(token, numbers[token]) for token in (begin, end)]
    trained.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}", special_tokens=pair)
    return trained


@pytest.fixture
def inputs(saved, tmp_path):
    """Texts as the harness gives them to the backbone of a model."""

    def of(name, texts=TEXTS):
        pools = {split: Pool(pack(texts), np.array([0, len(texts)]), ("one",)) for split in SPLITS}
        dataset = Dataset("demo", "text", pools, "", "")
        opened = tokenized(dataset, HF.tokenizer, Places(tmp_path, None), saved / name)
        ids = torch.from_numpy(np.array(opened.pools["meta_test"].numbers))
        return as_inputs(ids, torch.device("cpu"))

    return of


@pytest.fixture
def build(saved, make):
    return lambda name, **options: make(HF, (64,), model=saved / name, n_tokens=N_TOKENS, **options)


def test_it_declares_what_it_is():
    assert (HF.modality, HF.takes_model, HF.tokenizer.file) == ("text", True, "model:tokenizer.json")
    assert HF.pretraining != "none"


@every_model
@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_features_are_those_of_the_library_text_by_text(name, pooling, saved, build, inputs):
    network = transformers.AutoModel.from_pretrained(saved / name).eval()
    network = network.get_encoder() if name == "t5" else network
    expected = []
    for text in TEXTS:
        ids = torch.tensor([tokenizer(name).encode(text).ids])
        states = network(input_ids=ids).last_hidden_state[0]
        expected.append(states.mean(0) if pooling == "mean" else states[0])

    backbone = build(name, pooling=pooling)
    torch.testing.assert_close(backbone(inputs(name)), torch.stack(expected), rtol=1e-4, atol=1e-5)
    assert backbone.n_features == 8


def test_padding_is_what_the_tokenizer_says_where_the_config_says_nothing(tmp_path, saved, make, inputs):
    folder, texts = tmp_path / "gpt2", ["<s> play some", "jazz"]  # "<s>" is token 0
    config = transformers.GPT2Config(vocab_size=N_TOKENS, n_embd=8, n_layer=1, n_head=2, n_positions=64)
    assert config.pad_token_id is None
    network = transformers.AutoModel.from_config(config).eval()
    network.save_pretrained(folder)
    tokenizer("roberta").save(str(folder / "tokenizer.json"))
    ids = [torch.tensor([tokenizer("roberta").encode(text).ids]) for text in texts]
    expected = torch.cat([network(input_ids=one).last_hidden_state.mean(1) for one in ids])

    backbone = make(HF, (64,), model=folder, n_tokens=N_TOKENS)
    torch.testing.assert_close(backbone(inputs("roberta", texts)), expected, rtol=1e-4, atol=1e-5)


@every_model
@pytest.mark.parametrize("tuned", [False, True])
def test_a_text_is_seen_alone_in_every_mode(name, tuned, build, inputs):
    backbone = build(name, tuned=tuned)
    together = backbone(inputs(name))

    alone = torch.cat([backbone.train()(inputs(name, [text])) for text in TEXTS])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


@every_model
def test_kept_only_the_map_is_learned_and_committed(name, build, inputs):
    backbone = build(name)
    backbone(inputs(name)).sum().backward()

    assert list(backbone.state_dict()) == ["map.weight"]
    assert backbone.map.weight.grad.any()


@every_model
def test_tuned_everything_is_learned_but_a_pooler(name, build, inputs):
    backbone = build(name, tuned=True)
    backbone(inputs(name)).square().sum().backward()

    idle = {key for key, weight in backbone.named_parameters() if weight.grad is None}
    assert idle == {key for key, _ in backbone.named_parameters() if "pooler" in key}


def test_gradients_through_the_inner_steps_are_right(build, inputs):
    """Second-order MAML on a tuned model: the derivative along a direction against a difference of losses."""
    options = resolve_options(declared_options(MAML), {"inner_lr": 0.5, "clip_norm": 0.0})
    learner = MAML(AlgorithmSetting(options, build("bert", tuned=True), n_way=2, n_shot=1, n_query=1))
    learner = learner.double().eval()
    support, query = (
        {key: one[None] for key, one in inputs("bert", some).items()} for some in (TEXTS[:2], TEXTS[2:])
    )
    labels = torch.tensor([[0, 1]])
    episode = Episodes(support, labels, query, labels, 2)
    weight = learner.backbone.network.embeddings.word_embeddings.weight
    (gradient,) = torch.autograd.grad(learner.loss(episode), weight)
    direction = torch.randn_like(weight)

    step, start, values = 1e-5, weight.detach().clone(), []
    for sign in (1, -1):
        weight.data = start + sign * step * direction
        values.append(learner.loss(episode).detach())

    expected = (values[0] - values[1]) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-4, atol=1e-8)


def test_bf16_gives_about_the_same_features(build, inputs):
    backbone, texts = build("bert"), inputs("bert")
    exact = backbone(texts)

    with torch.autocast("cpu", torch.bfloat16):
        rough = backbone(texts).float()
    assert (rough - exact).norm() < 0.05 * exact.norm()


def copy(saved, folder, name="bert"):
    folder.mkdir()
    for file in (saved / name).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_weights_that_are_missing_are_refused_but_a_poolers(saved, make, tmp_path):
    folder = copy(saved, tmp_path / "model")
    state = load_file(folder / "model.safetensors")
    without = {key: weight for key, weight in state.items() if "pooler" not in key}
    save_file(without, folder / "model.safetensors", {"format": "pt"})

    make(HF, (64,), model=folder)
    del without["encoder.layer.1.output.dense.weight"]
    save_file(without, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        ValueError, match=r"1 weights are not in it, such as 'encoder\.layer\.1\.output\.dense"
    ):
        make(HF, (64,), model=folder)


@pytest.mark.parametrize("content", ["{}", "no json", '{"model_type": "no such"}'])
def test_a_folder_of_something_else_is_refused(make, tmp_path, content):
    (tmp_path / "config.json").write_text(content)

    with pytest.raises(
        ValueError, match=r"^model '.*' cannot be loaded \(.*\); expected one that the library"
    ):
        make(HF, (64,), model=tmp_path)


def test_without_the_library_it_says_what_to_install(make, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)

    with pytest.raises(ValueError, match=r"`pip install 'metabench\[transformers\]'`"):
        make(HF, (64,), model=tmp_path)
