"""MetaGAN on MAML: the classifier that is adapted has to tell generated features from real ones, too."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from metabench.api import Episodes, Inputs, option, statistics_from_first
from metabench.api.episodes import join_inputs
from metabench_plugins.algorithms._adaptation import Weights, alone
from metabench_plugins.algorithms._metagan import Generator, discriminator_loss, realness_loss
from metabench_plugins.algorithms.maml import MAML


class MetaGANMAML(MAML):
    """Adapt a classifier that has one class more, for fakes made of the support set. Zhang et al. 2018.

    The discriminator is adapted to the support set and to fakes by the same loss by which the queries and
    other fakes then judge it. An answer has the N real classes alone. Inner steps take fakes as constants;
    the generator learns from those that the adapted discriminator judges.

    Source: Zhang et al., "MetaGAN: An Adversarial Approach to Few-Shot Learning", NeurIPS 2018.

    Differs from the paper: the generator makes features, not images, so that texts are treated likewise; the
    loss of fakes reaches the backbone only as far as the adapted last layer depends on it. The generator
    reads the discriminator's features in place of an image encoder of its own, and its fakes are bounded by
    them. Both players step at the same time, on the same fakes, with one Adam. There are no unlabelled
    examples: labelled ones stand for them in the unsupervised loss. In testing each episode's fakes are made
    of the same noise, so that its answer is its own. What `maml` does otherwise than its paper holds here,
    too, but for one inner step on texts as well.

    Expected: omniglot-5w1s, conv4: 91.14 % [90.55, 91.72], by `metabench evaluate metagan-maml --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. Within this budget it is worse than `maml`, paired on the
    same episodes: −2.23 [−2.65, −1.80], `metabench compare`. clinc150-10w1s, bilstm: 49.30 % [48.60, 49.99],
    by `metabench evaluate metagan-maml --benchmark clinc150-10w1s --budget 5m`. That is hardly more than a
    bag of words has (`centroid` on `bag`: 48.38; +0.91 [+0.10, +1.73]) and less than `maml` has, which takes
    five inner steps on texts where this takes one: −13.83 [−14.41, −13.25]. The budget ends while it still
    learns: on the first 60 episodes it has 28.1 % after an eighth of the budget, 41.9 % after a quarter and
    47.0 % after half.
    """

    parts: ClassVar[tuple[str, ...]] = ("backbone.", "head.", "fake_head.")

    # More steps of the size that suits texts may diverge.
    inner_steps: int = option(1, "gradient steps inside an episode", at_least=1)

    fake_weight: float = option(
        1.0, "factor of the discriminator's unsupervised loss; the paper has 1", at_least=0
    )
    n_fakes: int = option(16, "fakes for each inner step, and after the last", at_least=1)
    generator_width: int = option(64, "size of the generator's layers and of its noise", at_least=1)

    def setup(self) -> None:
        """Add the output for fakes, and the generator."""
        super().setup()
        self.fake_head = nn.Linear(self.backbone.n_features, 1)
        self.generator = Generator(self.backbone.n_features, self.n_fakes, self.generator_width)

    def loss(self, episodes: Episodes) -> Tensor:
        """The sum of both players' losses, each of which reaches that player's weights alone."""
        return torch.stack([self._play(episode) for episode in episodes]).mean()

    def example_loss(self, weights: Weights, inputs: Inputs, labels: Tensor, n_way: int) -> Tensor:
        """The discriminator's loss of labelled examples and of fakes made of them."""
        features = self._features(weights, inputs, n_statistics=len(labels))
        with torch.no_grad():
            fakes = self.generator(features[None])[0]
        real, fake = (_judged(weights, one, n_way) for one in (features, fakes))
        return discriminator_loss(real, labels, fake, fake_weight=self.fake_weight)

    def _play(self, episode: Episodes) -> Tensor:
        """Both players' losses after adaptation."""
        n_way, n_support = episode.n_way, episode.n_support
        weights = self.adapt(episode, training=True)
        both = join_inputs(alone(episode.support), alone(episode.query), dim=0)
        features = self._features(weights, both, n_statistics=n_support)
        fakes = self.generator(features[None, :n_support])[0]
        real, fake = (_judged(weights, one, n_way) for one in (features[n_support:], fakes.detach()))
        constants = {name: weight.detach() for name, weight in weights.items()}
        discriminator = discriminator_loss(real, episode.targets[0], fake, fake_weight=self.fake_weight)
        return discriminator + realness_loss(_judged(constants, fakes, n_way))

    def _features(self, weights: Weights, inputs: Inputs, *, n_statistics: int) -> Tensor:
        """Features under given weights; the first examples give the statistics of BatchNorm."""
        prefix = "backbone."
        own = {
            name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)
        }
        with statistics_from_first(self, n_statistics):
            features: Tensor = functional_call(self.backbone, own, (inputs,))
        return features


def _judged(weights: Weights, features: Tensor, n_way: int) -> Tensor:
    """Features (n, n_features) → logits (n, n_way + 1), the fake class last."""
    classes = functional.linear(features, weights["head.weight"][:n_way], weights["head.bias"][:n_way])
    fake = functional.linear(features, weights["fake_head.weight"], weights["fake_head.bias"])
    return torch.cat([classes, fake], dim=1)
