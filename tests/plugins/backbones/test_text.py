"""What all text backbones have in common: a text's features are its own."""

from collections.abc import Iterator

import pytest
import torch

from metabench.api.algorithm import AlgorithmSetting
from metabench.api.backbone import Backbone, BackboneSetting
from metabench.api.episodes import Episodes
from metabench.api.options import declared_options, resolve_options
from metabench.api.session import as_inputs
from metabench_plugins.algorithms.fomaml import FOMAML
from metabench_plugins.algorithms.maml import MAML
from metabench_plugins.algorithms.protonet import ProtoNet
from metabench_plugins.backbones.bag import Bag
from metabench_plugins.backbones.bilstm import BiLSTM
from metabench_plugins.backbones.textcnn import TextCNN
from metabench_plugins.backbones.transformer import Transformer

N_TOKENS, LENGTH = 50, 12
TEXTS = [[5, 9, 3], [7], [2, 4, 6, 8, 10, 12, 14], [9, 5, 3], list(range(1, 13))]


def build(kind: type[Backbone], **options: object) -> Backbone:
    torch.manual_seed(0)
    resolved = resolve_options(declared_options(kind), options)
    return kind(BackboneSetting(resolved, (LENGTH,), N_TOKENS)).eval()


def inputs(texts: list[list[int]], length: int = LENGTH) -> dict[str, torch.Tensor]:
    ids = torch.tensor([text + [0] * (length - len(text)) for text in texts])
    return as_inputs(ids, torch.device("cpu"))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


every_backbone = pytest.mark.parametrize("kind", [Bag, TextCNN, BiLSTM, Transformer])


@every_backbone
def test_features_have_the_declared_shape(kind):
    backbone = build(kind)

    assert kind.modality == "text"
    assert backbone(inputs(TEXTS)).shape == (len(TEXTS), backbone.n_features)
    assert backbone(inputs(TEXTS)).isfinite().all()


@every_backbone
def test_a_text_has_the_same_features_alone_and_in_any_company(kind):
    backbone = build(kind)
    together = backbone(inputs(TEXTS))

    for number, text in enumerate(TEXTS):
        torch.testing.assert_close(backbone(inputs([text]))[0], together[number], rtol=1e-5, atol=1e-6)


@every_backbone
def test_padding_changes_nothing(kind):
    backbone = build(kind)
    short = [text for text in TEXTS if len(text) < LENGTH - 3]

    torch.testing.assert_close(
        backbone(inputs(short, LENGTH - 3)), backbone(inputs(short)), rtol=1e-5, atol=1e-6
    )


@every_backbone
def test_what_lies_in_the_padding_changes_nothing(kind):
    backbone = build(kind)
    with torch.no_grad():
        backbone.embedding.weight[0] = 100.0

    torch.testing.assert_close(
        backbone(inputs([*TEXTS, TEXTS[0]]))[0], backbone(inputs([TEXTS[0]]))[0], rtol=1e-5, atol=1e-6
    )
    assert backbone(inputs(TEXTS)).abs().max() < 50


@every_backbone
def test_other_tokens_give_other_features(kind):
    first, _, _, turned, _ = build(kind)(inputs(TEXTS))

    # A bag does not know the order of its tokens; the others do.
    assert torch.allclose(first, turned, atol=1e-6) == (kind is Bag)
    assert not torch.allclose(*build(kind)(inputs([[5, 9, 3], [5, 9, 4]])), atol=1e-6)


@every_backbone
def test_the_mode_changes_nothing(kind):
    backbone = build(kind)

    torch.testing.assert_close(backbone(inputs(TEXTS)), backbone.train()(inputs(TEXTS)))


@every_backbone
def test_the_padding_is_never_trained(kind):
    backbone = build(kind)
    backbone(inputs(TEXTS)).square().sum().backward()

    assert not backbone.embedding.weight.grad[0].any()
    assert backbone.embedding.weight.grad[5].any()


def episodes(n_episodes: int = 2, n_way: int = 3) -> Episodes:
    """Each class has tokens of its own in texts of one to six tokens."""
    generator = torch.Generator().manual_seed(1)

    def texts(labels: torch.Tensor) -> dict[str, torch.Tensor]:
        ids = 1 + 10 * labels[..., None] + torch.randint(10, (*labels.shape, 6), generator=generator)
        lengths = torch.randint(1, 7, (*labels.shape, 1), generator=generator)
        return as_inputs(ids * (torch.arange(6) < lengths), torch.device("cpu"))

    support_labels = torch.arange(n_way).repeat_interleave(2).expand(n_episodes, -1)
    query_labels = torch.arange(n_way).repeat(3).expand(n_episodes, -1)
    return Episodes(texts(support_labels), support_labels, texts(query_labels), query_labels, n_way)


def learner(algorithm, kind, **options):
    options = resolve_options(declared_options(algorithm), options)
    return algorithm(AlgorithmSetting(options, build(kind), n_way=3, n_shot=2, n_query=3))


@every_backbone
@pytest.mark.parametrize("algorithm", [ProtoNet, MAML, FOMAML])
def test_algorithms_learn_from_texts_and_answer_them(kind, algorithm):
    one = learner(algorithm, kind)
    one.train()
    loss = one.loss(one.seen(episodes()))
    loss.backward()

    assert loss.isfinite()
    assert one.backbone.embedding.weight.grad.any()
    logits = one.answer(episodes())
    assert logits.shape == (2, 9, 3)
    torch.testing.assert_close(one.answer(episodes().at(slice(1, 2))), logits[1:], rtol=1e-4, atol=1e-5)


@every_backbone
def test_gradients_through_the_inner_steps_are_right(kind):
    """Second-order MAML: the derivative along a direction against a difference of losses."""
    one = learner(MAML, kind, inner_lr=0.5, clip_norm=0.0).double()
    weight = one.backbone.embedding.weight
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (gradient,) = torch.autograd.grad(one.loss(episodes()), weight)

    step = 1e-5
    start = weight.detach().clone()
    values = []
    for sign in (1, -1):
        weight.data = start + sign * step * direction
        values.append(one.loss(episodes()).detach())

    expected = (values[0] - values[1]) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-5, atol=1e-8)
