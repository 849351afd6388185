"""The generator of fakes against plain tensors, and the losses of both players against their terms."""

import pytest
import torch

from metabench_plugins.algorithms._metagan import Generator, discriminator_loss, realness_loss

LOGITS = torch.tensor([[2.0, -1.0, 0.5, 1.0], [0.0, 0.3, -2.0, -0.5]], dtype=torch.float64)
FAKE = torch.tensor([[1.0, 0.0, -1.0, 3.0], [2.0, 2.5, 0.0, 0.1], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)


@pytest.fixture
def generator():
    return Generator(n_features=4, n_fakes=7, width=6).double()


@pytest.fixture
def support():
    return torch.randn(2, 5, 4, dtype=torch.float64)


def test_fakes_are_those_of_the_formula(generator, support):
    weights = dict(generator.named_parameters())
    fakes = generator.eval()(support)

    for one, made in zip(support, fakes, strict=True):
        encoded = [(weights["encode.0.weight"] @ x + weights["encode.0.bias"]).clamp_min(0) for x in one]
        summary = sum(encoded) / 5
        for noise, fake in zip(generator.test_noise, made, strict=True):
            hidden = weights["decode.0.weight"] @ torch.cat([summary, noise]) + weights["decode.0.bias"]
            place = weights["decode.2.weight"] @ hidden.clamp_min(0) + weights["decode.2.bias"]
            least, greatest = one.min(0).values, one.max(0).values
            torch.testing.assert_close(fake, least + (greatest - least) / (1 + (-place).exp()))


def test_the_order_of_the_support_changes_nothing(generator, support):
    generator.eval()
    torch.testing.assert_close(generator(support[:, [3, 0, 4, 1, 2]]), generator(support))


def test_fakes_depend_on_every_support_example(generator, support):
    middle = support.clone()
    middle[:, 0] = support[:, 1:].mean(1)  # so that bounds are those of the others, whatever it is
    other = middle.clone()
    other[:, 0] = 0.5 * (middle[:, 0] + middle[:, 1])

    generator.eval()
    assert bool((generator(middle) != generator(other)).any(2).all())


def test_training_draws_noise_and_testing_does_not(generator, support):
    same = support[:1].expand(2, -1, -1)
    first, second = generator(same)
    assert first.shape == (7, 4)
    assert not torch.allclose(first, second, rtol=0.01)

    generator.eval()
    torch.manual_seed(1)
    first, second = generator(same)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(first, second)
    assert torch.equal(torch.rand(1), drawn)


def test_no_gradient_goes_back_to_features(generator, support):
    generator(support.requires_grad_()).sum().backward()

    assert support.grad is None
    assert all(bool((weight.grad != 0).any()) for weight in generator.parameters())


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_discriminators_loss_is_the_sum_of_its_three_terms(weight):
    labels = torch.tensor([2, 1])
    real, fake = LOGITS.softmax(1), FAKE.softmax(1)
    among_classes = real[:, :3] / real[:, :3].sum(1, keepdim=True)
    supervised = -(among_classes[0, 2].log() + among_classes[1, 1].log()) / 2
    unsupervised = -(1 - real[:, 3]).log().mean() - fake[:, 3].log().mean()

    expected = supervised + weight * unsupervised

    torch.testing.assert_close(discriminator_loss(LOGITS, labels, FAKE, fake_weight=weight), expected)
    batched = discriminator_loss(LOGITS[:, None], labels[:, None], FAKE[None], fake_weight=weight)
    torch.testing.assert_close(batched, expected)


def test_with_weight_one_it_is_the_cross_entropy_over_all_classes():
    probabilities, fakes = LOGITS.softmax(1), FAKE.softmax(1)
    expected = -(probabilities[0, 2].log() + probabilities[1, 1].log()) / 2 - fakes[:, 3].log().mean()

    found = discriminator_loss(LOGITS, torch.tensor([2, 1]), FAKE, fake_weight=1.0)
    torch.testing.assert_close(found, expected)


def test_the_generators_loss_is_that_fakes_are_not_taken_for_real():
    expected = -(1 - FAKE.softmax(1)[:, 3]).log().mean()

    torch.testing.assert_close(realness_loss(FAKE), expected)
    torch.testing.assert_close(realness_loss(FAKE[:, None]), expected)
